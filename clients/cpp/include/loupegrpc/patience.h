#ifndef LOUPEGRPC_PATIENCE_H_
#define LOUPEGRPC_PATIENCE_H_

#include <chrono>
#include <optional>
#include <stop_token>
#include <utility>

namespace loupegrpc {

/// How long a call may wait, from the moment this was made: `session.Send(frame, 5s)`. Default: for ever. TimeoutError and CanceledError say that it
/// is over.
class Patience {
 public:
  Patience() = default;
  template <class Rep, class Period>
  Patience(std::chrono::duration<Rep, Period> timeout)  // NOLINT(google-explicit-constructor)
      : deadline_(After(timeout)) {}
  Patience(std::stop_token stop) : stop_(std::move(stop)) {}  // NOLINT(google-explicit-constructor)
  template <class Rep, class Period>
  Patience(std::chrono::duration<Rep, Period> timeout, std::stop_token stop)
      : deadline_(After(timeout)), stop_(std::move(stop)) {}

  /// As long, and another token.
  Patience WithStop(std::stop_token stop) const {
    Patience patience = *this;
    patience.stop_ = std::move(stop);
    return patience;
  }

  const std::optional<std::chrono::steady_clock::time_point>& deadline() const { return deadline_; }
  const std::stop_token& stop() const { return stop_; }

 private:
  template <class Rep, class Period>
  static std::optional<std::chrono::steady_clock::time_point> After(std::chrono::duration<Rep, Period> timeout) {
    // Longer than a century is for ever; the clock could not hold it.
    constexpr std::chrono::duration<double> kForEver = std::chrono::hours(24 * 366 * 100);
    if (std::chrono::duration<double>(timeout) > kForEver) return std::nullopt;
    return std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(timeout);
  }

  std::optional<std::chrono::steady_clock::time_point> deadline_;
  std::stop_token stop_;
};

}  // namespace loupegrpc

#endif  // LOUPEGRPC_PATIENCE_H_
