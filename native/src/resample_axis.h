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

  // [padded_output]: the first input of an output; that of the last one in the padding. Ascending.
  const int32_t* first() const { return first_.data(); }
  // [padded_output]
  int32_t count(int32_t output) const { return count_[static_cast<size_t>(output)]; }

  // [taps rounded up to 4, padded_output]: weights beyond an output's own, and those of the padding, are 0.
  const int32_t* weights_by_tap() const { return by_tap_.data(); }
  // The same for kernels that take kBlock outputs and four taps at a time, [padded_output / kBlock, groups of four taps,
  // 3, kBlock, 4]: each weight in three signed digits to the base 256, the highest first.
  const int8_t* digits() const { return digits_.data(); }
  int32_t groups() const { return (taps_ + 3) / 4; }
  // [padded_output, 4]: the first four inputs of an output, counted from the first of its block.
  const uint8_t* positions() const { return positions_.data(); }
  // The most inputs, beginning with its first, that a block's outputs reach, whole groups of taps included. Where it is
  // more than kMostReach, positions() do not hold.
  int32_t reach() const { return reach_; }

  // The same for kernels that take kChunk taps of two outputs at a time, [padded_output / 2, chunks, 2, 2, kChunk]: of
  // both outputs the weights over 1 << kHalfBits, then what is left of them.
  const int16_t* halves() const { return halves_.data(); }
  int32_t chunks() const { return (taps_ + kChunk - 1) / kChunk; }

  // [taps] of one output.
  const int32_t* weights_of(int32_t output) const { return by_output_.data() + int64_t{output} * taps_; }

  static constexpr int32_t kBlock = 16;
  static constexpr int32_t kMostReach = 256;
  static constexpr int32_t kChunk = 8;
  static constexpr int kHalfBits = kWeightBits / 2;

 private:
  void SplitWeights();

  int32_t input_ = 0;
  int32_t output_ = 0;
  int32_t taps_ = 0;
  int32_t reach_ = 0;
  std::vector<int32_t> first_;
  std::vector<int32_t> count_;
  std::vector<int32_t> by_tap_;
  std::vector<int32_t> by_output_;
  std::vector<double> exact_;
  std::vector<int8_t> digits_;
  std::vector<uint8_t> positions_;
  std::vector<int16_t> halves_;
};

}  // namespace loupe

#endif  // LOUPE_NATIVE_SRC_RESAMPLE_AXIS_H_
