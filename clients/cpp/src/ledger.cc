#include "ledger.h"

namespace loupegrpc {

Ledger::EntryPtr Ledger::EnterFrame(std::uint64_t id, std::shared_ptr<const WireMessage> message, std::size_t size) {
  auto entry = std::make_shared<Entry>();
  entry->message = std::move(message);
  entry->number = next_sequence_++;
  entry->is_frame = true;
  entry->size = size;
  entry->info = {id, entered_, entry->number};
  entry->waiting = true;
  Enter(entry);
  frames_[entry->number] = entry;
  entry->place = unanswered_.insert(unanswered_.end(), entry);
  return entry;
}

void Ledger::EnterFailed(std::uint64_t id, FailureCode code, std::string message) {
  auto entry = std::make_shared<Entry>();
  entry->is_frame = true;
  entry->info = {id, entered_, std::nullopt};
  Enter(entry);
  SettleAs(entry, Failed{entry->info, code, std::move(message)});
}

Ledger::EntryPtr Ledger::EnterControl(std::uint64_t number, std::shared_ptr<const WireMessage> message) {
  auto entry = std::make_shared<Entry>();
  entry->message = std::move(message);
  entry->number = number;
  controls_[number] = entry;
  last_control_ = number;
  entry->place = unanswered_.insert(unanswered_.end(), entry);
  return entry;
}

Ledger::EntryPtr Ledger::Waiting(std::uint64_t sequence) const {
  const auto found = frames_.find(sequence);
  return found == frames_.end() ? nullptr : found->second;
}

void Ledger::Settle(const EntryPtr& entry, Outcome outcome) {
  frames_.erase(entry->number);
  unanswered_.erase(entry->place);
  SettleAs(entry, std::move(outcome));
}

void Ledger::SettleControl(std::uint64_t number) {
  const auto found = controls_.find(number);
  if (found == controls_.end()) return;
  unanswered_.erase(found->second->place);
  found->second->message = nullptr;
  controls_.erase(found);
}

std::pair<std::uint64_t, std::uint64_t> Ledger::Answered() const {
  return {frames_.empty() ? next_sequence_ : frames_.begin()->first,
          controls_.empty() ? last_control_ : controls_.begin()->first - 1};
}

std::pair<std::vector<Ledger::EntryPtr>, std::vector<Ledger::EntryPtr>> Ledger::Split(
    std::uint64_t next_sequence, std::uint64_t controls_received) const {
  std::vector<EntryPtr> arrived, missing;
  for (const auto& entry : unanswered_) {
    const bool lacks = entry->is_frame ? entry->number >= next_sequence : entry->number > controls_received;
    (lacks ? missing : arrived).push_back(entry);
  }
  return {std::move(arrived), std::move(missing)};
}

void Ledger::Withdraw(const EntryPtr& entry, FailureCode code, std::string message) {
  const std::uint64_t from = entry->number;
  Settle(entry, Failed{entry->info, code, std::move(message)});
  for (std::uint64_t number = from + 1; number < next_sequence_; ++number) {
    auto node = frames_.extract(number);
    if (node.empty()) continue;
    const EntryPtr& moved = node.mapped();
    --moved->number;
    moved->info.sequence = moved->number;
    node.key() = moved->number;
    frames_.insert(std::move(node));
  }
  --next_sequence_;
}

void Ledger::Close(FailureCode code, const std::string& message) {
  if (closed_) return;
  // By number is by index.
  const auto left = std::exchange(frames_, {});
  for (const auto& [number, entry] : left) SettleAs(entry, Failed{entry->info, code, message});
  controls_.clear();
  unanswered_.clear();
  closed_ = true;
}

void Ledger::Enter(const EntryPtr& entry) {
  ++entered_;
  if (ordered_) in_order_.push_back(entry);
}

void Ledger::SettleAs(const EntryPtr& entry, Outcome outcome) {
  entry->message = nullptr;
  if (!ordered_) {
    ready_.push_back(std::move(outcome));
    return;
  }
  entry->outcome = std::move(outcome);
  for (; !in_order_.empty() && in_order_.front()->outcome; in_order_.pop_front()) {
    ready_.push_back(std::move(*in_order_.front()->outcome));
  }
}

}  // namespace loupegrpc
