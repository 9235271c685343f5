#ifndef LOUPEGRPC_ERRORS_H_
#define LOUPEGRPC_ERRORS_H_

#include <stdexcept>
#include <string>

namespace loupegrpc {

/// Why a frame has no result: the server's codes, and those that only a client can give.
enum class FailureCode {
  /// A fault of the server, or a code that this client does not know.
  kInternal,
  /// The data is not what it should be: not a picture, truncated, wrong stride. Sending it again will not help.
  kInvalid,
  /// Over a limit of the server; the message names the limit and its setting.
  kTooLarge,
  /// Understood, but this server does not do it.
  kUnsupported,
  /// No room now; may be sent again later.
  kOverloaded,
  /// The caller gave up, or the server is stopping.
  kCanceled,
  /// The model or what runs it failed.
  kModelFault,
  /// A deadline passed, in calls outside sessions; frames have Expired.
  kExpired,
  /// The server does not know the caller, or does not allow the call: Options::key, Options::tls.
  kNotAllowed,
  /// The client's own: the session ended before the frame had its outcome. It may have been analysed.
  kConnectionLost,
};

/// The code as every client writes it: `TOO_LARGE`.
std::string Name(FailureCode code);

/// What calls throw where the server or the way to it failed. The message is one sentence for people. What was misused throws std::invalid_argument,
/// a file that cannot be read std::system_error.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  /// Throws a copy of itself, as what it is.
  [[noreturn]] virtual void Raise() const { throw *this; }
};

/// There is no LoupeGrpc server at the address, or it takes no calls now. Nothing was analysed.
class UnavailableError : public Error {
 public:
  using Error::Error;
  [[noreturn]] void Raise() const override { throw *this; }
};

/// The session ended before it was completed. Frames in flight have FailureCode::kConnectionLost.
class ConnectionLostError : public Error {
 public:
  using Error::Error;
  [[noreturn]] void Raise() const override { throw *this; }
};

/// Session::Complete was called before: the session takes no more frames and controls.
class CompletingError : public Error {
 public:
  CompletingError() : Error("the session is being completed: it takes no more frames and controls") {}
  [[noreturn]] void Raise() const override { throw *this; }
};

/// The server understood a picture, an opening or a control, and said no.
class RequestError : public Error {
 public:
  RequestError(FailureCode code, const std::string& message) : Error(message), code_(code) {}
  FailureCode code() const { return code_; }
  [[noreturn]] void Raise() const override { throw *this; }

 private:
  FailureCode code_;
};

/// The server wants to know who calls, or does not allow it.
class NotAllowedError : public RequestError {
 public:
  explicit NotAllowedError(const std::string& message) : RequestError(FailureCode::kNotAllowed, message) {}
  [[noreturn]] void Raise() const override { throw *this; }
};

/// Run lengths or a PNG are no mask.
class MaskError : public Error {
 public:
  using Error::Error;
  [[noreturn]] void Raise() const override { throw *this; }
};

/// The time that a call was given has passed. It has done nothing then, but for controls, which are on their way.
class TimeoutError : public Error {
 public:
  TimeoutError() : Error("not done in the time that was given") {}
  [[noreturn]] void Raise() const override { throw *this; }
};

/// The call's std::stop_token asked it to give up. As with TimeoutError, it has done nothing.
class CanceledError : public Error {
 public:
  CanceledError() : Error("given up, as its caller asked") {}
  [[noreturn]] void Raise() const override { throw *this; }
};

}  // namespace loupegrpc

#endif  // LOUPEGRPC_ERRORS_H_
