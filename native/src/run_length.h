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

// Writes compressed counts from the positions at which the value changes. Beyond the capacity it only counts, so that
// one pass tells the size that would do.
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
  void Append(int64_t run);

  uint8_t* const destination_;
  const int64_t capacity_;
  int64_t size_ = 0;
  int64_t last_ = 0;
  int64_t index_ = 0;
  int64_t previous_[2] = {};
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
