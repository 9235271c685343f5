#include "loupegrpc/session.h"

#include <algorithm>
#include <cstdio>
#include <tuple>
#include <utility>

#include "session_impl.h"

namespace loupegrpc {

namespace {

// As many connections in a row break over the same frame until it is given up. Pauses between them grow: this takes some seconds.
constexpr int kMaxBreaksOverOneFrame = 5;
// For servers that do not say it.
constexpr std::size_t kDefaultCredits = 64;
// So long a session in which nothing is in flight may take to say goodbye.
constexpr std::chrono::seconds kGoodbye{1};
// Frames handed over and not yet written: one on its way and one behind it.
constexpr std::size_t kWaitingToBeWritten = 2;
constexpr std::size_t kMaxEvents = 256;

std::shared_ptr<const Error> Lost(const std::string& message) { return std::make_shared<ConnectionLostError>(message); }

std::string Mebibytes(double bytes, const char* format) {
  char text[32];
  std::snprintf(text, sizeof text, format, bytes / (1 << 20));
  return text;
}

std::string TooLarge(std::size_t size, std::uint64_t limit) {
  std::string number = Mebibytes(static_cast<double>(limit), "%.2f");
  number.erase(number.find_last_not_of('0') + 1);
  if (number.ends_with('.')) number.pop_back();
  return "the frame is " + Mebibytes(static_cast<double>(size), "%.1f") + " MiB, and the limit is " + number +
         " MiB (Loupe:Limits:MaxFrameBytes on the server)";
}

}  // namespace

Session::Impl::Impl(std::shared_ptr<Channel> channel, const SessionOptions& options, const Patience& patience)
    : channel_(std::move(channel)), unordered_(options.unordered), ledger_(!options.unordered) {
  opening_ = ToMessage(options, channel_->options());
  headers_ = channel_->Trace(options.headers);
  // Whoever gives up: the caller while the session opens, and whoever has its token as long as it lives.
  std::unique_ptr<Connection> first;
  {
    std::stop_source giving_up;
    const std::stop_callback by_caller(patience.stop(), [&] { giving_up.request_stop(); });
    const std::stop_callback by_owner(options.stop, [&] { giving_up.request_stop(); });
    first = channel_->Open(opening_, headers_, patience.WithStop(giving_up.get_token()));
  }
  // Large, and of no use any more.
  opening_.clear_adaptation_snapshot();
  grant_ = ToGrant(first->grant());
  resumable_ = options.reconnect && !grant_.resume_token.empty();
  credits_ = grant_.limits.credits == 0 ? kDefaultCredits : grant_.limits.credits;
  credits_ = std::min(credits_, static_cast<std::size_t>(options.max_frames_in_flight));
  run_ = std::thread([this, connection = std::move(first)]() mutable { Run(std::move(connection)); });
  // At once, where it was asked already.
  asked_.emplace(options.stop, [this] {
    stopping_.request_stop();
    const std::lock_guard lock(mutex_);
    if (current_ != nullptr) current_->Cancel();
    changed_.notify_all();
  });
}

Session::Impl::~Impl() {
  Close();
  asked_.reset();
}

std::shared_ptr<const Error> Session::Impl::fault() {
  const Lock lock(mutex_);
  return fault_;
}

bool Session::Impl::ended() {
  const Lock lock(mutex_);
  return ended_;
}

template <class Condition>
void Session::Impl::Wait(Lock& lock, const Patience& patience, const Condition& condition) {
  bool holds = false;
  if (patience.deadline()) {
    holds = changed_.wait_until(lock, patience.stop(), *patience.deadline(), condition);
  } else {
    holds = changed_.wait(lock, patience.stop(), condition);
  }
  if (holds) return;
  if (patience.stop().stop_requested()) throw CanceledError();
  throw TimeoutError();
}

void Session::Impl::ThrowIfOver() const {
  if (completing_) throw CompletingError();
  if (ended_) ThrowEnded();
}

void Session::Impl::ThrowEnded() const { throw ConnectionLostError(fault_ ? fault_->what() : "the session is over"); }

std::size_t Session::Impl::Send(const Frame& frame, const Patience& patience) {
  {
    const Lock lock(mutex_);
    if (completing_) throw CompletingError();
  }
  const Picture picture = Read(frame.image);
  Lock lock(mutex_);
  Wait(lock, patience, [&] { return ended_ || credits_used_ < credits_; });
  if (ended_) ThrowEnded();
  ++credits_used_;
  try {
    Wait(lock, patience, [&] { return ended_ || room_used_ < kWaitingToBeWritten; });
    if (ended_) ThrowEnded();
    ++room_used_;
    // From here on nothing waits: the frame enters whole or not at all.
    lock.unlock();
    try {
      return Enter(frame, picture);
    } catch (...) {
      lock.lock();
      --room_used_;
      throw;
    }
  } catch (...) {
    --credits_used_;
    changed_.notify_all();
    throw;
  }
}

std::size_t Session::Impl::Enter(const Frame& frame, const Picture& picture) {
  const std::lock_guard sending(sending_);
  std::size_t index = 0;
  {
    const Lock lock(mutex_);
    index = ledger_.entered();
  }
  const std::uint64_t id = frame.id.value_or(index);
  const std::uint64_t limit = grant_.limits.max_frame_bytes;
  const bool too_large = limit > 0 && picture.bytes.size() > limit;
  std::shared_ptr<const WireMessage> message;
  std::size_t size = 0;
  if (!too_large) {
    const WireFrame wire = ToWire(frame, id, picture);
    size = wire.size();
    message = Serialize(wire);
  }
  const Lock lock(mutex_);
  ThrowIfOver();
  if (too_large) {
    ledger_.EnterFailed(id, FailureCode::kTooLarge, TooLarge(picture.bytes.size(), limit));
    --room_used_;
  } else {
    outbox_.push_back(ledger_.EnterFrame(id, std::move(message), size));
  }
  changed_.notify_all();
  return index;
}

std::optional<Outcome> Session::Impl::Receive(const Patience& patience) {
  Lock lock(mutex_);
  Wait(lock, patience, [&] { return !ledger_.ready().empty() || ledger_.closed(); });
  if (ledger_.ready().empty()) return std::nullopt;
  std::optional<Outcome> outcome(std::move(ledger_.ready().front()));
  ledger_.ready().pop_front();
  --credits_used_;
  changed_.notify_all();
  return outcome;
}

std::optional<Event> Session::Impl::NextEvent(const Patience& patience) {
  Lock lock(mutex_);
  Wait(lock, patience, [&] { return !events_.empty() || ended_; });
  if (events_.empty()) return std::nullopt;
  std::optional<Event> event(std::move(events_.front()));
  events_.pop_front();
  return event;
}

Summary Session::Impl::Complete(const Patience& patience) {
  Lock lock(mutex_);
  completing_ = true;
  // A server that has answered a half-closed call forgets the session: what a connection that breaks then loses could not be asked for again.
  Wait(lock, patience, [&] { return !resumable_ || ledger_.idle() || ended_; });
  half_close_ = true;
  changed_.notify_all();
  Wait(lock, patience, [&] { return summary_.has_value() || ended_; });
  if (!summary_) ThrowEnded();
  return *summary_;
}

void Session::Impl::Close() noexcept {
  const std::lock_guard closing(closing_);
  bool quiet = false;
  {
    const Lock lock(mutex_);
    quiet = resumable_ && ledger_.idle() && !ended_;
  }
  if (quiet) {
    try {
      Complete(Patience(kGoodbye, stopping_.get_token()));
    } catch (const Error&) {
      // The server forgets it by itself.
    }
  }
  {
    const Lock lock(mutex_);
    disposing_ = true;
  }
  End(nullptr);
  stopping_.request_stop();
  {
    const Lock lock(mutex_);
    if (current_ != nullptr) current_->Cancel();
    changed_.notify_all();
  }
  if (run_.joinable()) run_.join();
}

Reply Session::Impl::Control(v1::Control control, const Patience& patience) {
  Lock lock(mutex_);
  ThrowIfOver();
  if (patience.stop().stop_requested()) throw CanceledError();
  const std::uint64_t number = last_control_ + 1;
  control.set_control_id(number);
  v1::AnalyzeRequest request;
  *request.mutable_control() = std::move(control);
  auto message = Serialize(request);
  ++last_control_;
  controls_[number];
  outbox_.push_back(ledger_.EnterControl(number, std::move(message)));
  changed_.notify_all();
  const auto reply = [&]() -> std::optional<v1::ControlReply>* {
    const auto found = controls_.find(number);
    return found != controls_.end() && found->second ? &found->second : nullptr;
  };
  try {
    Wait(lock, patience, [&] { return ended_ || reply() != nullptr; });
  } catch (...) {
    controls_.erase(number);
    throw;
  }
  if (reply() == nullptr) {
    controls_.erase(number);
    ThrowEnded();
  }
  v1::ControlReply answer = std::move(**reply());
  controls_.erase(number);
  lock.unlock();
  if (answer.has_failed()) throw RequestError(ToCode(answer.failed().code()), answer.failed().message());
  return ToReply(std::move(answer));
}

void Session::Impl::Run(std::unique_ptr<Connection> current) {
  std::shared_ptr<const Error> fault;
  for (;;) {
    Lock lock(mutex_);
    const std::uint64_t received = received_;
    current_ = current.get();
    // Whoever asked before could not reach this one.
    if (stopping_.stop_requested()) current->Cancel();
    lock.unlock();
    bool transport = false;
    std::tie(fault, transport) = Serve(current.get());
    lock.lock();
    current_ = nullptr;
    if (received_ > received) outage_.reset();
    const bool goes_on = transport && resumable_ && !summary_ && !disposing_ && !stopping_.stop_requested();
    lock.unlock();
    current.reset();
    if (!goes_on) break;
    try {
      current = Resume(*fault);
    } catch (const std::exception& error) {
      fault = Lost(std::string(fault->what()) + ", and the session could not be resumed: " + error.what());
      break;
    } catch (...) {
      // Options::call_headers is the caller's, and throws what it likes.
      fault = Lost(std::string(fault->what()) + ", and the session could not be resumed: its headers could not be had");
      break;
    }
  }
  {
    const Lock lock(mutex_);
    // A server that drains ends completed sessions with UNAVAILABLE too; nothing is missing then.
    if (completing_ && summary_) fault = nullptr;
  }
  End(fault);
}

std::pair<std::shared_ptr<const Error>, bool> Session::Impl::Serve(Connection* current) {
  std::stop_source stop;
  std::thread writer([&] { Write(current, stop.get_token()); });
  std::shared_ptr<const Error> fault;
  bool transport = false;
  for (;;) {
    v1::AnalyzeResponse answer;
    const Connection::Heard heard = current->Read(&answer);
    if (heard == Connection::Heard::kAnswer) {
      fault = TakeIn(std::move(answer));
      if (fault) break;
      continue;
    }
    if (heard == Connection::Heard::kNonsense) {
      fault =
          Lost("the server at " + channel_->shown() + " broke the protocol: what it sent is no message of loupe.v1");
      break;
    }
    const Status status = current->Finish();
    if (status.code != 0) {
      fault = ToSessionFault(status, channel_->shown());
      transport = IsTransport(status);
    } else {
      fault = Lost("the server at " + channel_->shown() + " ended the session before it was completed");
    }
    break;
  }
  // What comes behind the end was not received: the next connection brings it again.
  stop.request_stop();
  current->Cancel();
  {
    const Lock lock(mutex_);
    changed_.notify_all();
  }
  writer.join();
  return {fault, transport};
}

// A broken transport is not its business: the reader sees it too, and decides what becomes of the message.
void Session::Impl::Write(Connection* current, const std::stop_token& stop) {
  Lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stop.stop_requested() || !outbox_.empty() || half_close_; });
    if (stop.stop_requested()) return;
    if (outbox_.empty()) {
      lock.unlock();
      current->HalfClose();
      return;
    }
    const Ledger::EntryPtr next = std::move(outbox_.front());
    outbox_.pop_front();
    // Null: it has its outcome already.
    const std::shared_ptr<const WireMessage> message = next->message;
    if (!message) continue;
    lock.unlock();
    if (!current->Write(*message)) return;
    lock.lock();
    if (!resumable_) next->message = nullptr;
    LeaveRoom(next);
    changed_.notify_all();
  }
}

void Session::Impl::LeaveRoom(const Ledger::EntryPtr& entry) {
  if (!entry->waiting) return;
  entry->waiting = false;
  --room_used_;
}

std::shared_ptr<const Error> Session::Impl::TakeIn(v1::AnalyzeResponse answer) {
  Lock lock(mutex_);
  if (ended_) return nullptr;
  switch (answer.payload_case()) {
    case v1::AnalyzeResponse::kOutcome: {
      ++received_;
      const std::uint64_t sequence = answer.outcome().sequence();
      const Ledger::EntryPtr settled = ledger_.Waiting(sequence);
      if (!settled) {
        return Lost("the server at " + channel_->shown() + " broke the protocol: it sent an outcome for frame " +
                    std::to_string(sequence) + ", which was not waiting for one");
      }
      ledger_.Settle(settled, ToOutcome(settled->info, std::move(*answer.mutable_outcome())));
      LeaveRoom(settled);
      break;
    }
    case v1::AnalyzeResponse::kControlReply: {
      ++received_;
      const std::uint64_t number = answer.control_reply().control_id();
      ledger_.SettleControl(number);
      const auto waiting = controls_.find(number);
      if (waiting != controls_.end() && !waiting->second) waiting->second = std::move(*answer.mutable_control_reply());
      break;
    }
    case v1::AnalyzeResponse::kEvent: {
      const bool taken_over = answer.event().kind() == v1::SESSION_EVENT_KIND_TAKEN_OVER;
      Notify(ToEvent(std::move(*answer.mutable_event())));
      if (!taken_over) ++received_;
      Unlock(lock);
      // Taking it back would be a fight.
      if (taken_over) return Lost("another connection took over the session at " + channel_->shown());
      return nullptr;
    }
    case v1::AnalyzeResponse::kSummary:
      if (!summary_) summary_ = ToSummary(std::move(*answer.mutable_summary()));
      break;
    default:
      // What a newer server may send.
      return nullptr;
  }
  changed_.notify_all();
  return nullptr;
}

std::unique_ptr<Connection> Session::Impl::Resume(const Error& why) {
  Lock lock(mutex_);
  if (!outage_) outage_ = Outage{std::chrono::steady_clock::now(), grant_.resume_window, 0};
  if (outage_->Left().count() <= 0)
    throw ConnectionLostError(std::string("each new connection broke again: ") + kLongCalls);
  // Nothing that a server which does not know the session any more would have to keep.
  v1::OpenSession opening;
  opening.set_session_name(opening_.session_name());
  opening.set_max_response_bytes(opening_.max_response_bytes());
  opening.set_client(opening_.client());
  opening.set_resume_token(grant_.resume_token);
  opening.set_responses_received(received_);
  const auto [frames, controls] = ledger_.Answered();
  opening.set_frames_answered(frames);
  opening.set_controls_answered(controls);
  Outage* const outage = &*outage_;
  Notify(Disconnected{why.what(), outage->Left()});
  Unlock(lock);

  // This thread alone touches the outage.
  auto next = channel_->Reopen(opening, headers_, outage, stopping_.get_token());
  const v1::SessionGrant& grant = next->grant();
  if (!grant.resumed()) {
    std::string reason = "it was restarted, or its resume window has passed";
    for (const auto& part : grant.unavailable()) {
      if (part.feature() == "resume_token") reason = part.reason();
    }
    throw ConnectionLostError("the server at " + channel_->shown() + " does not have the session any more: " + reason);
  }
  lock.lock();
  FailWhatDoesNotPass(grant);
  const auto [arrived, missing] = ledger_.Split(grant.next_sequence(), grant.controls_received());
  // Although their writer was told otherwise.
  for (const auto& entry : arrived) LeaveRoom(entry);
  outbox_.assign(missing.begin(), missing.end());
  const auto again = std::count_if(missing.begin(), missing.end(), [](const auto& entry) { return entry->is_frame; });
  Notify(Resumed{outage->Elapsed(), static_cast<std::size_t>(again)});
  Unlock(lock);
  return next;
}

// A frame over which every connection breaks would take along all others, until the server's window has passed.
void Session::Impl::FailWhatDoesNotPass(const v1::SessionGrant& grant) {
  const std::array<std::uint64_t, 3> reached{grant.next_sequence(), grant.controls_received(), received_};
  if (reached != reached_) times_reached_ = 0;
  reached_ = reached;
  ++times_reached_;
  const auto missing = ledger_.Split(grant.next_sequence(), grant.controls_received()).second;
  if (times_reached_ < kMaxBreaksOverOneFrame || missing.empty() || !missing.front()->is_frame) return;
  ledger_.Withdraw(missing.front(), FailureCode::kConnectionLost,
                   "the connection to " + channel_->shown() + " broke " + std::to_string(times_reached_) +
                       " times while this frame of " + Mebibytes(static_cast<double>(missing.front()->size), "%.1f") +
                       " MiB was sent: " + kLargeMessages);
  LeaveRoom(missing.front());
  times_reached_ = 0;
}

void Session::Impl::Notify(Event event) {
  const bool bad = std::holds_alternative<Disconnected>(event);
  Log(bad ? LogLevel::kWarning : LogLevel::kInfo, ToString(event));
  events_.push_back(std::move(event));
  if (events_.size() > kMaxEvents) events_.pop_front();
  changed_.notify_all();
}

void Session::Impl::Log(LogLevel level, std::string message) {
  if (!channel_->options().log) return;
  logs_.push_back({level, std::move(message), grant_.session_id, opening_.session_name()});
}

void Session::Impl::Unlock(Lock& lock) {
  const auto logs = std::exchange(logs_, {});
  lock.unlock();
  for (const auto& entry : logs) {
    try {
      channel_->options().log(entry);
    } catch (...) {
      // A log that fails must not end a session.
    }
  }
}

void Session::Impl::End(std::shared_ptr<const Error> fault) {
  Lock lock(mutex_);
  if (ended_) return;
  const bool canceled = disposing_ || (fault && stopping_.stop_requested());
  if (canceled) fault = Lost("the session was closed");
  fault_ = fault;
  ended_ = true;
  std::string message = "the server completed the session without an outcome for this frame";
  if (fault) {
    message = fault->what();
    Log(LogLevel::kInfo, "ended: " + message);
  }
  ledger_.Close(canceled ? FailureCode::kCanceled : FailureCode::kConnectionLost, message);
  outbox_.clear();
  changed_.notify_all();
  Unlock(lock);
}

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

const Grant& Session::grant() const { return impl_->grant(); }
std::shared_ptr<const Error> Session::fault() const { return impl_->fault(); }
std::size_t Session::Send(const Frame& frame, const Patience& patience) { return impl_->Send(frame, patience); }
std::optional<Outcome> Session::Receive(const Patience& patience) { return impl_->Receive(patience); }
std::optional<Event> Session::NextEvent(const Patience& patience) { return impl_->NextEvent(patience); }
Summary Session::Complete(const Patience& patience) { return impl_->Complete(patience); }
void Session::Close() noexcept {
  if (impl_) impl_->Close();
}

Reply Session::SetThresholds(const Thresholds& thresholds, const Patience& patience) {
  v1::Control control;
  *control.mutable_set_thresholds() = ToMessage(thresholds);
  return impl_->Control(std::move(control), patience);
}

Reply Session::SetMasks(const Masks& masks, const Patience& patience) {
  v1::Control control;
  *control.mutable_set_mask() = ToMessage(masks);
  return impl_->Control(std::move(control), patience);
}

Reply Session::Flush(const Patience& patience) {
  v1::Control control;
  control.mutable_flush();
  return impl_->Control(std::move(control), patience);
}

Reply Session::SetAdaptation(const Adaptation& adaptation, const Patience& patience) {
  v1::Control control;
  *control.mutable_set_adaptation()->mutable_settings() = ToMessage(adaptation);
  return impl_->Control(std::move(control), patience);
}

Reply Session::FreezeAdaptation(const Patience& patience) {
  v1::Control control;
  control.mutable_freeze_adaptation();
  return impl_->Control(std::move(control), patience);
}

Reply Session::ResumeAdaptation(const Patience& patience) {
  v1::Control control;
  control.mutable_resume_adaptation();
  return impl_->Control(std::move(control), patience);
}

Reply Session::ResetAdaptation(const Patience& patience) {
  v1::Control control;
  control.mutable_reset_adaptation();
  return impl_->Control(std::move(control), patience);
}

Reply Session::RollbackAdaptation(const Patience& patience) {
  v1::Control control;
  control.mutable_rollback_adaptation()->set_last_snapshot(true);
  return impl_->Control(std::move(control), patience);
}

Reply Session::RollbackAdaptationTo(std::uint64_t step, const Patience& patience) {
  v1::Control control;
  control.mutable_rollback_adaptation()->set_step(step);
  return impl_->Control(std::move(control), patience);
}

Reply Session::SnapshotAdaptation(const Patience& patience) {
  v1::Control control;
  control.mutable_snapshot_adaptation();
  return impl_->Control(std::move(control), patience);
}

}  // namespace loupegrpc
