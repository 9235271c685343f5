#ifndef LOUPEGRPC_OPTIONS_H_
#define LOUPEGRPC_OPTIONS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "loupegrpc/frames.h"

namespace grpc {
class ChannelArguments;
}

namespace loupegrpc {

/// Where loupe-grpc-server listens unless told otherwise.
inline constexpr char kDefaultAddress[] = "http://127.0.0.1:5005";

/// Of this library.
std::string_view Version();

/// Request headers by their names, of which gRPC knows small letters alone.
using Headers = std::map<std::string, std::string>;

/// PEM texts for https:// addresses.
struct Tls {
  /// Whose certificates are trusted. Default: the system's trust.
  std::string ca;
  /// The client's own chain and key, where the server asks for one. They go together.
  std::string certificate, private_key;

  /// Reads PEM files; an empty path leaves the default. std::system_error for a file that cannot be read, std::invalid_argument for one without PEM.
  static Tls FromFiles(const std::filesystem::path& ca, const std::filesystem::path& certificate = {},
                       const std::filesystem::path& private_key = {});
};

enum class LogLevel { kInfo, kWarning };

/// What happened to a session, with its names and values.
struct LogEntry {
  LogLevel level = LogLevel::kInfo;
  std::string message;
  /// As the server has it.
  std::string session_id;
  std::string session_name;
};

/// How a client reaches its server. The default is a server on this machine.
struct Options {
  /// http://HOST:PORT (HTTP/2 without TLS), https://HOST:PORT or unix:/path.
  std::string address = kDefaultAddress;
  /// With https://. Default: the system's trust.
  std::optional<Tls> tls = {};
  /// Sent as `authorization: Bearer KEY`.
  std::string key = {};
  /// Further request headers of every call.
  Headers headers = {};
  /// Asked before every call, and every connection of a session, for headers of its own: a token that changes. Whichever thread connects asks.
  std::function<Headers()> call_headers = {};
  /// Asked for `traceparent` and `tracestate` by the thread that makes a call or opens a session; they go along on every connection of it.
  /// OpenTelemetry's context goes along with
  ///   struct Carrier : opentelemetry::context::propagation::TextMapCarrier { loupegrpc::Headers headers; … } carrier;
  ///   GlobalTextMapPropagator::GetGlobalPropagator()->Inject(carrier, RuntimeContext::GetCurrent());
  ///   return carrier.headers;
  std::function<Headers()> trace_context = {};
  /// How long connecting and opening a session are tried again while the server cannot be reached. 0: one try.
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(10);
  /// How often a call outside sessions is tried again after UNAVAILABLE.
  int unary_retries = 3;
  /// Between HTTP/2 pings while calls are open; a server silent for another 10 s counts as lost. 10 s or more.
  std::chrono::milliseconds keep_alive = std::chrono::seconds(20);
  /// Bounds masks. 65,536 or more.
  std::size_t max_response_bytes = std::size_t{16} << 20;
  /// The program and version that the server logs. At most 128 characters.
  std::string client_name = {};
  /// Told what happens to sessions, on their own threads; must not close the session that it hears of. What it throws is lost.
  std::function<void(const LogEntry&)> log = {};
  /// gRPC's own settings, for what is not here; <grpcpp/grpcpp.h> has the class.
  std::function<void(grpc::ChannelArguments&)> channel_arguments = {};
};

/// Where a score becomes a verdict, 0 to 1; each that is not given is the server's.
struct Thresholds {
  /// Below it authentic.
  std::optional<double> low = {};
  /// From it on manipulated.
  std::optional<double> high = {};
};

/// When a mask is computed.
enum class MaskPolicy {
  kUnspecified = 0,
  kAlways = 1,
  /// When the verdict is not authentic.
  kWhenSuspected = 2,
  kNever = 3,
};

/// How a mask is written on the wire.
enum class MaskEncoding {
  kUnspecified = 0,
  kRle = 1,
  /// 255 where forged.
  kPng = 2,
  /// The soft map before the threshold.
  kSoftPng = 3,
};

/// When and how masks are returned.
struct Masks {
  MaskPolicy policy = MaskPolicy::kWhenSuspected;
  MaskEncoding encoding = MaskEncoding::kRle;
  /// A longer mask is left out. Default (0): what fits the session's response limit.
  std::uint32_t max_bytes = 0;
};

/// When picture files are looked at in tiles, their pixels as they are.
enum class TilePolicy {
  kUnspecified = 0,
  kOff = 1,
  /// Large ones, where the model was trained so.
  kAuto = 2,
  /// Every one. Not in sessions that adapt.
  kNative = 3,
};

/// Whether picture files are looked at in tiles, and with `per_frame` raw frames too.
struct Tiles {
  TilePolicy policy = TilePolicy::kAuto;
  /// The most tiles of a picture, each a run of the model. Default (0): the server's, 256 unless configured.
  std::uint32_t max_tiles = 0;
  /// How long the tiles of a picture may take on average. Default (0): as long as it takes.
  std::chrono::milliseconds budget{0};
  /// In sessions that do not adapt: tiles of each frame; the next shows others, until all were shown. Default (0): each frame is looked at by itself.
  std::uint32_t per_frame = 0;
  /// With `per_frame`: frames whose tiles a score is made of. Default (0): as many as show every tile once.
  std::uint32_t window = 0;
};

/// How frames are judged together: a verdict that does not flicker, and segments in the summary. Each 0 is the server's default.
struct OverTime {
  /// Frames that are older than this leave the window, by their capture times. Default: 1 s unless the server is configured otherwise.
  std::chrono::nanoseconds window{0};
  /// The most frames in the window. Default: 32.
  std::uint32_t max_frames = 0;
  /// The least frames that a verdict needs. Default: 3.
  std::uint32_t min_frames = 0;
};

/// Ways to deal with too many frames.
enum class DeliveryMode {
  kUnspecified = 0,
  kEveryFrame = 1,
  kFreshest = 2,
  kStalenessBudget = 3,
};

/// Which frames are answered when they come too fast.
struct Delivery {
  DeliveryMode mode = DeliveryMode::kEveryFrame;
  /// For kStalenessBudget, where it is required.
  std::optional<std::chrono::nanoseconds> staleness_budget = {};
};

/// What of its frames' work a session would rather go without than lose frames.
enum class Economy { kUnspecified = 0, kNoAdaptationStep = 1, kNoDualVerdict = 2, kNoMask = 3 };

/// What a guard does where adaptation goes wrong.
enum class GuardAction { kUnspecified = 0, kFreeze = 1, kRollback = 2 };

/// When adaptation counts as going wrong. Each 0 is the server's default; AdaptationGuard of the contract says which.
struct AdaptationGuard {
  float max_drift = 0, max_disagreement = 0, max_loss_ratio = 0;
  GuardAction action = GuardAction::kUnspecified;
  std::int32_t max_same_label = 0;
  std::uint32_t compare_every_nth = 0;
};

/// How a session learns while frames pass. Each 0 is the server's default; AdaptationSettings of the contract says which.
struct Adaptation {
  double learning_rate = 0;
  std::uint32_t steps_per_frame = 0;
  float min_confidence = 0;
  std::uint32_t every_nth = 0;
  std::uint32_t dual_verdict_every_nth = 0;
  std::optional<AdaptationGuard> guard = {};
};

std::string Name(MaskPolicy value);
std::string Name(MaskEncoding value);
std::string Name(DeliveryMode value);

/// What a session asks for; what it was given is in its grant. The default is good for most.
struct SessionOptions {
  /// The caller's own name of the session, for logs and lists; balancers hash it. UTF-8, at most 128 characters.
  std::string name = {};
  /// Which of the server's models analyses the frames: a name of ServerInfo::models. Default: the server's first.
  std::string model = {};
  /// Of raw frames that do not say their own.
  std::optional<FrameFormat> frame_format = {};
  /// Default: every frame is answered.
  std::optional<Delivery> delivery = {};
  /// Default: run lengths, where the verdict is not authentic.
  std::optional<Masks> masks = {};
  /// Default: pictures are looked at whole.
  std::optional<Tiles> tiles = {};
  /// The language of each Explanation, en or zh. Default: none, results have no sentences.
  std::string explain = {};
  /// Asks the server to sign one for each result, Analysis::receipt, and for the session's end, Summary::receipt.
  bool receipts = false;
  /// Default: each frame is judged by itself. Otherwise Analysis::over_time and Summary::segments say what they are together.
  std::optional<OverTime> over_time = {};
  /// Default: the server's.
  std::optional<Thresholds> thresholds = {};
  /// Default: none.
  std::optional<Adaptation> adaptation = {};
  /// A state from Session::SnapshotAdaptation, of the same model.
  std::string adaptation_snapshot = {};
  /// What the session would rather go without than lose frames, while it loses some.
  std::vector<Economy> economies = {};
  /// A session goes on with another connection where one breaks: no frame lost, none answered twice. Otherwise it ends with its connection.
  bool reconnect = true;
  /// Asks for bit-for-bit repeatable results.
  bool deterministic = false;
  /// Outcomes come as they are ready.
  bool unordered = false;
  /// Frames sent whose outcomes were not yet received, 1 to 4,096; the server's credits may bound them further.
  int max_frames_in_flight = 64;
  /// Further request headers of every connection of this session.
  Headers headers = {};
  /// Ends the session at once: frames in flight get FailureCode::kCanceled.
  std::stop_token stop = {};
};

/// For Client::AnalyzeImage; what is not given is the server's.
struct ImageOptions {
  std::optional<Thresholds> thresholds = {};
  std::optional<Masks> masks = {};
  std::optional<Tiles> tiles = {};
  /// The language of the Explanation, en or zh. Default: none, the result has no sentences.
  std::string explain = {};
  /// Asks the server to sign one: Analysis::receipt.
  bool receipt = false;
  /// One of the server's, by name. Default: its first.
  std::string model = {};
  /// Further request headers.
  Headers headers = {};
};

}  // namespace loupegrpc

#endif  // LOUPEGRPC_OPTIONS_H_
