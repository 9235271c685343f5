#include "channel.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/client_unary_call.h>
#include <grpcpp/impl/rpc_method.h>
#include <grpcpp/support/sync_stream.h>

#include <algorithm>
#include <charconv>
#include <climits>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

namespace loupegrpc {

namespace {

constexpr char kAnalyze[] = "/loupe.v1.ForgeryAnalysisService/Analyze";
constexpr char kAnalyzeImage[] = "/loupe.v1.ForgeryAnalysisService/AnalyzeImage";
constexpr char kGetServerInfo[] = "/loupe.v1.ForgeryAnalysisService/GetServerInfo";

// A call did not come about.
struct CallFailed {
  Status status;
};

Status ToStatus(const grpc::Status& status) {
  return {static_cast<int>(status.error_code()), status.error_message(), status.error_details(), false};
}

void ThrowIfOver(const Patience& patience) {
  if (patience.stop().stop_requested()) throw CanceledError();
  if (patience.deadline() && std::chrono::steady_clock::now() >= *patience.deadline()) throw TimeoutError();
}

// 0.1 s, doubled each time, with jitter so that clients of a server that restarts do not all come at once.
std::chrono::nanoseconds PauseBefore(int attempt) {
  thread_local std::minstd_rand chance{std::random_device{}()};
  constexpr std::chrono::duration<double> kMost{2.0};
  const std::chrono::duration<double> pause{0.1 * static_cast<double>(1 << std::min(attempt, 10))};
  const double jitter = std::uniform_real_distribution<double>(0.75, 1.25)(chance);
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::min(pause, kMost) * jitter);
}

// Cancels a call that is not done in time, or whose caller gives up.
class Alarm {
 public:
  Alarm(std::shared_ptr<grpc::ClientContext> context, std::chrono::steady_clock::time_point until,
        const std::stop_token& stop)
      : thread_([this, context = std::move(context), until, stop](const std::stop_token& done) {
          // Either of them wakes it.
          const std::stop_callback wake(stop, [this] {
            const std::lock_guard lock(mutex_);
            changed_.notify_all();
          });
          std::unique_lock lock(mutex_);
          changed_.wait_until(lock, done, until, [&] { return stop.stop_requested(); });
          if (done.stop_requested()) return;
          rang_ = true;
          context->TryCancel();
        }) {}

  // Whether it was in time.
  bool Stop() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
    return !rang_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool rang_ = false;
  std::jthread thread_;
};

// encodeURIComponent, as the other clients write it: header values are ASCII, and balancers only hash them.
std::string Escape(const std::string& text) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()";
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string escaped;
  for (const char c : text) {
    if (kPlain.find(c) != std::string_view::npos) {
      escaped.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      escaped += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return escaped;
}

char ToSmall(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// gRPC ends the program over a header that is none.
void CheckHeader(const std::string& name, const std::string& value) {
  const bool good_name =
      !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") == std::string::npos;
  if (!good_name || name.starts_with("grpc-")) throw std::invalid_argument("'" + name + "' is no name of a header");
  const bool binary = name.ends_with("-bin");
  if (!binary && !std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~'; })) {
    throw std::invalid_argument("the value of the header '" + name + "' is not printable ASCII");
  }
}

void Put(const Headers& from, Headers* to) {
  for (const auto& [name, value] : from) {
    std::string small = name;
    std::transform(small.begin(), small.end(), small.begin(), ToSmall);
    CheckHeader(small, value);
    (*to)[small] = value;
  }
}

std::string ReadPem(const std::filesystem::path& path, const char* kind) {
  if (path.empty()) return "";
  const Picture file = Read(File{path});
  std::string text(static_cast<const char*>(file.bytes.data()), file.bytes.size());
  if (text.find("-----BEGIN ") == std::string::npos || text.find(kind) == std::string::npos) {
    throw std::invalid_argument(path.string() + " has no " + kind + " in PEM");
  }
  return text;
}

template <class Message>
bool Parse(const grpc::ByteBuffer& buffer, Message* message) {
  grpc::Slice slice;
  return buffer.DumpToSingleSlice(&slice).ok() && slice.size() <= INT_MAX &&
         message->ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
}

class WireBuffer : public WireMessage {
 public:
  explicit WireBuffer(grpc::ByteBuffer bytes) : buffer(std::move(bytes)) {}
  grpc::ByteBuffer buffer;
};

using Stream = grpc::ClientReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>;

class GrpcConnection : public Connection {
 public:
  GrpcConnection(std::shared_ptr<grpc::ClientContext> context, std::unique_ptr<Stream> stream)
      : context_(std::move(context)), stream_(std::move(stream)) {}

  ~GrpcConnection() override {
    Cancel();
    Finish();
  }
  GrpcConnection(const GrpcConnection&) = delete;
  GrpcConnection& operator=(const GrpcConnection&) = delete;

  const v1::SessionGrant& grant() const override { return grant_; }
  void set_grant(v1::SessionGrant grant) { grant_ = std::move(grant); }

  Heard Read(v1::AnalyzeResponse* answer) override {
    grpc::ByteBuffer buffer;
    if (!stream_->Read(&buffer)) return Heard::kEnd;
    // Not by gRPC itself, which then waits for an end that the server does not know of.
    return Parse(buffer, answer) ? Heard::kAnswer : Heard::kNonsense;
  }

  bool Write(const WireMessage& message) override {
    return stream_->Write(static_cast<const WireBuffer&>(message).buffer);
  }
  void HalfClose() override { stream_->WritesDone(); }

  Status Finish() override {
    if (!finished_) {
      finished_ = true;
      status_ = ToStatus(stream_->Finish());
    }
    return status_;
  }

  void Cancel() override { context_->TryCancel(); }

 private:
  std::shared_ptr<grpc::ClientContext> context_;
  std::unique_ptr<Stream> stream_;
  v1::SessionGrant grant_;
  bool finished_ = false;
  Status status_;
};

}  // namespace

class Channel::Grpc {
 public:
  std::shared_ptr<grpc::Channel> channel;

  template <class Response, class Request>
  Response Call(const char* name, const Request& request, const Headers& headers,
                const std::optional<std::chrono::steady_clock::time_point>& until, const std::stop_token& stop) {
    grpc::ClientContext context;
    for (const auto& [key, value] : headers) context.AddMetadata(key, value);
    if (until) context.set_deadline(std::chrono::system_clock::now() + (*until - std::chrono::steady_clock::now()));
    const std::stop_callback cancel(stop, [&] { context.TryCancel(); });
    const grpc::Slice slice(request.SerializeAsString());
    const grpc::ByteBuffer question(&slice, 1);
    grpc::ByteBuffer answer;
    const grpc::Status status = grpc::internal::BlockingUnaryCall(
        channel.get(), grpc::internal::RpcMethod(name, grpc::internal::RpcMethod::NORMAL_RPC, channel), &context,
        question, &answer);
    if (!status.ok()) throw CallFailed{ToStatus(status)};
    Response response;
    if (!Parse(answer, &response)) {
      throw CallFailed{{grpc::StatusCode::INTERNAL, "the answer is no message of loupe.v1", "", false}};
    }
    return response;
  }
};

std::shared_ptr<const WireMessage> Serialize(const WireFrame& frame) {
  grpc::Slice slice(frame.size());
  auto* bytes = const_cast<std::uint8_t*>(slice.begin());
  std::copy(frame.before.begin(), frame.before.end(), bytes);
  const auto* pixels = static_cast<const std::uint8_t*>(frame.bytes.data());
  std::copy(pixels, pixels + frame.bytes.size(), bytes + frame.before.size());
  return std::make_shared<WireBuffer>(grpc::ByteBuffer(&slice, 1));
}

std::shared_ptr<const WireMessage> Serialize(const v1::AnalyzeRequest& request) {
  const grpc::Slice slice(request.SerializeAsString());
  return std::make_shared<WireBuffer>(grpc::ByteBuffer(&slice, 1));
}

std::string_view Version() { return LOUPEGRPC_VERSION; }

Tls Tls::FromFiles(const std::filesystem::path& ca, const std::filesystem::path& certificate,
                   const std::filesystem::path& private_key) {
  if (certificate.empty() != private_key.empty()) {
    throw std::invalid_argument("certificate and private_key go together");
  }
  return {ReadPem(ca, "CERTIFICATE"), ReadPem(certificate, "CERTIFICATE"), ReadPem(private_key, "PRIVATE KEY")};
}

Channel::Channel(Options options) : options_(std::move(options)), grpc_(std::make_unique<Grpc>()) {
  const std::string& address = options_.address;
  if (address.starts_with("unix:") && address.size() > 5) {
    target_ = shown_ = address;
  } else {
    const std::size_t colon = address.find("://");
    std::string scheme = address.substr(0, colon == std::string::npos ? 0 : colon);
    std::transform(scheme.begin(), scheme.end(), scheme.begin(), ToSmall);
    secure_ = scheme == "https";
    std::string_view place(address);
    place.remove_prefix(scheme.empty() ? 0 : colon + 3);
    place = place.substr(0, place.find_first_of("/?#"));
    // What stands before an @ is a name and a password, which messages must not show.
    place.remove_prefix(place.rfind('@') + 1);
    // HOST is a name, an address, or one of IPv6 in brackets.
    const std::size_t end = place.starts_with('[') ? std::min(place.find(']'), place.size() - 1) + 1
                                                   : std::min(place.find(':'), place.size());
    const std::string host(place.substr(0, end));
    const bool good = host.starts_with('[')
                          ? host.size() > 2 &&
                                host.find_first_not_of("0123456789abcdefABCDEF:.", 1) == host.size() - 1 &&
                                host.ends_with(']')
                          : !host.empty() && host.find_first_of("[] \t\r\n") == std::string::npos;
    std::string_view port = place.substr(end);
    const bool separate = port.empty() || port.starts_with(':');
    if (!port.empty()) port.remove_prefix(1);
    if (port.empty()) port = secure_ ? "443" : "80";
    int number = 0;
    const auto read = std::from_chars(port.data(), port.data() + port.size(), number);
    if ((scheme != "http" && !secure_) || !good || !separate || read.ec != std::errc() ||
        read.ptr != port.data() + port.size() || number < 1 || number > 65535) {
      throw std::invalid_argument("Options::address is '" + address +
                                  "': it must be http://HOST:PORT, https://HOST:PORT or unix:/path");
    }
    target_ = host + ":" + std::to_string(number);
    shown_ = scheme + "://" + target_;
  }
  if (options_.tls && !secure_) throw std::invalid_argument("Options::tls goes with an https:// address");
  if (options_.tls && options_.tls->certificate.empty() != options_.tls->private_key.empty()) {
    throw std::invalid_argument("certificate and private_key go together");
  }
  if (options_.max_response_bytes < 65'536 || options_.max_response_bytes > INT_MAX) {
    throw std::invalid_argument("Options::max_response_bytes is 65,536 or more, and less than 2 GiB");
  }
  if (options_.keep_alive < std::chrono::seconds(10))
    throw std::invalid_argument("Options::keep_alive is 10 s or more");
  CheckText("Options::client_name", options_.client_name, 128);
  // A key out of a file has a line's end, which would be told with the first call alone.
  Headers checked;
  Put(options_.headers, &checked);
  if (!options_.key.empty()) Put({{"authorization", "Bearer " + options_.key}}, &checked);

  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(static_cast<int>(options_.max_response_bytes));
  arguments.SetMaxSendMessageSize(-1);
  const auto keep_alive = std::min<std::int64_t>(options_.keep_alive.count(), INT_MAX);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(keep_alive));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Ours are the pauses between attempts, and ours is what is sent again; gRPC's grow to two minutes.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 500);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // A proxy from the environment cannot carry HTTP/2 without TLS.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, secure_ ? 1 : 0);
  if (options_.channel_arguments) options_.channel_arguments(arguments);

  std::shared_ptr<grpc::ChannelCredentials> credentials;
  if (secure_) {
    const Tls tls = options_.tls.value_or(Tls{});
    credentials = grpc::SslCredentials({tls.ca, tls.private_key, tls.certificate});
  } else {
    credentials = grpc::InsecureChannelCredentials();
  }
  grpc_->channel = grpc::CreateCustomChannel(target_, credentials, arguments);
}

Channel::~Channel() = default;

// gRPC makes connections on the threads that wait for it, and while this client only sleeps there is none: a connection that was begun would not be made.
void Channel::Pause(std::chrono::nanoseconds duration, const Patience& patience) {
  // So soon is heard that it was given up.
  constexpr std::chrono::milliseconds kStep{50};
  using Clock = std::chrono::steady_clock;
  auto until = Clock::now() + std::max(duration, std::chrono::nanoseconds(0));
  if (patience.deadline()) until = std::min(until, *patience.deadline());
  for (auto left = until - Clock::now(); left.count() > 0; left = until - Clock::now()) {
    ThrowIfOver(patience);
    const auto step = std::min<Clock::duration>(left, kStep);
    grpc_->channel->WaitForStateChange(grpc_->channel->GetState(true), std::chrono::system_clock::now() + step);
  }
  ThrowIfOver(patience);
}

Headers Channel::Trace(const Headers& own) const {
  Headers headers;
  Put(own, &headers);
  if (options_.trace_context) Put(options_.trace_context(), &headers);
  return headers;
}

Headers Channel::AllHeaders(const Headers& own) const {
  Headers headers = own;
  Put(options_.headers, &headers);
  if (options_.call_headers) Put(options_.call_headers(), &headers);
  if (!options_.key.empty()) headers["authorization"] = "Bearer " + options_.key;
  return headers;
}

// No attempt begins once Options::connect_timeout has passed.
template <class Attempt>
auto Channel::UntilThere(const Patience& patience, const Attempt& attempt) {
  const auto until = std::chrono::steady_clock::now() + options_.connect_timeout;
  for (int tries = 0;; ++tries) {
    ThrowIfOver(patience);
    try {
      return attempt();
    } catch (const CallFailed& failed) {
      ThrowIfOver(patience);
      const auto left = until - std::chrono::steady_clock::now();
      if (left.count() <= 0 || !IsTransport(failed.status)) ToRequestFault(failed.status, shown_)->Raise();
      Pause(std::min<std::chrono::nanoseconds>(PauseBefore(tries), left), patience);
    }
  }
}

// Tried again where the server cannot have taken it.
template <class Attempt>
auto Channel::Unary(const Patience& patience, const Attempt& attempt) {
  for (int tries = 0;; ++tries) {
    ThrowIfOver(patience);
    try {
      return attempt();
    } catch (const CallFailed& failed) {
      ThrowIfOver(patience);
      const bool passing = failed.status.code == static_cast<int>(grpc::StatusCode::UNAVAILABLE);
      if (!passing || tries >= options_.unary_retries) ToRequestFault(failed.status, shown_)->Raise();
      Pause(PauseBefore(tries + 1), patience);
    }
  }
}

v1::GetServerInfoResponse Channel::Connect(const Patience& patience) {
  const Headers own = Trace({});
  return UntilThere(patience, [&] {
    auto until = std::chrono::steady_clock::now() + kAttemptTimeout;
    if (patience.deadline()) until = std::min(until, *patience.deadline());
    try {
      return grpc_->Call<v1::GetServerInfoResponse>(kGetServerInfo, v1::GetServerInfoRequest(), AllHeaders(own), until,
                                                    patience.stop());
    } catch (CallFailed& failed) {
      failed.status.silent = std::chrono::steady_clock::now() >= until;
      throw;
    }
  });
}

v1::GetServerInfoResponse Channel::ServerInfo(const Patience& patience) {
  const Headers own = Trace({});
  return Unary(patience, [&] {
    return grpc_->Call<v1::GetServerInfoResponse>(kGetServerInfo, v1::GetServerInfoRequest(), AllHeaders(own),
                                                  patience.deadline(), patience.stop());
  });
}

v1::AnalyzeImageResponse Channel::AnalyzeImage(const v1::AnalyzeImageRequest& request, const Headers& headers,
                                               const Patience& patience) {
  const Headers own = Trace(headers);
  return Unary(patience, [&] {
    return grpc_->Call<v1::AnalyzeImageResponse>(kAnalyzeImage, request, AllHeaders(own), patience.deadline(),
                                                 patience.stop());
  });
}

std::unique_ptr<Connection> Channel::Open(const v1::OpenSession& opening, const Headers& own,
                                          const Patience& patience) {
  return UntilThere(patience, [&] { return OpenOnce(opening, own, kAttemptTimeout, patience); });
}

std::unique_ptr<Connection> Channel::Reopen(const v1::OpenSession& opening, const Headers& own, Outage* outage,
                                            const std::stop_token& stop) {
  const auto pause = [&] {
    Pause(std::min(PauseBefore(outage->attempts), outage->Left()), stop);
    ++outage->attempts;
  };
  if (outage->attempts > 0) {
    // The connection before this one was of no use.
    pause();
  } else {
    ++outage->attempts;
  }
  for (;;) {
    try {
      return OpenOnce(opening, own, kReconnectTimeout, stop);
    } catch (const CallFailed& failed) {
      ThrowIfOver(stop);
      if (outage->Left().count() <= 0 || !IsTransport(failed.status)) ToRequestFault(failed.status, shown_)->Raise();
    }
    pause();
  }
}

std::unique_ptr<Connection> Channel::OpenOnce(const v1::OpenSession& opening, const Headers& own,
                                              std::chrono::nanoseconds timeout, const Patience& patience) {
  const auto context = std::make_shared<grpc::ClientContext>();
  for (const auto& [key, value] : AllHeaders(own)) context->AddMetadata(key, value);
  if (!opening.session_name().empty()) context->AddMetadata("loupe-session", Escape(opening.session_name()));
  v1::AnalyzeRequest request;
  *request.mutable_open() = opening;
  const auto message = Serialize(request);

  auto until = std::chrono::steady_clock::now() + timeout;
  if (patience.deadline()) until = std::min<std::chrono::steady_clock::time_point>(until, *patience.deadline());
  // Before the call, which waits for a connection.
  Alarm alarm(context, until, patience.stop());
  std::unique_ptr<Stream> stream(grpc::internal::ClientReaderWriterFactory<grpc::ByteBuffer, grpc::ByteBuffer>::Create(
      grpc_->channel.get(),
      grpc::internal::RpcMethod(kAnalyze, grpc::internal::RpcMethod::BIDI_STREAMING, grpc_->channel), context.get()));
  auto connection = std::make_unique<GrpcConnection>(context, std::move(stream));
  // Where sending fails, receiving says why.
  connection->Write(*message);
  v1::AnalyzeResponse answer;
  const Connection::Heard heard = connection->Read(&answer);
  if (!alarm.Stop()) {
    ThrowIfOver(patience);
    throw CallFailed{{0, "", "", true}};
  }
  if (heard == Connection::Heard::kEnd) {
    const Status status = connection->Finish();
    if (status.code != 0) throw CallFailed{status};
  }
  if (heard != Connection::Heard::kAnswer || !answer.has_granted()) {
    throw UnavailableError("the server at " + shown_ +
                           " did not grant the session: it speaks another version of loupe.v1");
  }
  connection->set_grant(std::move(*answer.mutable_granted()));
  return connection;
}

}  // namespace loupegrpc
