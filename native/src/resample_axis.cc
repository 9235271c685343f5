#include "resample_axis.h"

#include <algorithm>
#include <cmath>

namespace loupe {
namespace {

double Triangle(double x) { return std::max(0.0, 1.0 - std::abs(x)); }

}  // namespace

void ResampleAxis::Configure(int32_t input, int32_t output) {
  if (input == input_ && output == output_) return;

  // Pillow's precompute_coeffs: the triangle is as wide as the reduction, never narrower than one input.
  const double scale = static_cast<double>(input) / output;
  const double support = std::max(scale, 1.0);
  const int32_t padded = PadToLanes(output);

  input_ = 0;  // until all is in place, should an allocation fail
  first_.assign(static_cast<size_t>(padded), 0);
  count_.assign(static_cast<size_t>(padded), 0);
  int32_t taps = 0;
  for (int32_t i = 0; i < output; ++i) {
    const double center = (i + 0.5) * scale;
    const auto at = static_cast<size_t>(i);
    // NOLINTBEGIN(bugprone-incorrect-roundings): as Pillow rounds.
    first_[at] = std::max(static_cast<int32_t>(center - support + 0.5), 0);
    count_[at] = std::min(static_cast<int32_t>(center + support + 0.5), input) - first_[at];
    // NOLINTEND(bugprone-incorrect-roundings)
    taps = std::max(taps, count_[at]);
  }

  by_tap_.assign(static_cast<size_t>(padded) * static_cast<size_t>((taps + 3) / 4 * 4), 0);
  by_output_.assign(static_cast<size_t>(output) * static_cast<size_t>(taps), 0);
  exact_.resize(static_cast<size_t>(taps));
  for (int32_t i = 0; i < output; ++i) {
    const double center = (i + 0.5) * scale;
    const int32_t count = count_[static_cast<size_t>(i)];
    double sum = 0;
    for (int32_t k = 0; k < count; ++k) {
      const double weight = Triangle((k + first_[static_cast<size_t>(i)] - center + 0.5) * (1.0 / support));
      exact_[static_cast<size_t>(k)] = weight;
      sum += weight;
    }
    for (int32_t k = 0; k < count; ++k) {
      // NOLINTNEXTLINE(bugprone-incorrect-roundings): as Pillow rounds.
      const auto fixed = static_cast<int32_t>(0.5 + exact_[static_cast<size_t>(k)] / sum * (1 << kWeightBits));
      by_output_[static_cast<size_t>(i) * static_cast<size_t>(taps) + static_cast<size_t>(k)] = fixed;
      by_tap_[static_cast<size_t>(k) * static_cast<size_t>(padded) + static_cast<size_t>(i)] = fixed;
    }
  }

  std::fill(first_.begin() + output, first_.end(), first_[static_cast<size_t>(output) - 1]);

  taps_ = taps;
  output_ = output;
  SplitWeights();
  input_ = input;
}

void ResampleAxis::SplitWeights() {
  const auto padded = static_cast<size_t>(padded_output());
  const auto count = static_cast<size_t>(groups());
  digits_.assign(padded * count * 12, 0);
  positions_.assign(padded * 4, 0);
  halves_.assign(padded * static_cast<size_t>(chunks()) * 2 * kChunk, 0);
  reach_ = 0;
  for (size_t i = 0; i < padded; ++i) {
    const size_t block = i / kBlock;
    const size_t lane = i % kBlock;
    const int32_t offset = first_[i] - first_[block * kBlock];
    reach_ = std::max(reach_, offset + 4 * groups());
    for (size_t tap = 0; tap < 4 * count; ++tap) {
      // From the lowest digit: each is what is left to the nearest multiple of the base.
      int32_t rest = by_tap_[tap * padded + i];
      int8_t* const group = digits_.data() + (block * count + tap / 4) * 3 * kBlock * 4;
      for (size_t digit = 3; digit-- > 0;) {
        const auto value = static_cast<int8_t>(rest & 0xFF);
        group[(digit * kBlock + lane) * 4 + tap % 4] = value;
        rest = (rest - value) / 256;
      }
    }
    for (size_t tap = 0; tap < 4 * count; ++tap) {
      const int32_t weight = by_tap_[tap * padded + i];
      const size_t chunk = i / 2 * static_cast<size_t>(chunks()) + tap / kChunk;
      int16_t* const high = halves_.data() + (chunk * 4 + i % 2) * kChunk + tap % kChunk;
      high[0] = static_cast<int16_t>(weight >> kHalfBits);
      high[2 * kChunk] = static_cast<int16_t>(weight & ((1 << kHalfBits) - 1));
    }
    for (size_t tap = 0; tap < 4; ++tap) {
      positions_[i * 4 + tap] = static_cast<uint8_t>(static_cast<size_t>(offset) + tap);
    }
  }
}

}  // namespace loupe
