// The scenario, played by the C++ client: `scenario SCRIPT ADDRESS CONTROL ROOT`, or `scenario --speed ADDRESS KIND COUNT`.
#include <loupegrpc/client.h>
#include <netdb.h>
#include <openssl/evp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace {

using loupegrpc::Name;
using nlohmann::json;

// For one step.
constexpr std::chrono::minutes kPatience{3};

void Write(const json& line) { std::cout << line.dump() << "\n" << std::flush; }

std::string Print(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string Hexadecimal(const void* data, std::size_t size) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    const auto byte = static_cast<const unsigned char*>(data)[i];
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

// The value whose name is that of the script, out of the first few numbers.
template <class Enum>
Enum Named(const std::string& name) {
  for (int number = 0; number < 16; ++number) {
    if (Name(static_cast<Enum>(number)) == name) return static_cast<Enum>(number);
  }
  throw std::runtime_error("the script has a value " + name + " that this player does not know");
}

loupegrpc::FrameFormat FormatOf(const json& asked) {
  loupegrpc::FrameFormat format;
  format.pixel_format = Named<loupegrpc::PixelFormat>(asked.at("format"));
  format.width = asked.at("width");
  format.height = asked.at("height");
  if (asked.contains("strides")) format.strides = asked["strides"].get<std::vector<std::uint32_t>>();
  return format;
}

loupegrpc::Thresholds ThresholdsOf(const json& asked) {
  loupegrpc::Thresholds thresholds;
  if (asked.contains("low")) thresholds.low = asked["low"].get<double>();
  if (asked.contains("high")) thresholds.high = asked["high"].get<double>();
  return thresholds;
}

std::optional<loupegrpc::Thresholds> ThresholdsIn(const json& asked) {
  if (!asked.contains("thresholds")) return std::nullopt;
  return ThresholdsOf(asked["thresholds"]);
}

std::optional<loupegrpc::Masks> MasksIn(const json& asked) {
  if (!asked.contains("mask")) return std::nullopt;
  return loupegrpc::Masks{Named<loupegrpc::MaskPolicy>(asked["mask"])};
}

loupegrpc::Adaptation AdaptationOf(const json& asked) {
  loupegrpc::Adaptation adaptation;
  adaptation.min_confidence = asked.value("min_confidence", 0.0F);
  adaptation.steps_per_frame = asked.value("steps_per_frame", 0U);
  return adaptation;
}

json OfThresholds(float low, float high) {
  return {Print("%.4f", static_cast<double>(low)), Print("%.4f", static_cast<double>(high))};
}

void PutState(json* line, const std::optional<loupegrpc::AdaptationState>& state) {
  if (!state) return;
  (*line)["adaptation"] = {
      {"step", state->step}, {"hash", Hexadecimal(state->hash.data(), state->hash.size())}, {"frozen", state->frozen}};
}

json OfGrant(const loupegrpc::Grant& grant) {
  json unavailable = json::array();
  for (const auto& part : grant.unavailable) unavailable.push_back(part.feature);
  json line = {{"step", "open"},
               {"model", grant.model.name},
               {"demonstration", grant.model.demonstration},
               {"thresholds", OfThresholds(grant.low, grant.high)},
               {"mask", {Name(grant.masks.policy), Name(grant.masks.encoding)}},
               {"delivery", Name(grant.delivery)},
               {"credits", grant.limits.credits},
               {"unavailable", unavailable}};
  PutState(&line, grant.adaptation);
  return line;
}

json OfMask(const loupegrpc::Mask& mask) {
  const loupegrpc::Bitmap bitmap = mask.Decode();
  if (bitmap.Encode() != mask.Rle()) throw std::runtime_error("a mask that was decoded and encoded is another");
  const auto area = static_cast<std::uint64_t>(std::count(bitmap.pixels.begin(), bitmap.pixels.end(), 1));
  const loupegrpc::Box box = mask.BoundingBox();
  std::array<unsigned char, 32> hash{};
  if (EVP_Digest(bitmap.pixels.data(), bitmap.pixels.size(), hash.data(), nullptr, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("no SHA-256");
  }
  return {{"area", area},
          {"area_holds", area == mask.area() && static_cast<std::int64_t>(area) == mask.Rle().Area()},
          {"box", {box.x, box.y, box.width, box.height}},
          {"pixels", Hexadecimal(hash.data(), hash.size())}};
}

void PutAnalysis(json* line, const loupegrpc::Analysis& analysis) {
  json notes = json::array();
  for (const auto& note : analysis.notes) notes.push_back(Name(note.code));
  (*line)["score"] = Print("%.6f", static_cast<double>(analysis.score));
  (*line)["verdict"] = Name(analysis.verdict);
  (*line)["used"] = OfThresholds(analysis.low, analysis.high);
  (*line)["size"] = {analysis.width, analysis.height};
  (*line)["sha256"] = analysis.sha256;
  (*line)["notes"] = notes;
  (*line)["orientation"] = analysis.orientation;
  (*line)["agreement"] = Name(analysis.mask_agreement);
  if (analysis.mask) {
    (*line)["mask"] = OfMask(*analysis.mask);
  } else {
    (*line)["omission"] = Name(analysis.mask_omission);
  }
  PutState(line, analysis.adaptation);
}

json OfOutcome(const loupegrpc::Outcome& outcome) {
  const loupegrpc::FrameInfo& frame = FrameOf(outcome);
  json line = {
      {"step", "outcome"}, {"frame_id", std::to_string(frame.id)}, {"index", frame.index}, {"sequence", nullptr}};
  if (frame.sequence) line["sequence"] = *frame.sequence;
  if (const auto* result = std::get_if<loupegrpc::Result>(&outcome)) {
    line["outcome"] = "RESULT";
    PutAnalysis(&line, result->analysis);
  } else if (const auto* dropped = std::get_if<loupegrpc::Dropped>(&outcome)) {
    line["outcome"] = "DROPPED";
    line["reason"] = Name(dropped->reason);
  } else if (const auto* failed = std::get_if<loupegrpc::Failed>(&outcome)) {
    line["outcome"] = "FAILED";
    line["code"] = Name(failed->code);
    line["message"] = failed->message;
  } else {
    line["outcome"] = "EXPIRED";
  }
  return line;
}

json OfReply(const std::string& kind, const loupegrpc::Reply& reply) {
  json line = {{"step", "control"}, {"control", kind}, {"thresholds", OfThresholds(reply.low, reply.high)}};
  if (!reply.snapshot.empty()) line["snapshot"] = reply.snapshot.size();
  PutState(&line, reply.adaptation);
  return line;
}

json OfSummary(const loupegrpc::Summary& summary) {
  json reasons = json::object(), verdicts = json::object(), timeline = json::array();
  for (const auto& [reason, count] : summary.reasons) reasons[reason] = count;
  for (const auto& [verdict, count] : summary.verdicts) verdicts[Name(verdict)] = count;
  for (const auto& run : summary.timeline) timeline.push_back({run.first_sequence, run.last_sequence});
  json line = {{"step", "summary"},          {"frames", summary.frames},   {"results", summary.results},
               {"dropped", summary.dropped}, {"expired", summary.expired}, {"failed", summary.failed},
               {"reasons", reasons},         {"verdicts", verdicts},       {"timeline", timeline}};
  PutState(&line, summary.adaptation);
  return line;
}

class Player {
 public:
  Player(const std::string& address, std::string control, std::filesystem::path root)
      : client_(OptionsFor(address)), control_(std::move(control)), root_(std::move(root)) {}

  // What the script expects to go wrong becomes a line.
  void Step(const std::string& kind, const json& asked) {
    std::string code;
    try {
      Play(kind, asked);
      return;
    } catch (const loupegrpc::RequestError& refused) {
      code = Name(refused.code());
    } catch (const loupegrpc::CompletingError&) {
      code = "COMPLETED";
    } catch (const loupegrpc::ConnectionLostError&) {
      code = "CONNECTION_LOST";
    } catch (const loupegrpc::UnavailableError&) {
      code = "UNAVAILABLE";
    }
    Write({{"step", kind}, {"error", code}});
  }

  void Close() { session_.reset(); }

 private:
  static loupegrpc::Options OptionsFor(const std::string& address) {
    loupegrpc::Options options;
    options.address = address;
    options.client_name = "scenario";
    return options;
  }

  loupegrpc::Session& session() {
    if (!session_) throw std::runtime_error("the script uses a session that it did not open");
    return *session_;
  }

  void Play(const std::string& kind, const json& asked) {
    if (kind == "open") {
      Close();
      Open(asked);
    } else if (kind == "analyze") {
      loupegrpc::ImageOptions options;
      options.thresholds = ThresholdsIn(asked);
      options.masks = MasksIn(asked);
      const auto analysis = client_.AnalyzeImage(ImageOf(asked), options, kPatience);
      json line = {{"step", "analyze"}, {"model", client_.ServerInfo(kPatience).model.name}};
      PutAnalysis(&line, analysis);
      Write(line);
    } else if (kind == "send") {
      loupegrpc::Frame frame{ImageOf(asked), std::stoull(asked.at("id").get<std::string>())};
      frame.deadline = std::chrono::microseconds(asked.value("deadline_us", 0));
      session().Send(frame, kPatience);
    } else if (kind == "read") {
      for (int left = asked.get<int>(); left > 0; --left) {
        const auto outcome = session().Receive(kPatience);
        if (!outcome) {
          const auto fault = session().fault();
          throw std::runtime_error("the session ended with " + std::to_string(left) +
                                   " outcomes to come: " + (fault ? fault->what() : "no fault"));
        }
        Write(OfOutcome(*outcome));
      }
    } else if (kind == "control") {
      const std::string name = asked.at("kind");
      const auto reply = Control(name, asked);
      if (!reply.snapshot.empty()) snapshot_ = reply.snapshot;
      Write(OfReply(name, reply));
    } else if (kind == "proxy") {
      Tell(asked);
    } else if (kind == "takeover") {
      const std::string& token = session().grant().resume_token;
      Tell("takeover " + Hexadecimal(token.data(), token.size()));
    } else if (kind == "resumed") {
      for (auto event = session().NextEvent(kPatience); event && !std::holds_alternative<loupegrpc::Resumed>(*event);) {
        event = session().NextEvent(kPatience);
      }
      Write({{"step", "resumed"}, {"lost", session().fault() != nullptr}});
    } else if (kind == "fault") {
      while (const auto outcome = session().Receive(kPatience)) Write(OfOutcome(*outcome));
      const auto lost = std::dynamic_pointer_cast<const loupegrpc::ConnectionLostError>(session().fault());
      Write({{"step", "fault"}, {"lost", lost != nullptr}});
    } else if (kind == "complete") {
      Write(OfSummary(session().Complete(kPatience)));
    } else if (kind == "close") {
      Close();
    } else {
      throw std::runtime_error("the script has a step " + kind + " that this player does not know");
    }
  }

  void Open(const json& asked) {
    loupegrpc::SessionOptions options;
    options.name = asked.value("name", "");
    if (asked.contains("format")) options.frame_format = FormatOf(asked["format"]);
    options.masks = MasksIn(asked);
    options.thresholds = ThresholdsIn(asked);
    options.deterministic = asked.value("deterministic", false);
    if (asked.contains("delivery")) {
      options.delivery = loupegrpc::Delivery{Named<loupegrpc::DeliveryMode>(asked["delivery"].at("mode"))};
      if (asked["delivery"].contains("staleness_us")) {
        options.delivery->staleness_budget = std::chrono::microseconds(asked["delivery"]["staleness_us"].get<int>());
      }
    }
    if (asked.contains("adaptation")) options.adaptation = AdaptationOf(asked["adaptation"]);
    if (asked.contains("snapshot")) options.adaptation_snapshot = snapshot_;
    session_.emplace(client_.OpenSession(options));
    Write(OfGrant(session_->grant()));
  }

  loupegrpc::Reply Control(const std::string& kind, const json& asked) {
    if (kind == "set_thresholds") return session().SetThresholds(ThresholdsOf(asked), kPatience);
    if (kind == "set_mask") return session().SetMasks(MasksIn(asked).value(), kPatience);
    if (kind == "flush") return session().Flush(kPatience);
    if (kind == "set_adaptation") return session().SetAdaptation(AdaptationOf(asked), kPatience);
    if (kind == "freeze_adaptation") return session().FreezeAdaptation(kPatience);
    if (kind == "resume_adaptation") return session().ResumeAdaptation(kPatience);
    if (kind == "reset_adaptation") return session().ResetAdaptation(kPatience);
    if (kind == "snapshot_adaptation") return session().SnapshotAdaptation(kPatience);
    if (kind == "rollback_adaptation") {
      return asked.contains("to_step")
                 ? session().RollbackAdaptationTo(asked["to_step"].get<std::uint64_t>(), kPatience)
                 : session().RollbackAdaptation(kPatience);
    }
    throw std::runtime_error("the script has a control " + kind + " that this player does not know");
  }

  loupegrpc::Image ImageOf(const json& asked) const {
    if (asked.contains("raw")) {
      const json& raw = asked["raw"];
      std::vector<std::uint8_t> pixels(raw.at("bytes").get<std::size_t>());
      for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * 31 + i / 97 * 17);
      loupegrpc::Raw image{std::move(pixels)};
      if (raw.contains("format")) image.format = FormatOf(raw);
      return image;
    }
    if (asked.contains("text")) return loupegrpc::Encoded{asked["text"].get<std::string>()};
    if (asked.contains("zeros"))
      return loupegrpc::Encoded{std::vector<std::uint8_t>(asked["zeros"].get<std::size_t>())};
    const std::filesystem::path path = root_ / asked.at("file").get<std::string>();
    if (asked.contains("first")) return loupegrpc::Encoded{ReadFile(path).substr(0, asked["first"].get<std::size_t>())};
    return loupegrpc::File{path};
  }

  void Tell(const std::string& command) const {
    const std::size_t colon = control_.rfind(':');
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (getaddrinfo(control_.substr(0, colon).c_str(), control_.substr(colon + 1).c_str(), &hints, &found) != 0) {
      throw std::runtime_error("no such proxy: " + control_);
    }
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, freeaddrinfo);
    const int connection = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    std::string answer;
    const std::string line = command + "\n";
    if (connection >= 0 && connect(connection, found->ai_addr, found->ai_addrlen) == 0 &&
        send(connection, line.data(), line.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(line.size())) {
      char byte = 0;
      while (!answer.ends_with('\n') && recv(connection, &byte, 1, 0) == 1) answer.push_back(byte);
    }
    if (connection >= 0) close(connection);
    if (answer != "ok\n") throw std::runtime_error("the proxy answered " + command + " with '" + answer + "'");
  }

  loupegrpc::Client client_;
  const std::string control_;
  const std::filesystem::path root_;
  std::optional<loupegrpc::Session> session_;
  std::string snapshot_;
};

double ProcessorSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Prints frames a second of one stream, and the client's own processor time for each. Kind `nv12`: raw pixels of 1920x1080; else a picture file.
void Speed(const std::string& address, const std::string& kind, int count) {
  const loupegrpc::Image image =
      kind == "nv12"
          ? loupegrpc::Image(loupegrpc::Raw{std::vector<std::uint8_t>(1920 * 1080 * 3 / 2),
                                            loupegrpc::FrameFormat{loupegrpc::PixelFormat::kNv12, 1920, 1080}})
          : loupegrpc::Image(loupegrpc::Encoded{ReadFile(kind)});
  loupegrpc::Options options;
  options.address = address;
  const auto client = loupegrpc::Client::Connect(options);
  const auto run = [&](int frames) {
    loupegrpc::SessionOptions session;
    session.masks = loupegrpc::Masks{loupegrpc::MaskPolicy::kNever};
    int results = 0;
    client.Analyze(std::vector<loupegrpc::Frame>(static_cast<std::size_t>(frames), loupegrpc::Frame{image}), session,
                   [&](const loupegrpc::Outcome& outcome) {
                     results += std::holds_alternative<loupegrpc::Result>(outcome) ? 1 : 0;
                   });
    if (results != frames)
      throw std::runtime_error(std::to_string(results) + " of " + std::to_string(frames) + " frames have a result");
  };
  run(10);
  const auto started = std::chrono::steady_clock::now();
  const double before = ProcessorSeconds();
  run(count);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  const double processor = ProcessorSeconds() - before;
  Write({{"frames_per_second", std::round(count / seconds * 10) / 10},
         {"cpu_ms_per_frame", std::round(processor * 1e5 / count) / 100}});
}

int Main(const std::vector<std::string>& arguments) {
  if (arguments.size() != 4)
    throw std::runtime_error("usage: scenario SCRIPT ADDRESS CONTROL ROOT, or scenario --speed ADDRESS KIND COUNT");
  if (arguments[0] == "--speed") {
    Speed(arguments[1], arguments[2], std::stoi(arguments[3]));
    return 0;
  }
  const json script = json::parse(ReadFile(arguments[0]));
  Player player(arguments[1], arguments[2], arguments[3]);
  for (const auto& part : script.at("parts")) {
    Write({{"step", "part"}, {"name", part.at("name")}});
    for (const auto& step : part.at("steps")) {
      for (const auto& [kind, asked] : step.items()) player.Step(kind, asked);
    }
  }
  player.Close();
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return Main({arguments + 1, arguments + count});
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
