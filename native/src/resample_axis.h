#ifndef LOUPE_NATIVE_SRC_RESAMPLE_AXIS_H_
#define LOUPE_NATIVE_SRC_RESAMPLE_AXIS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "lane_padding.h"

namespace loupe {

// Bits after the point of a resize weight, as in Pillow.
inline constexpr int kWeightBits = 22;

// How one side of a picture is resized: which inputs make up each output, and with what weights.
class ResampleAxis {
 public:
  // Cheap where nothing changed since the last call; keeps its storage.
  void Configure(int32_t input, int32_t output);

  // False where the sides are equal: Pillow then skips the pass.
  bool needed() const { return input_ != output_; }

  // The most inputs that an output has.
  int32_t taps() const { return taps_; }
  int32_t padded_output() const { return PadToLanes(output_); }

  // [padded_output]: the first input of an output; 0 in the padding.
  const int32_t* first() const { return first_.data(); }
  // [padded_output]
  int32_t count(int32_t output) const { return count_[static_cast<size_t>(output)]; }

  // [taps rounded up to 4, padded_output]: weights beyond an output's own, and those of the padding, are 0.
  const int32_t* weights_by_tap() const { return by_tap_.data(); }
  // [taps] of one output.
  const int32_t* weights_of(int32_t output) const { return by_output_.data() + int64_t{output} * taps_; }

 private:
  int32_t input_ = 0;
  int32_t output_ = 0;
  int32_t taps_ = 0;
  std::vector<int32_t> first_;
  std::vector<int32_t> count_;
  std::vector<int32_t> by_tap_;
  std::vector<int32_t> by_output_;
  std::vector<double> exact_;
};

}  // namespace loupe

#endif  // LOUPE_NATIVE_SRC_RESAMPLE_AXIS_H_
