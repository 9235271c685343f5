#ifndef LOUPEGRPC_SESSION_IMPL_H_
#define LOUPEGRPC_SESSION_IMPL_H_

#include <array>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "channel.h"
#include "ledger.h"
#include "loupegrpc/session.h"

namespace loupegrpc {

class Session::Impl {
 public:
  // Opens.
  Impl(std::shared_ptr<Channel> channel, const SessionOptions& options, const Patience& patience);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  const Grant& grant() const { return grant_; }
  std::shared_ptr<const Error> fault();
  std::size_t Send(const Frame& frame, const Patience& patience);
  std::optional<Outcome> Receive(const Patience& patience);
  std::optional<Event> NextEvent(const Patience& patience);
  Summary Complete(const Patience& patience);
  void Close() noexcept;
  Reply Control(v1::Control control, const Patience& patience);
  bool ended();

 private:
  using Lock = std::unique_lock<std::mutex>;

  std::size_t Enter(const Frame& frame, const Picture& picture);
  // Until the condition holds; throws what ended the patience before.
  template <class Condition>
  void Wait(Lock& lock, const Patience& patience, const Condition& condition);
  // Throws why the session takes nothing any more.
  void ThrowIfOver() const;
  [[noreturn]] void ThrowEnded() const;

  void Run(std::unique_ptr<Connection> first);
  // Writes and reads until the call is over: why, and whether only the way to the server broke.
  std::pair<std::shared_ptr<const Error>, bool> Serve(Connection* current);
  void Write(Connection* current, const std::stop_token& stop);
  // Says why the session cannot go on; null: it can.
  std::shared_ptr<const Error> TakeIn(v1::AnalyzeResponse answer);
  // The next connection; what the server lacks goes first. Throws where there is none, or the server does not have the session any more.
  std::unique_ptr<Connection> Resume(const Error& why);
  void FailWhatDoesNotPass(const v1::SessionGrant& grant);
  void LeaveRoom(const Ledger::EntryPtr& entry);
  void End(std::shared_ptr<const Error> fault);

  void Notify(Event event);
  void Log(LogLevel level, std::string message);
  // Lets the mutex go, and then says what there is to say: who listens may ask the session.
  void Unlock(Lock& lock);

  const std::shared_ptr<Channel> channel_;
  const bool unordered_;
  v1::OpenSession opening_;
  Headers headers_;
  Grant grant_;
  bool resumable_ = false;
  std::size_t credits_ = 0;
  // Ends everything that waits for the network.
  std::stop_source stopping_;
  std::optional<std::stop_callback<std::function<void()>>> asked_;
  // Keeps frames in the order of their indexes while they are encoded. Taken before mutex_.
  std::mutex sending_;
  std::mutex closing_;

  std::mutex mutex_;
  // Something below changed that somebody may wait for.
  std::condition_variable_any changed_;
  Ledger ledger_;
  // Frames whose outcome was not taken, and those that wait to be written.
  std::size_t credits_used_ = 0, room_used_ = 0;
  std::deque<Ledger::EntryPtr> outbox_;
  std::deque<Event> events_;
  // By number; nothing while the reply is to come.
  std::map<std::uint64_t, std::optional<v1::ControlReply>> controls_;
  std::uint64_t last_control_ = 0;
  std::uint64_t received_ = 0;
  std::array<std::uint64_t, 3> reached_{};
  int times_reached_ = 0;
  std::optional<Outage> outage_;
  std::optional<Summary> summary_;
  bool completing_ = false, half_close_ = false, disposing_ = false, ended_ = false;
  Connection* current_ = nullptr;
  std::shared_ptr<const Error> fault_;
  std::vector<LogEntry> logs_;
  std::thread run_;
};

}  // namespace loupegrpc

#endif  // LOUPEGRPC_SESSION_IMPL_H_
