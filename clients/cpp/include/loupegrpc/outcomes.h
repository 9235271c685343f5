#ifndef LOUPEGRPC_OUTCOMES_H_
#define LOUPEGRPC_OUTCOMES_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "loupegrpc/errors.h"
#include "loupegrpc/masks.h"

// The contract's own messages, for what is not repeated here: <loupe/v1/result.pb.h> and its neighbours have them.
namespace loupe::v1 {
class ControlReply;
class FrameResult;
class GetServerInfoResponse;
class SessionEvent;
class SessionGrant;
class SessionSummary;
}  // namespace loupe::v1

namespace loupegrpc {

// Enums of the contract, by its numbers. A value that a newer server sends is a number without an enumerator; Name calls it UNSPECIFIED.

enum class Verdict { kUnspecified = 0, kAuthentic = 1, kUncertain = 2, kManipulated = 3 };

enum class DropReason {
  kUnspecified = 0,
  /// A newer frame came.
  kSuperseded = 1,
  /// Older than the staleness budget.
  kStale = 2,
  kSessionEnded = 3,
  kOverQuota = 4,
};

/// Why a result has no mask.
enum class MaskOmission { kUnspecified = 0, kPolicy = 1, kBudget = 2 };

/// Whether mask and verdict say the same.
enum class MaskAgreement { kUnspecified = 0, kAgrees = 1, kDisagrees = 2 };

enum class NoteCode {
  kUnspecified = 0,
  kFirstFrameOnly = 1,
  kBitDepthReduced = 2,
  kAlphaDropped = 3,
  kOrientationNotApplied = 4,
  kScaled = 5,
  kCmykConverted = 6,
  kDamaged = 7,
  kPreviewOnly = 8,
  kSoftware = 9,
};

enum class EventKind {
  kUnspecified = 0,
  kDraining = 1,
  kAdaptationFrozen = 2,
  kAdaptationRolledBack = 3,
  kAdaptationEvicted = 4,
  kProviderChanged = 5,
  kTakenOver = 6,
  kTerminated = 7,
  kStateLost = 8,
};

/// The contract's name of a value without its prefix: `MANIPULATED`.
std::string Name(Verdict value);
std::string Name(DropReason value);
std::string Name(MaskOmission value);
std::string Name(MaskAgreement value);
std::string Name(NoteCode value);
std::string Name(EventKind value);

/// A connected part of a mask.
struct Region {
  Box box;
  /// Pixels.
  std::uint64_t area = 0;
  /// Of the soft mask, 0 to 1.
  float mean = 0;
};

/// What the server did to a picture, or did not.
struct Note {
  NoteCode code = NoteCode::kUnspecified;
  std::string message;
};

/// What was measured, in a sentence.
struct Explanation {
  /// The contract's name of its code without the prefix: `SCORE_MANIPULATED`.
  std::string code;
  std::string text;
  std::map<std::string, double> numbers;
};

/// In which state of a session that adapts a frame was answered.
struct AdaptationState {
  /// Optimiser steps.
  std::uint64_t step = 0;
  /// Of the parameters, bytes.
  std::string hash;
  bool frozen = false;
  /// How far the parameters are from the base.
  float drift = 0;
  float last_loss = 0;
};

/// What the frames of a session up to one of them say together.
struct VerdictOverTime {
  Verdict verdict = Verdict::kUnspecified;
  /// The mean over the window, 0 to 1.
  float score = 0;
  /// In the window.
  std::uint32_t frames = 0;
  /// Whether the frame is one of them: one that is damaged, and whose own verdict is open therefore, is not.
  bool counted = false;
  /// From 0; another one after a scene cut or a gap in time.
  std::uint64_t scene = 0;
  /// The sequence of the segment's first frame, where the verdict is kManipulated.
  std::optional<std::uint64_t> since;
};

/// Which frames' tiles a result is made of, where each frame shows some of them.
struct TileWindow {
  /// Frames whose tiles count, this one among them: 1 where the window begins anew.
  std::uint32_t frames = 0;
  /// The most that it may be.
  std::uint32_t size = 0;
  /// Tiles of this very frame.
  std::uint32_t fresh = 0;
  /// Tiles that the mask is made of; 0 where there is none.
  std::uint32_t masked = 0;
  /// How many of those frames before this one the peak was seen.
  std::uint32_t peak_age = 0;
};

/// How a picture was looked at in tiles.
struct TileReport {
  std::uint32_t analysed = 0, total = 0;
  /// Pixels between the beginnings of two tiles.
  std::uint32_t step = 0;
  bool whole_picture_run = false;
  /// The part of the picture that tiles cover, 0 to 1.
  double coverage = 0;
  /// The tile with the highest score; empty box where there is none.
  float peak_score = 0;
  Box peak;
  /// How tiles of several frames were taken together; nothing: all are of this picture.
  std::optional<TileWindow> window = {};
};

/// What was found in a picture.
struct Analysis {
  /// The probability that the picture was forged, 0 to 1.
  float score = 0;
  Verdict verdict = Verdict::kUnspecified;
  /// The thresholds used.
  float low = 0, high = 0;
  /// Where there is none, `mask_omission` says why.
  std::optional<Mask> mask;
  MaskOmission mask_omission = MaskOmission::kUnspecified;
  MaskAgreement mask_agreement = MaskAgreement::kUnspecified;
  std::vector<Region> regions;
  std::vector<Note> notes;
  /// Pixels of the picture as analysed.
  std::uint32_t width = 0, height = 0;
  /// How viewers turn the picture, in EXIF's numbering; 1 is upright.
  std::uint32_t orientation = 0;
  /// Of the bytes received, hexadecimal.
  std::string sha256;
  /// The state that the frame was answered with, in sessions that adapt.
  std::optional<AdaptationState> adaptation;
  /// The mask without adaptation, in sessions with the dual verdict.
  std::optional<Mask> base_mask;
  /// Nothing where the picture was looked at whole.
  std::optional<TileReport> tiles;
  /// In sessions with SessionOptions::over_time, unless they are unordered.
  std::optional<VerdictOverTime> over_time;
  /// Empty where no language was asked for.
  std::vector<Explanation> explanation;
  /// What was found, signed: one line of JSON. Empty where it was not asked for.
  std::string receipt;
  /// As it came.
  std::shared_ptr<const loupe::v1::FrameResult> message;
};

/// What every outcome says of its frame.
struct FrameInfo {
  std::uint64_t id = 0;
  /// The frame's number within the session, from 0, in the order in which Send took them.
  std::size_t index = 0;
  /// The server's number of it, which events and the summary's timeline name. Nothing for frames that were never sent.
  std::optional<std::uint64_t> sequence;
};

/// The frame was analysed.
struct Result {
  FrameInfo frame;
  Analysis analysis;
};

/// The frame was left out, as the delivery policy asks or because the session ended first.
struct Dropped {
  FrameInfo frame;
  DropReason reason = DropReason::kUnspecified;
  /// Since the server received it.
  std::chrono::nanoseconds age{0};
};

/// The frame's own deadline passed before its outcome was there.
struct Expired {
  FrameInfo frame;
  /// `age` since the server received it.
  std::chrono::nanoseconds age{0}, deadline{0};
};

/// The frame could not be analysed; the session goes on unless the code is kConnectionLost.
struct Failed {
  FrameInfo frame;
  FailureCode code = FailureCode::kInternal;
  std::string message;
};

/// The one terminal outcome of one frame.
using Outcome = std::variant<Result, Dropped, Expired, Failed>;

const FrameInfo& FrameOf(const Outcome& outcome);
/// One line for people: `MANIPULATED 0.912`.
std::string ToString(const Outcome& outcome);

/// Told by the server: draining, a guard that froze adaptation, an evicted state, another provider.
struct ServerEvent {
  EventKind kind = EventKind::kUnspecified;
  std::string text;
  std::shared_ptr<const loupe::v1::SessionEvent> message;
};

/// The connection broke; the session tries to go on with another for so long. Resumed follows, or the session's end.
struct Disconnected {
  std::string reason;
  std::chrono::nanoseconds window{0};
};

/// The session goes on where it was; no frame was lost, none is answered twice.
struct Resumed {
  std::chrono::nanoseconds outage{0};
  std::size_t frames_sent_again = 0;
};

/// What happens to a session by itself.
using Event = std::variant<ServerEvent, Disconnected, Resumed>;

/// One line for people.
std::string ToString(const Event& event);

}  // namespace loupegrpc

#endif  // LOUPEGRPC_OUTCOMES_H_
