#include "faults.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/unknown_field_set.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>

#include "messages.h"

namespace loupegrpc {

namespace {

// gRPC's numbers.
enum Code : int {
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kUnauthenticated = 16,
};

std::string CodeName(int code) {
  constexpr const char* kNames[] = {
      "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
      "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
      "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
      "DATA_LOSS", "UNAUTHENTICATED"};
  return code >= 0 && code < static_cast<int>(std::size(kNames)) ? kNames[code] : std::to_string(code);
}

std::string OneLine(const std::string& message) {
  std::string line;
  bool gap = false;
  for (const char c : message) {
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
      gap = !line.empty();
      continue;
    }
    if (gap) line.push_back(' ');
    gap = false;
    line.push_back(c);
  }
  if (line.ends_with('.')) line.pop_back();
  return line.empty() ? "no reason given" : line;
}

// Of a stream, whatever gRPC calls it.
constexpr std::string_view kBroken[] = {"rst_stream",    "stream removed",   "goaway",
                                        "socket closed", "connection reset", "broken pipe"};

std::string Small(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return text;
}

// What an answer without gRPC in it means; nothing where the answer was gRPC.
std::optional<std::string> ProxyHint(const std::string& message) {
  constexpr std::string_view kHttpStatus = "http2 header with status: ";
  const std::size_t at = Small(message).find(kHttpStatus);
  if (at == std::string::npos) return std::nullopt;
  const std::string code = message.substr(at + kHttpStatus.size(), 3);
  if (code == "413") return "a proxy answered with HTTP 413: " + std::string(kLargeMessages);
  if (code == "502" || code == "503") return "a proxy answered with HTTP " + code + ": it does not reach the server";
  if (code == "504")
    return "a proxy answered with HTTP 504: it did not wait for the server (nginx: grpc_read_timeout, 60 s unless set)";
  return "something that does not speak gRPC answered with HTTP " + code;
}

// The loupe.v1.Failed in the status details, if there is one; a proxy's own idea of a status has none. Of a google.rpc.Status only the details are of
// interest, its field 3: to be read as unknown ones, with one file of the contract less to depend on.
std::optional<v1::Failed> FailedOf(const Status& status) {
  constexpr int kDetails = 3;
  google::protobuf::Empty fields;
  if (status.details.empty() || !fields.ParseFromString(status.details)) return std::nullopt;
  const auto& all = fields.GetReflection()->GetUnknownFields(fields);
  for (int i = 0; i < all.field_count(); ++i) {
    const auto& field = all.field(i);
    if (field.number() != kDetails || field.type() != google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) continue;
    google::protobuf::Any detail;
    v1::Failed failed;
    if (detail.ParseFromString(field.length_delimited()) && detail.UnpackTo(&failed)) return failed;
  }
  return std::nullopt;
}

bool IsRefusal(const Status& status) { return status.code == kUnauthenticated || status.code == kPermissionDenied; }

}  // namespace

std::string Name(FailureCode code) {
  switch (code) {
    case FailureCode::kInternal:
      return "INTERNAL";
    case FailureCode::kInvalid:
      return "INVALID";
    case FailureCode::kTooLarge:
      return "TOO_LARGE";
    case FailureCode::kUnsupported:
      return "UNSUPPORTED";
    case FailureCode::kOverloaded:
      return "OVERLOADED";
    case FailureCode::kCanceled:
      return "CANCELED";
    case FailureCode::kModelFault:
      return "MODEL_FAULT";
    case FailureCode::kExpired:
      return "EXPIRED";
    case FailureCode::kNotAllowed:
      return "NOT_ALLOWED";
    case FailureCode::kConnectionLost:
      return "CONNECTION_LOST";
  }
  return "INTERNAL";
}

bool IsTransport(const Status& status) {
  if (status.silent || status.code == kUnavailable) return true;
  if (status.code != kInternal && status.code != kUnknown && status.code != kCancelled) return false;
  const std::string message = Small(status.message);
  return std::any_of(std::begin(kBroken), std::end(kBroken),
                     [&](std::string_view word) { return message.find(word) != std::string::npos; });
}

std::shared_ptr<const Error> ToRequestFault(const Status& status, const std::string& address) {
  if (status.silent) {
    return std::make_shared<UnavailableError>(address + " takes connections but does not answer");
  }
  const std::string details = OneLine(status.message);
  const auto hint = ProxyHint(status.message);
  if (IsRefusal(status)) {
    return std::make_shared<NotAllowedError>("the server at " + address +
                                             " does not allow this: " + hint.value_or(details));
  }
  if (const auto failed = FailedOf(status)) {
    return std::make_shared<RequestError>(ToCode(failed->code()), failed->message());
  }
  if (hint) return std::make_shared<UnavailableError>("no LoupeGrpc server at " + address + ": " + *hint);
  // gRPC's words where it had nothing to connect to: it takes a key that is not the certificate's for an address less.
  if (status.code == kUnavailable && status.message.find("empty address list") != std::string::npos) {
    return std::make_shared<UnavailableError>(
        "no way to " + address + ": its name has no address, or Tls::private_key is not that of Tls::certificate");
  }
  if (status.code == kUnavailable) {
    return std::make_shared<UnavailableError>("no LoupeGrpc server at " + address +
                                              ": is it running? Start it with `loupe-grpc-server serve` (" + details +
                                              ")");
  }
  if (status.code == kUnimplemented) {
    return std::make_shared<UnavailableError>("what answers at " + address +
                                              " is not a LoupeGrpc server, or is an older one (" + details + ")");
  }
  if (IsTransport(status)) {
    return std::make_shared<UnavailableError>("the connection to " + address + " broke (" + details + ")");
  }
  switch (status.code) {
    case kInvalidArgument:
      return std::make_shared<RequestError>(FailureCode::kInvalid, details);
    case kResourceExhausted:
      return std::make_shared<RequestError>(FailureCode::kOverloaded, details);
    case kDeadlineExceeded:
      return std::make_shared<RequestError>(FailureCode::kExpired, details);
    case kCancelled:
      return std::make_shared<RequestError>(FailureCode::kCanceled, details);
    default:
      return std::make_shared<RequestError>(FailureCode::kInternal, CodeName(status.code) + ": " + details);
  }
}

std::shared_ptr<const Error> ToSessionFault(const Status& status, const std::string& address) {
  if (IsRefusal(status)) return ToRequestFault(status, address);
  const auto failed = FailedOf(status);
  const std::string what = !failed && IsTransport(status) ? "the connection to " + address + " broke"
                                                          : "the server at " + address + " ended the session";
  const std::string why = failed ? failed->message() : ProxyHint(status.message).value_or(OneLine(status.message));
  return std::make_shared<ConnectionLostError>(what + " (" + CodeName(status.code) + ": " + why + ")");
}

}  // namespace loupegrpc
