#ifndef LOUPEGRPC_SESSION_H_
#define LOUPEGRPC_SESSION_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "loupegrpc/errors.h"
#include "loupegrpc/frames.h"
#include "loupegrpc/options.h"
#include "loupegrpc/outcomes.h"
#include "loupegrpc/patience.h"

namespace loupegrpc {

struct ModelInfo {
  std::string name, version;
  /// Of its weights.
  std::string hash;
  /// Made for trying things out; its answers mean nothing.
  bool demonstration = false;
};

/// What a server takes; each 0 is not said.
struct Limits {
  std::uint64_t max_message_bytes = 0, max_frame_bytes = 0, max_pixels = 0, max_response_bytes = 0,
                max_adaptation_bytes = 0;
  std::uint32_t max_side = 0, credits = 0, max_sessions = 0, max_tiles = 0;
};

/// What was asked for and is not there, and why.
struct Unavailable {
  std::string feature, reason;
};

/// What a session was given at its opening.
struct Grant {
  std::string session_id;
  /// Bytes. Whoever has it can take over the session.
  std::string resume_token;
  Limits limits;
  ModelInfo model;
  /// What runs it: the provider, `CPU`.
  std::string provider;
  std::vector<Unavailable> unavailable;
  float low = 0, high = 0;
  DeliveryMode delivery = DeliveryMode::kUnspecified;
  Masks masks;
  /// As the server took it, in sessions whose frames are judged over time.
  std::optional<OverTime> over_time;
  /// In sessions that adapt.
  std::optional<AdaptationState> adaptation;
  /// How long the server keeps a session whose connection broke.
  std::chrono::nanoseconds resume_window{0};
  /// As it came.
  std::shared_ptr<const loupe::v1::SessionGrant> message;
};

/// A control was carried out.
struct Reply {
  /// The thresholds that hold.
  float low = 0, high = 0;
  /// In sessions that adapt.
  std::optional<AdaptationState> adaptation;
  /// Of SnapshotAdaptation: bytes for SessionOptions::adaptation_snapshot.
  std::string snapshot;
  /// As it came.
  std::shared_ptr<const loupe::v1::ControlReply> message;
};

/// Frames in a row of which none was authentic alone: one manipulated part of the stream.
struct ManipulatedSegment {
  std::uint64_t first_sequence = 0, last_sequence = 0, frames = 0;
  float peak_score = 0;
};

/// A frame of a segment.
struct TemporalFrame {
  std::uint64_t sequence = 0;
  /// Its capture time, where it was given.
  std::optional<std::chrono::system_clock::time_point> time;
  float score = 0;
};

/// A stretch of a session that is manipulated by its verdicts over time. It begins and ends with a frame that is manipulated by itself.
struct TemporalSegment {
  std::uint64_t first_sequence = 0, last_sequence = 0;
  /// Capture times of these, where they were given.
  std::optional<std::chrono::system_clock::time_point> start, end;
  /// The frame with the highest score.
  TemporalFrame peak;
  /// At most 4 frames that a person should look at, the peak among them, in order.
  std::vector<TemporalFrame> evidence;
  /// Frames in it: judged, those of them that are manipulated by themselves, and the others, which were not judged.
  std::uint64_t results = 0, manipulated = 0, missing = 0;
  /// From 0.
  std::uint64_t scene = 0;
};

/// The server's account of a session that was completed.
struct Summary {
  std::uint64_t frames = 0, results = 0, dropped = 0, expired = 0, failed = 0;
  /// How often each reason of a drop or failure was given.
  std::map<std::string, std::uint64_t> reasons;
  std::map<Verdict, std::uint64_t> verdicts;
  std::vector<ManipulatedSegment> timeline;
  /// In order, in sessions with SessionOptions::over_time; the last one may still have gone on.
  std::vector<TemporalSegment> segments;
  /// Some are left out.
  bool segments_truncated = false;
  /// Scenes that were seen; 0 where frames were not judged over time.
  std::uint64_t scenes = 0;
  /// In sessions that adapted.
  std::optional<AdaptationState> adaptation;
  /// The account, signed: one line of JSON. Empty where it was not asked for.
  std::string receipt;
  /// As it came.
  std::shared_ptr<const loupe::v1::SessionSummary> message;
};

/// Takes frames and gives one outcome for each. Sending, controlling and receiving are independent of each other: any thread may do any.
///
/// When the connection breaks the session goes on with another one. Where that cannot be, every frame in flight gets FailureCode::kConnectionLost,
/// Receive gives nothing behind them, and Send and Complete throw ConnectionLostError. The session outlives the client that opened it.
class Session {
 public:
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  /// Closes.
  ~Session();

  const Grant& grant() const;

  /// Why the session ended before it was completed. Null while it runs and after a regular end.
  std::shared_ptr<const Error> fault() const;

  /// Sends a frame once there is room: at most the granted credits of frames are without an outcome taken by Receive, so call that in another thread.
  /// Gives the frame's index. From then on the frame has exactly one outcome; where this throws, it has none. The frame's bytes are the caller's again.
  /// std::system_error: its file cannot be read.
  std::size_t Send(const Frame& frame, const Patience& patience = {});

  /// The next outcome, in the order of sending unless the session is unordered. Nothing after the last one, when the session was completed, broke or
  /// was closed. After a TimeoutError the outcome is there for a later call.
  std::optional<Outcome> Receive(const Patience& patience = {});

  /// What happened to the session by itself, on the server and on the way to it. Nothing after the session's end. Nobody has to ask: the 256 latest
  /// are kept.
  std::optional<Event> NextEvent(const Patience& patience = {});

  /// Says that no more frames come and waits for the server's account. Outcomes can still be received afterwards. ConnectionLostError where the
  /// session broke before.
  Summary Complete(const Patience& patience = {});

  /// Ends the session at once when it was not completed: frames in flight get FailureCode::kCanceled. One that can be resumed and has frames in flight
  /// is left to the server, which keeps it for its resume window; one without is completed.
  void Close() noexcept;

  // Controls. RequestError: the server did not carry it out.

  /// From the next frame on. The reply says which hold.
  Reply SetThresholds(const Thresholds& thresholds, const Patience& patience = {});
  /// From the next frame on.
  Reply SetMasks(const Masks& masks, const Patience& patience = {});
  /// Waits until every frame sent before it has its outcome.
  Reply Flush(const Patience& patience = {});
  /// Starts adapting, or changes how, from the next frame on; parameters stay as they are.
  Reply SetAdaptation(const Adaptation& adaptation, const Patience& patience = {});
  /// Stops adapting; the parameters stay.
  Reply FreezeAdaptation(const Patience& patience = {});
  /// Goes on adapting after a freeze.
  Reply ResumeAdaptation(const Patience& patience = {});
  /// Back to the base parameters, step 0.
  Reply ResetAdaptation(const Patience& patience = {});
  /// Back to the last snapshot.
  Reply RollbackAdaptation(const Patience& patience = {});
  /// Back to the state after so many optimiser steps, if the server still has it.
  Reply RollbackAdaptationTo(std::uint64_t step, const Patience& patience = {});
  /// Asks for the state that the frames sent before leave: Reply::snapshot.
  Reply SnapshotAdaptation(const Patience& patience = {});

 private:
  friend class Client;
  class Impl;
  explicit Session(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace loupegrpc

#endif  // LOUPEGRPC_SESSION_H_
