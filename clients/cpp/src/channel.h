// The way to the server: calls, headers, and when they are tried again. What gRPC is stays in channel.cc.
#ifndef LOUPEGRPC_CHANNEL_H_
#define LOUPEGRPC_CHANNEL_H_

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "faults.h"
#include "loupegrpc/options.h"
#include "loupegrpc/patience.h"
#include "messages.h"

namespace loupegrpc {

// A server that took the connection may be busy; one that says nothing for so long is none.
inline constexpr std::chrono::seconds kAttemptTimeout{60};
// A session's window may be short, and a way that leads nowhere must not eat it up.
inline constexpr std::chrono::seconds kReconnectTimeout{10};

// A message as it goes over the wire, kept until it has its answer; copies share the bytes.
class WireMessage {
 public:
  virtual ~WireMessage() = default;
};
std::shared_ptr<const WireMessage> Serialize(const WireFrame& frame);
std::shared_ptr<const WireMessage> Serialize(const v1::AnalyzeRequest& request);

// One call of a session, once it was granted. One thread reads and one writes; any cancels.
class Connection {
 public:
  enum class Heard { kAnswer, kEnd, kNonsense };

  virtual ~Connection() = default;
  virtual const v1::SessionGrant& grant() const = 0;
  // kEnd: the call is over, and Finish says why. kNonsense: what came is no message.
  virtual Heard Read(v1::AnalyzeResponse* answer) = 0;
  // False: the call is over.
  virtual bool Write(const WireMessage& message) = 0;
  virtual void HalfClose() = 0;
  virtual Status Finish() = 0;
  virtual void Cancel() = 0;
};

// A time without a useful connection: from the first break until a connection brought an answer.
struct Outage {
  std::chrono::steady_clock::time_point started;
  std::chrono::nanoseconds window;
  int attempts = 0;

  std::chrono::nanoseconds Elapsed() const { return std::chrono::steady_clock::now() - started; }
  std::chrono::nanoseconds Left() const { return window - Elapsed(); }
};

class Channel {
 public:
  // std::invalid_argument where the options make no sense.
  explicit Channel(Options options);
  ~Channel();

  const Options& options() const { return options_; }
  // The address as messages show it: without a path, and without credentials.
  const std::string& shown() const { return shown_; }
  const std::string& target() const { return target_; }

  // The headers of Options::trace_context and of a call, for all of its connections. std::invalid_argument for what is no header.
  Headers Trace(const Headers& own) const;

  v1::GetServerInfoResponse Connect(const Patience& patience);
  v1::GetServerInfoResponse ServerInfo(const Patience& patience);
  v1::AnalyzeImageResponse AnalyzeImage(const v1::AnalyzeImageRequest& request, const Headers& own,
                                        const Patience& patience);
  // Tried again until Options::connect_timeout has passed.
  std::unique_ptr<Connection> Open(const v1::OpenSession& opening, const Headers& own, const Patience& patience);
  // Tried again until the outage has lasted as long as it may.
  std::unique_ptr<Connection> Reopen(const v1::OpenSession& opening, const Headers& own, Outage* outage,
                                     const std::stop_token& stop);

 private:
  class Grpc;

  Headers AllHeaders(const Headers& own) const;
  std::unique_ptr<Connection> OpenOnce(const v1::OpenSession& opening, const Headers& own,
                                       std::chrono::nanoseconds timeout, const Patience& patience);
  // Throws what ended the patience before.
  void Pause(std::chrono::nanoseconds duration, const Patience& patience);
  template <class Attempt>
  auto UntilThere(const Patience& patience, const Attempt& attempt);
  template <class Attempt>
  auto Unary(const Patience& patience, const Attempt& attempt);

  Options options_;
  std::string target_;
  std::string shown_;
  bool secure_ = false;
  std::unique_ptr<Grpc> grpc_;
};

}  // namespace loupegrpc

#endif  // LOUPEGRPC_CHANNEL_H_
