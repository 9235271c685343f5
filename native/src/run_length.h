#ifndef LOUPE_NATIVE_SRC_RUN_LENGTH_H_
#define LOUPE_NATIVE_SRC_RUN_LENGTH_H_

#include <cstdint>

#include "loupe_native.h"

namespace loupe {

// Reads compressed counts run by run and throws LOUPE_MALFORMED at the first thing that is wrong.
class RunReader {
 public:
  // `total`: width * height.
  RunReader(loupe_counts counts, int64_t total);

  // The next run, or false after the last one, which is known to complete `total`.
  bool Next(int64_t* run);

  // Whether the run last read is one of ones.
  bool forged() const { return (index_ & 1) == 0; }

 private:
  const uint8_t* const begin_;
  const uint8_t* next_;
  const uint8_t* const end_;
  int64_t left_;
  int64_t index_ = 0;         // runs read so far
  int64_t previous_[2] = {};  // the last run and the one before it
};

// Characters of compressed counts: five bits from the first character on, and a bit that says that more follow.
inline constexpr int kGroupBits = 5;
inline constexpr uint8_t kFirstCharacter = 48;
inline constexpr uint8_t kMoreFollows = 0x20;
inline constexpr uint8_t kGroupMask = 0x1F;

// Writes compressed counts from the positions at which the value changes. Beyond the capacity it only counts, so that
// one pass tells the size that would do. All but long runs is inline, and a writer's address never leaves its caller:
// its state then lives in registers, where a store of a byte would otherwise have it read again from memory.
class RunWriter {
 public:
  RunWriter(uint8_t* destination, int64_t capacity) : destination_(destination), capacity_(capacity) {}

  // A change of value at `position` (column-major); positions ascend. The first value is 0.
  void Change(int64_t position) {
    Append(position - last_);
    last_ = position;
  }

  // Appends the last run, up to `total`, and returns the size in bytes.
  int64_t Finish(int64_t total) {
    Change(total);
    return size_;
  }

 private:
  // Whether `characters` hold the value with its sign.
  static bool Fits(int64_t value, int characters) {
    const uint64_t half = uint64_t{1} << (kGroupBits * characters - 1);
    return static_cast<uint64_t>(value) + half < 2 * half;
  }

  void Append(int64_t run) {
    const int64_t value = run - before_previous_;
    before_previous_ = previous_;
    previous_ = started_ ? run : 0;  // the first run is never subtracted
    started_ = true;

    if (Fits(value, 2) && capacity_ - size_ >= 2) {
      // Both characters, of which the next run overwrites the second where one was enough: busy masks mix the two
      // at random, and a branch between them would be mispredicted every other time.
      const int more = Fits(value, 1) ? 0 : 1;
      const auto groups = static_cast<int>(value);
      uint8_t* const to = destination_ + size_;
      to[0] = static_cast<uint8_t>((groups & kGroupMask) + kFirstCharacter + more * kMoreFollows);
      to[1] = static_cast<uint8_t>(((groups >> kGroupBits) & kGroupMask) + kFirstCharacter);
      size_ += 1 + more;
    } else {
      size_ = AppendGroups(destination_, capacity_, size_, value);
    }
  }

  // Returns the size after it.
  static int64_t AppendGroups(uint8_t* destination, int64_t capacity, int64_t size, int64_t value);

  uint8_t* const destination_;
  const int64_t capacity_;
  int64_t size_ = 0;
  int64_t last_ = 0;
  int64_t previous_ = 0;
  int64_t before_previous_ = 0;
  bool started_ = false;
};

// All throw Failure for a size that is not accepted; `MaskPixels` returns width * height.
int64_t MaskPixels(int32_t width, int32_t height);

int64_t EncodeMask(const uint8_t* mask, int64_t stride, int32_t width, int32_t height, uint8_t* destination,
                   int64_t capacity);
void DecodeMask(loupe_counts counts, int32_t width, int32_t height, uint8_t* mask, int64_t stride);
int64_t MaskArea(loupe_counts counts, int32_t width, int32_t height);
void MaskBoundingBox(loupe_counts counts, int32_t width, int32_t height, int32_t box[4]);
int64_t MergeMasks(loupe_counts first, loupe_counts second, int32_t width, int32_t height, bool intersection,
                   uint8_t* destination, int64_t capacity);
double MaskIou(loupe_counts first, loupe_counts second, int32_t width, int32_t height);

}  // namespace loupe

#endif  // LOUPE_NATIVE_SRC_RUN_LENGTH_H_
