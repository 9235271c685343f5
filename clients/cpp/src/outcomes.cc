#include "loupegrpc/outcomes.h"

#include <cstdio>

namespace loupegrpc {

namespace {

std::string Seconds(std::chrono::nanoseconds duration) {
  char text[48];
  std::snprintf(text, sizeof text, "%.3f s", std::chrono::duration<double>(duration).count());
  return text;
}

struct OutcomeText {
  std::string operator()(const Result& result) const {
    char score[32];
    std::snprintf(score, sizeof score, " %.3f", static_cast<double>(result.analysis.score));
    return Name(result.analysis.verdict) + score;
  }
  std::string operator()(const Dropped& dropped) const {
    return "dropped: " + Name(dropped.reason) + ", after " + Seconds(dropped.age);
  }
  std::string operator()(const Expired& expired) const {
    return "expired: after " + Seconds(expired.age) + " of " + Seconds(expired.deadline);
  }
  std::string operator()(const Failed& failed) const { return Name(failed.code) + ", " + failed.message; }
};

struct EventText {
  std::string operator()(const ServerEvent& event) const { return event.text; }
  std::string operator()(const Disconnected& event) const { return "disconnected: " + event.reason; }
  std::string operator()(const Resumed& event) const { return "resumed after " + Seconds(event.outage); }
};

}  // namespace

const FrameInfo& FrameOf(const Outcome& outcome) {
  return std::visit([](const auto& kind) -> const FrameInfo& { return kind.frame; }, outcome);
}

std::string ToString(const Outcome& outcome) { return std::visit(OutcomeText(), outcome); }

std::string ToString(const Event& event) { return std::visit(EventText(), event); }

}  // namespace loupegrpc
