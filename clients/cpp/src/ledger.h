// What a session sent and got: every frame that entered leaves exactly once, and what a new connection has to send again is known. It knows no transport
// and no lock, and is bounded by the session's credits.
#ifndef LOUPEGRPC_LEDGER_H_
#define LOUPEGRPC_LEDGER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loupegrpc/outcomes.h"

namespace loupegrpc {

class WireMessage;

class Ledger {
 public:
  // A frame or control on its way.
  struct Entry {
    // Kept until the answer is there where the session can be resumed; null: it has its outcome.
    std::shared_ptr<const WireMessage> message;
    // Of a frame the server's, from 0. Of a control: how many were sent before it, plus one.
    std::uint64_t number = 0;
    bool is_frame = false;
    std::size_t size = 0;
    FrameInfo info;
    // It takes a place among those that wait to be written.
    bool waiting = false;
    std::optional<Outcome> outcome;
    std::list<std::shared_ptr<Entry>>::iterator place;
  };
  using EntryPtr = std::shared_ptr<Entry>;

  explicit Ledger(bool ordered) : ordered_(ordered) {}

  // Outcomes that nobody took yet.
  std::deque<Outcome>& ready() { return ready_; }
  bool closed() const { return closed_; }
  // Nothing waits for the server.
  bool idle() const { return unanswered_.empty(); }
  std::size_t entered() const { return entered_; }

  // A frame that is about to be sent. Call it in the order of sending.
  EntryPtr EnterFrame(std::uint64_t id, std::shared_ptr<const WireMessage> message, std::size_t size);
  // A frame that will not be sent, with its outcome.
  void EnterFailed(std::uint64_t id, FailureCode code, std::string message);
  EntryPtr EnterControl(std::uint64_t number, std::shared_ptr<const WireMessage> message);

  // The frame that the server's number is waiting for; null when none is. It leaves by Settle.
  EntryPtr Waiting(std::uint64_t sequence) const;
  void Settle(const EntryPtr& entry, Outcome outcome);
  // Nothing for unknown numbers.
  void SettleControl(std::uint64_t number);

  // The first frame without an outcome, or else the next one, and how many controls have their reply.
  std::pair<std::uint64_t, std::uint64_t> Answered() const;
  // What arrived and what never did, of all that has no answer, in the order of sending.
  std::pair<std::vector<EntryPtr>, std::vector<EntryPtr>> Split(std::uint64_t next_sequence,
                                                                std::uint64_t controls_received) const;
  // Ends a frame that never reached the server; those sent after it, which did not either, take its number and the next ones.
  void Withdraw(const EntryPtr& entry, FailureCode code, std::string message);
  // Ends every frame that still waits and lets no other in.
  void Close(FailureCode code, const std::string& message);

 private:
  void Enter(const EntryPtr& entry);
  void SettleAs(const EntryPtr& entry, Outcome outcome);

  const bool ordered_;
  bool closed_ = false;
  std::deque<Outcome> ready_;
  std::map<std::uint64_t, EntryPtr> frames_;
  std::map<std::uint64_t, EntryPtr> controls_;
  std::deque<EntryPtr> in_order_;
  std::list<EntryPtr> unanswered_;
  std::uint64_t next_sequence_ = 0;
  std::size_t entered_ = 0;
  std::uint64_t last_control_ = 0;
};

}  // namespace loupegrpc

#endif  // LOUPEGRPC_LEDGER_H_
