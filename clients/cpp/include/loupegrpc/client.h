/// The client of a LoupeGrpc server: frames and pictures in, forgery scores and masks out.
///
/// A Client makes sessions; a Session takes frames and answers every one exactly once, in order, and goes on by itself where its connection breaks.
#ifndef LOUPEGRPC_CLIENT_H_
#define LOUPEGRPC_CLIENT_H_

#include <concepts>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <vector>

#include "loupegrpc/session.h"

namespace loupegrpc {

/// What is served, by what, and within which limits.
struct ServerInfo {
  /// Program and version.
  std::string server;
  ModelInfo model;
  std::string provider;
  Limits limits;
  /// Thresholds of who gives none.
  float low = 0, high = 0;
  std::vector<Unavailable> unavailable;
  /// The names of the models that sessions can ask for, the first first.
  std::vector<std::string> models;
  std::uint32_t active_sessions = 0;
  /// As it came.
  std::shared_ptr<const loupe::v1::GetServerInfoResponse> message;
};

/// Gives the next frame, and nothing behind the last one.
using FrameSource = std::function<std::optional<Frame>()>;

/// The connection to one LoupeGrpc server. Safe for use by several threads; meant to live as long as the program.
class Client {
 public:
  /// Connects with its first call. std::invalid_argument where the options make no sense.
  explicit Client(Options options = {});
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  /// A client whose server has answered; waits for it up to Options::connect_timeout. UnavailableError where it did not.
  static Client Connect(Options options = {}, const Patience& patience = {});

  /// The server's, as messages show it.
  const std::string& address() const;

  /// UnavailableError: there is no server.
  loupegrpc::ServerInfo ServerInfo(const Patience& patience = {}) const;

  /// Analyses one picture outside any session. RequestError: the server cannot, and its code says why. UnavailableError: there is no server.
  Analysis AnalyzeImage(const Image& image, const ImageOptions& options = {}, const Patience& patience = {}) const;

  /// Opens a session; tried again up to Options::connect_timeout while the server cannot be reached. RequestError: the server refused it.
  Session OpenSession(const SessionOptions& options = {}, const Patience& patience = {}) const;

  /// Analyses frames in a session of their own: takes as many from `next` as the server lets it, on a thread of its own, calls `each` with every
  /// outcome, in order, and completes the session. Gives the session's account, once everything was handed over.
  ///
  /// ConnectionLostError: the session broke. What `each` throws ends it at once and is thrown on; so does TimeoutError. What `next` throws, and a frame
  /// that cannot be read, ends it behind the outcomes of those before. A call of `next` that runs is waited for.
  Summary Analyze(const FrameSource& next, const SessionOptions& options,
                  const std::function<void(const Outcome&)>& each, const Patience& patience = {}) const;

  /// The frames of a range, which is read by another thread.
  template <std::ranges::input_range Range>
  requires std::convertible_to<std::ranges::range_reference_t<Range>, Frame> Summary
  Analyze(Range&& frames, const SessionOptions& options, const std::function<void(const Outcome&)>& each,
          const Patience& patience = {})
  const {
    auto at = std::ranges::begin(frames);
    const auto end = std::ranges::end(frames);
    const FrameSource next = [&]() -> std::optional<Frame> {
      if (at == end) return std::nullopt;
      std::optional<Frame> frame(*at);
      ++at;
      return frame;
    };
    return Analyze(next, options, each, patience);
  }

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace loupegrpc

#endif  // LOUPEGRPC_CLIENT_H_
