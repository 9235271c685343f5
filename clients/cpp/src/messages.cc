#include "messages.h"

#include <google/protobuf/timestamp.pb.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace loupegrpc {

namespace {

using google::protobuf::EnumDescriptor;

// The contract's name without its prefix, which is that of the value 0 without UNSPECIFIED.
std::string NameOf(const EnumDescriptor* type, int number) {
  constexpr std::string_view kUnspecified = "UNSPECIFIED";
  const auto* found = type->FindValueByNumber(number);
  const std::string zero = type->FindValueByNumber(0)->name();
  if (found == nullptr) return std::string(kUnspecified);
  return found->name().substr(zero.size() - kUnspecified.size());
}

constexpr int kLengthDelimited = 2;

void AppendVarint(std::string* text, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) text->push_back(static_cast<char>(value | 0x80));
  text->push_back(static_cast<char>(value));
}

void AppendTag(std::string* text, int field, std::size_t length) {
  AppendVarint(text, static_cast<std::uint64_t>(field) << 3 | kLengthDelimited);
  AppendVarint(text, length);
}

template <class Duration>
void Set(google::protobuf::Duration* message, Duration duration) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(duration);
  auto nanos = std::chrono::nanoseconds(duration - whole).count();
  auto seconds = whole.count();
  if (seconds < 0 && nanos > 0) {
    // Both of one sign.
    ++seconds;
    nanos -= 1'000'000'000;
  }
  message->set_seconds(seconds);
  message->set_nanos(static_cast<int>(nanos));
}

v1::FrameFormat ToMessage(const FrameFormat& format) {
  v1::FrameFormat message;
  message.set_pixel_format(static_cast<v1::PixelFormat>(format.pixel_format));
  message.set_width(format.width);
  message.set_height(format.height);
  message.mutable_strides()->Add(format.strides.begin(), format.strides.end());
  message.set_yuv_matrix(static_cast<v1::YuvMatrix>(format.yuv_matrix));
  message.set_yuv_range(static_cast<v1::YuvRange>(format.yuv_range));
  return message;
}

v1::TileSettings ToMessage(const Tiles& tiles) {
  v1::TileSettings message;
  message.set_policy(static_cast<v1::TilePolicy>(tiles.policy));
  message.set_max_tiles(tiles.max_tiles);
  message.set_budget_ms(static_cast<std::uint32_t>(tiles.budget.count()));
  message.set_tiles_per_frame(tiles.per_frame);
  message.set_window_frames(tiles.window);
  return message;
}

v1::TemporalSettings ToMessage(const OverTime& over_time) {
  v1::TemporalSettings message;
  message.set_enabled(true);
  if (over_time.window.count() != 0) Set(message.mutable_window(), over_time.window);
  message.set_max_frames(over_time.max_frames);
  message.set_min_frames(over_time.min_frames);
  return message;
}

VerdictOverTime ToOverTime(const v1::TemporalVerdict& temporal) {
  VerdictOverTime plain;
  plain.verdict = static_cast<Verdict>(temporal.verdict());
  plain.score = temporal.score();
  plain.frames = temporal.frames();
  plain.counted = temporal.counted();
  plain.scene = temporal.scene();
  if (plain.verdict == Verdict::kManipulated) plain.since = temporal.since_sequence();
  return plain;
}

template <class Message>
std::optional<std::chrono::system_clock::time_point> ToTime(bool has, const Message& time) {
  // Beyond what a clock here can hold there is no time.
  constexpr std::int64_t kMost = std::chrono::nanoseconds::max().count() / 1'000'000'000 - 1;
  if (!has || time.seconds() < -kMost || time.seconds() > kMost) return std::nullopt;
  const auto since =
      std::chrono::seconds(time.seconds()) + std::chrono::nanoseconds(std::clamp(time.nanos(), 0, 999'999'999));
  return std::chrono::system_clock::time_point(std::chrono::duration_cast<std::chrono::system_clock::duration>(since));
}

TemporalFrame ToFrame(const v1::TemporalFrame& frame) {
  return {frame.sequence(), ToTime(frame.has_time(), frame.time()), frame.score()};
}

TemporalSegment ToSegment(const v1::TemporalSegment& segment) {
  TemporalSegment plain;
  plain.first_sequence = segment.first_sequence();
  plain.last_sequence = segment.last_sequence();
  plain.start = ToTime(segment.has_start(), segment.start());
  plain.end = ToTime(segment.has_end(), segment.end());
  plain.peak = ToFrame(segment.peak());
  for (const auto& frame : segment.evidence()) plain.evidence.push_back(ToFrame(frame));
  plain.results = segment.results();
  plain.manipulated = segment.manipulated();
  plain.missing = segment.missing();
  plain.scene = segment.scene();
  return plain;
}

std::string Hexadecimal(const std::string& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const unsigned char byte : bytes) {
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

Mask ToMask(const v1::Mask& mask) {
  if (mask.has_png() || mask.has_soft_png()) return {mask.has_png() ? mask.png() : mask.soft_png(), mask.area()};
  if (!mask.has_rle()) return {};
  // What has no two numbers has no size that run lengths fill.
  const bool sized = mask.rle().size_size() == 2;
  return {RleMask{sized ? mask.rle().size(0) : -1, sized ? mask.rle().size(1) : -1, mask.rle().counts()}, mask.area()};
}

AdaptationState ToState(const v1::AdaptationState& state) {
  return {state.step(), state.hash(), state.frozen(), state.drift(), state.last_loss()};
}

Box ToBox(const v1::Box& box) { return {box.x(), box.y(), box.width(), box.height()}; }

ModelInfo ToModel(const v1::ModelInfo& model) {
  return {model.name(), model.version(), model.hash(), model.demonstration()};
}

Limits ToLimits(const v1::Limits& limits) {
  Limits plain;
  plain.max_message_bytes = limits.max_message_bytes();
  plain.max_frame_bytes = limits.max_frame_bytes();
  plain.max_pixels = limits.max_pixels();
  plain.max_response_bytes = limits.max_response_bytes();
  plain.max_adaptation_bytes = limits.max_adaptation_bytes();
  plain.max_side = limits.max_side();
  plain.credits = limits.credits();
  plain.max_sessions = limits.max_sessions();
  plain.max_tiles = limits.max_tiles();
  return plain;
}

template <class Message>
std::vector<Unavailable> ToUnavailable(const Message& message) {
  std::vector<Unavailable> parts;
  for (const auto& part : message.unavailable()) parts.push_back({part.feature(), part.reason()});
  return parts;
}

template <class Message>
std::shared_ptr<const Message> Keep(Message message) {
  return std::make_shared<const Message>(std::move(message));
}

Bytes ReadFile(const std::filesystem::path& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  std::string bytes;
  // Of a pipe nobody knows the length.
  constexpr std::size_t kStep = std::size_t{1} << 18;
  for (std::size_t length = 0; file;) {
    bytes.resize(length + kStep);
    errno = 0;
    const std::size_t read = std::fread(bytes.data() + length, 1, kStep, file.get());
    length += read;
    if (read == kStep) continue;
    if (std::ferror(file.get()) != 0) break;
    bytes.resize(length);
    return bytes;
  }
  throw std::system_error(errno == 0 ? EIO : errno, std::generic_category(), path.string());
}

template <class Request>
void SetImage(Request* request, const Picture& picture) {
  if (picture.raw) {
    if (picture.format) *request->mutable_raw()->mutable_format() = ToMessage(*picture.format);
    request->mutable_raw()->set_data(picture.bytes.data(), picture.bytes.size());
  } else {
    request->mutable_encoded()->set_data(picture.bytes.data(), picture.bytes.size());
  }
}

}  // namespace

std::string Name(PixelFormat value) { return NameOf(v1::PixelFormat_descriptor(), static_cast<int>(value)); }
std::string Name(Verdict value) { return NameOf(v1::Verdict_descriptor(), static_cast<int>(value)); }
std::string Name(DropReason value) { return NameOf(v1::DropReason_descriptor(), static_cast<int>(value)); }
std::string Name(MaskOmission value) { return NameOf(v1::MaskOmission_descriptor(), static_cast<int>(value)); }
std::string Name(MaskAgreement value) { return NameOf(v1::MaskAgreement_descriptor(), static_cast<int>(value)); }
std::string Name(NoteCode value) { return NameOf(v1::NoteCode_descriptor(), static_cast<int>(value)); }
std::string Name(EventKind value) { return NameOf(v1::SessionEventKind_descriptor(), static_cast<int>(value)); }
std::string Name(MaskPolicy value) { return NameOf(v1::MaskPolicy_descriptor(), static_cast<int>(value)); }
std::string Name(MaskEncoding value) { return NameOf(v1::MaskEncoding_descriptor(), static_cast<int>(value)); }
std::string Name(DeliveryMode value) { return NameOf(v1::DeliveryMode_descriptor(), static_cast<int>(value)); }

Picture Read(const Image& image) {
  if (const auto* file = std::get_if<File>(&image)) return {ReadFile(file->path), false, std::nullopt};
  if (const auto* encoded = std::get_if<Encoded>(&image)) return {encoded->bytes, false, std::nullopt};
  const auto& raw = std::get<Raw>(image);
  return {raw.pixels, true, raw.format};
}

WireFrame ToWire(const Frame& frame, std::uint64_t id, const Picture& picture) {
  v1::Frame described;
  described.set_frame_id(id);
  if (frame.capture_time) {
    const auto since = frame.capture_time->time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
    described.mutable_capture_time()->set_seconds(seconds.count());
    described.mutable_capture_time()->set_nanos(static_cast<int>(std::chrono::nanoseconds(since - seconds).count()));
  }
  if (frame.deadline.count() != 0) Set(described.mutable_deadline(), frame.deadline);

  // From the inside out: RawImage or EncodedImage, Frame, AnalyzeRequest.
  std::string image;
  if (picture.raw && picture.format) {
    v1::RawImage of;
    *of.mutable_format() = ToMessage(*picture.format);
    image = of.SerializeAsString();
  }
  const std::size_t length = picture.bytes.size();
  AppendTag(&image, picture.raw ? +v1::RawImage::kDataFieldNumber : +v1::EncodedImage::kDataFieldNumber, length);
  std::string inner = described.SerializeAsString();
  AppendTag(&inner, picture.raw ? v1::Frame::kRawFieldNumber : v1::Frame::kEncodedFieldNumber, image.size() + length);
  inner += image;
  std::string outer;
  AppendTag(&outer, v1::AnalyzeRequest::kFrameFieldNumber, inner.size() + length);
  return {outer + inner, picture.bytes};
}

v1::AnalyzeImageRequest ToMessage(const ImageOptions& options, const Picture& picture) {
  v1::AnalyzeImageRequest request;
  SetImage(&request, picture);
  if (options.thresholds) *request.mutable_thresholds() = ToMessage(*options.thresholds);
  if (options.masks) *request.mutable_mask() = ToMessage(*options.masks);
  if (options.tiles) *request.mutable_tiles() = ToMessage(*options.tiles);
  request.set_explain(options.explain);
  request.set_receipt(options.receipt);
  request.set_model(options.model);
  return request;
}

v1::OpenSession ToMessage(const SessionOptions& options, const Options& client) {
  CheckText("SessionOptions::name", options.name, 128);
  CheckText("SessionOptions::model", options.model, 1024);
  CheckText("SessionOptions::explain", options.explain, 1024);
  if (options.max_frames_in_flight < 1 || options.max_frames_in_flight > 4096) {
    throw std::invalid_argument("SessionOptions::max_frames_in_flight is 1 to 4,096");
  }
  v1::OpenSession opening;
  opening.set_session_name(options.name);
  opening.set_model(options.model);
  if (options.frame_format) *opening.mutable_frame_format() = ToMessage(*options.frame_format);
  if (options.delivery) {
    opening.mutable_delivery()->set_mode(static_cast<v1::DeliveryMode>(options.delivery->mode));
    if (options.delivery->staleness_budget) {
      Set(opening.mutable_delivery()->mutable_staleness_budget(), *options.delivery->staleness_budget);
    }
  }
  if (options.masks) *opening.mutable_mask() = ToMessage(*options.masks);
  if (options.tiles) *opening.mutable_tiles() = ToMessage(*options.tiles);
  if (options.over_time) *opening.mutable_temporal() = ToMessage(*options.over_time);
  opening.set_explain(options.explain);
  opening.set_receipts(options.receipts);
  if (options.thresholds) *opening.mutable_thresholds() = ToMessage(*options.thresholds);
  if (options.adaptation) *opening.mutable_adaptation() = ToMessage(*options.adaptation);
  opening.set_adaptation_snapshot(options.adaptation_snapshot);
  for (const auto economy : options.economies) opening.add_economies(static_cast<v1::Economy>(economy));
  opening.set_deterministic(options.deterministic);
  opening.set_unordered(options.unordered);
  opening.set_max_response_bytes(static_cast<std::uint32_t>(client.max_response_bytes));
  opening.set_client(client.client_name.empty() ? "loupe-grpc-cpp/" + std::string(Version()) : client.client_name);
  opening.set_resumable(options.reconnect);
  return opening;
}

v1::Thresholds ToMessage(const Thresholds& thresholds) {
  v1::Thresholds message;
  message.set_default_low(!thresholds.low);
  message.set_low(static_cast<float>(thresholds.low.value_or(0)));
  message.set_high(static_cast<float>(thresholds.high.value_or(0)));
  return message;
}

v1::MaskSettings ToMessage(const Masks& masks) {
  v1::MaskSettings message;
  message.set_policy(static_cast<v1::MaskPolicy>(masks.policy));
  message.set_encoding(static_cast<v1::MaskEncoding>(masks.encoding));
  message.set_max_bytes(masks.max_bytes);
  return message;
}

v1::AdaptationSettings ToMessage(const Adaptation& adaptation) {
  v1::AdaptationSettings message;
  message.set_enabled(true);
  message.set_learning_rate(adaptation.learning_rate);
  message.set_steps_per_frame(adaptation.steps_per_frame);
  message.set_min_confidence(adaptation.min_confidence);
  message.set_every_nth(adaptation.every_nth);
  message.set_dual_verdict_every_nth(adaptation.dual_verdict_every_nth);
  if (const auto& guard = adaptation.guard) {
    auto* of = message.mutable_guard();
    of->set_max_drift(guard->max_drift);
    of->set_max_disagreement(guard->max_disagreement);
    of->set_max_loss_ratio(guard->max_loss_ratio);
    of->set_action(static_cast<v1::GuardAction>(guard->action));
    of->set_max_same_label(guard->max_same_label);
    of->set_compare_every_nth(guard->compare_every_nth);
  }
  return message;
}

std::chrono::nanoseconds ToDuration(const google::protobuf::Duration& duration) {
  // What no clock here can hold is as long as one can.
  constexpr std::int64_t kMost = std::chrono::nanoseconds::max().count() / 1'000'000'000 - 1;
  const std::int64_t seconds = std::clamp<std::int64_t>(duration.seconds(), -kMost, kMost);
  return std::chrono::seconds(seconds) +
         std::chrono::nanoseconds(std::clamp(duration.nanos(), -999'999'999, 999'999'999));
}

FailureCode ToCode(v1::FailureCode code) {
  switch (code) {
    case v1::FAILURE_CODE_INVALID:
      return FailureCode::kInvalid;
    case v1::FAILURE_CODE_TOO_LARGE:
      return FailureCode::kTooLarge;
    case v1::FAILURE_CODE_UNSUPPORTED:
      return FailureCode::kUnsupported;
    case v1::FAILURE_CODE_OVERLOADED:
      return FailureCode::kOverloaded;
    case v1::FAILURE_CODE_CANCELED:
      return FailureCode::kCanceled;
    case v1::FAILURE_CODE_MODEL_FAULT:
      return FailureCode::kModelFault;
    case v1::FAILURE_CODE_EXPIRED:
      return FailureCode::kExpired;
    default:
      return FailureCode::kInternal;
  }
}

std::shared_ptr<Analysis> ToAnalysis(v1::FrameResult message) {
  auto analysis = std::make_shared<Analysis>();
  const auto kept = Keep(std::move(message));
  const v1::FrameResult& result = *kept;
  analysis->score = result.score();
  analysis->verdict = static_cast<Verdict>(result.verdict());
  analysis->low = result.thresholds().low();
  analysis->high = result.thresholds().high();
  if (result.has_mask()) analysis->mask = ToMask(result.mask());
  analysis->mask_omission = static_cast<MaskOmission>(result.mask_omission());
  analysis->mask_agreement = static_cast<MaskAgreement>(result.mask_agreement());
  for (const auto& region : result.regions()) {
    analysis->regions.push_back({ToBox(region.box()), region.area(), region.mean()});
  }
  for (const auto& note : result.notes()) {
    analysis->notes.push_back({static_cast<NoteCode>(note.code()), note.message()});
  }
  analysis->width = result.width();
  analysis->height = result.height();
  analysis->orientation = result.orientation();
  analysis->sha256 = Hexadecimal(result.sha256());
  if (result.has_adaptation()) analysis->adaptation = ToState(result.adaptation());
  if (result.has_base_mask()) analysis->base_mask = ToMask(result.base_mask());
  if (result.has_tiles()) {
    const auto& tiles = result.tiles();
    analysis->tiles = TileReport{tiles.analysed(),          tiles.total(),    tiles.step(),
                                 tiles.whole_picture_run(), tiles.coverage(), tiles.peak().score(),
                                 ToBox(tiles.peak().box())};
    if (tiles.has_window()) {
      const auto& window = tiles.window();
      analysis->tiles->window =
          TileWindow{window.frames(), window.size(), window.fresh(), window.masked(), window.peak_age()};
    }
  }
  if (result.has_temporal()) analysis->over_time = ToOverTime(result.temporal());
  for (const auto& sentence : result.explanation()) {
    analysis->explanation.push_back({NameOf(v1::ExplanationCode_descriptor(), sentence.code()),
                                     sentence.text(),
                                     {sentence.numbers().begin(), sentence.numbers().end()}});
  }
  analysis->receipt = result.receipt();
  analysis->message = kept;
  return analysis;
}

Outcome ToOutcome(const FrameInfo& frame, v1::FrameOutcome answer) {
  switch (answer.outcome_case()) {
    case v1::FrameOutcome::kResult:
      return Result{frame, std::move(*ToAnalysis(std::move(*answer.mutable_result())))};
    case v1::FrameOutcome::kDropped:
      return Dropped{frame, static_cast<DropReason>(answer.dropped().reason()), ToDuration(answer.dropped().age())};
    case v1::FrameOutcome::kExpired:
      return Expired{frame, ToDuration(answer.expired().age()), ToDuration(answer.expired().deadline())};
    case v1::FrameOutcome::kFailed:
      return Failed{frame, ToCode(answer.failed().code()), answer.failed().message()};
    default:
      return Failed{frame, FailureCode::kInternal,
                    "the server answered with a kind of outcome that this client does not know"};
  }
}

Grant ToGrant(v1::SessionGrant message) {
  Grant plain;
  plain.message = Keep(std::move(message));
  const v1::SessionGrant& grant = *plain.message;
  plain.session_id = grant.session_id();
  plain.resume_token = grant.resume_token();
  plain.limits = ToLimits(grant.limits());
  plain.model = ToModel(grant.model());
  plain.provider = grant.execution().provider();
  plain.unavailable = ToUnavailable(grant);
  plain.low = grant.thresholds().low();
  plain.high = grant.thresholds().high();
  plain.delivery = static_cast<DeliveryMode>(grant.delivery().mode());
  plain.masks = {static_cast<MaskPolicy>(grant.mask().policy()), static_cast<MaskEncoding>(grant.mask().encoding()),
                 grant.mask().max_bytes()};
  if (grant.has_temporal()) {
    plain.over_time =
        OverTime{ToDuration(grant.temporal().window()), grant.temporal().max_frames(), grant.temporal().min_frames()};
  }
  if (grant.has_adaptation()) plain.adaptation = ToState(grant.adaptation());
  // For servers that do not say it.
  plain.resume_window = grant.has_resume_window() ? ToDuration(grant.resume_window()) : std::chrono::seconds(30);
  return plain;
}

Reply ToReply(v1::ControlReply message) {
  Reply plain;
  plain.message = Keep(std::move(message));
  const v1::ControlReply& reply = *plain.message;
  plain.low = reply.thresholds().low();
  plain.high = reply.thresholds().high();
  if (reply.has_adaptation()) plain.adaptation = ToState(reply.adaptation());
  plain.snapshot = reply.snapshot();
  return plain;
}

Summary ToSummary(v1::SessionSummary message) {
  Summary plain;
  plain.message = Keep(std::move(message));
  const v1::SessionSummary& summary = *plain.message;
  plain.frames = summary.frames();
  plain.results = summary.results();
  plain.dropped = summary.dropped();
  plain.expired = summary.expired();
  plain.failed = summary.failed();
  for (const auto& reason : summary.reasons()) plain.reasons[reason.reason()] = reason.count();
  for (const auto& verdict : summary.verdicts()) {
    plain.verdicts[static_cast<Verdict>(verdict.verdict())] = verdict.count();
  }
  for (const auto& run : summary.timeline()) {
    plain.timeline.push_back({run.first_sequence(), run.last_sequence(), run.frames(), run.peak_score()});
  }
  for (const auto& segment : summary.segments()) plain.segments.push_back(ToSegment(segment));
  plain.segments_truncated = summary.segments_truncated();
  plain.scenes = summary.scenes();
  if (summary.has_adaptation()) plain.adaptation = ToState(summary.adaptation());
  plain.receipt = summary.receipt();
  return plain;
}

ServerEvent ToEvent(v1::SessionEvent message) {
  ServerEvent event;
  event.message = Keep(std::move(message));
  event.kind = static_cast<EventKind>(event.message->kind());
  event.text = event.message->message();
  return event;
}

ServerInfo ToServerInfo(v1::GetServerInfoResponse message) {
  ServerInfo plain;
  plain.message = Keep(std::move(message));
  const v1::GetServerInfoResponse& info = *plain.message;
  plain.server = info.server();
  plain.model = ToModel(info.model());
  plain.provider = info.execution().provider();
  plain.limits = ToLimits(info.limits());
  plain.low = info.default_thresholds().low();
  plain.high = info.default_thresholds().high();
  plain.unavailable = ToUnavailable(info);
  for (const auto& model : info.models()) plain.models.push_back(model.name());
  plain.active_sessions = info.active_sessions();
  return plain;
}

void CheckText(const char* what, std::string_view text, std::size_t most_characters) {
  std::size_t characters = 0;
  for (std::size_t at = 0; at < text.size(); ++characters) {
    const auto first = static_cast<unsigned char>(text[at]);
    const std::size_t length = first < 0x80   ? 1
                               : first < 0xc2 ? 0
                               : first < 0xe0 ? 2
                               : first < 0xf0 ? 3
                               : first < 0xf5 ? 4
                                              : 0;
    std::uint32_t value = length == 1 ? first : first & (0x7f >> length);
    bool good = length > 0 && at + length <= text.size();
    for (std::size_t i = 1; good && i < length; ++i) {
      const auto next = static_cast<unsigned char>(text[at + i]);
      good = (next & 0xc0) == 0x80;
      value = value << 6 | (next & 0x3f);
    }
    constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (!good || value < kSmallest[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) {
      throw std::invalid_argument(std::string(what) + " is not UTF-8");
    }
    at += length;
  }
  if (characters > most_characters) {
    throw std::invalid_argument(std::string(what) + " has more than " + std::to_string(most_characters) +
                                " characters");
  }
}

}  // namespace loupegrpc
