#include "bilinear_axis.h"

#include <algorithm>

#include "lane_padding.h"

namespace loupe {

void BilinearAxis::Configure(int32_t input, int32_t output) {
  if (input == input_ && output == output_) return;

  input_ = 0;  // until all is in place, should an allocation fail
  const auto padded = static_cast<size_t>(PadToLanes(output));
  index0_.assign(padded, 0);
  index1_.assign(padded, 0);
  weight0_.assign(padded, 0.0f);
  weight1_.assign(padded, 0.0f);

  const float scale = static_cast<float>(input) / static_cast<float>(output);
  for (int32_t i = 0; i < output; ++i) {
    const float position = std::max(scale * (static_cast<float>(i) + 0.5f) - 0.5f, 0.0f);
    const int32_t lower = std::min(static_cast<int32_t>(position), input - 1);
    const float fraction = std::clamp(position - static_cast<float>(lower), 0.0f, 1.0f);
    const auto at = static_cast<size_t>(i);
    index0_[at] = lower;
    index1_[at] = std::min(lower + 1, input - 1);
    weight0_[at] = 1.0f - fraction;
    weight1_[at] = fraction;
  }

  // Ascending to the end.
  const auto last = static_cast<size_t>(output) - 1;
  std::fill(index0_.begin() + output, index0_.end(), index0_[last]);
  std::fill(index1_.begin() + output, index1_.end(), index1_[last]);

  output_ = output;
  input_ = input;
}

}  // namespace loupe
