#include "resample_axis.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>

namespace loupe {
namespace {

TEST(ResampleAxisTest, WeightsOfAnOutputAddUpToOneAndStayWithinTheInput) {
  ResampleAxis axis;
  for (const int32_t input : {1, 2, 3, 37, 336, 1920, 65535}) {
    for (const int32_t output : {1, 2, 112, 336}) {
      axis.Configure(input, output);
      for (int32_t i = 0; i < output; ++i) {
        const int32_t count = axis.count(i);
        ASSERT_GE(count, 1);
        ASSERT_LE(count, axis.taps());
        ASSERT_GE(axis.first()[i], 0);
        ASSERT_LE(axis.first()[i] + count, input);
        const int32_t* const weights = axis.weights_of(i);
        const int64_t sum = std::accumulate(weights, weights + count, int64_t{0});
        ASSERT_NEAR(static_cast<double>(sum), 1 << kWeightBits, 0.5 * count + 1);
        for (int32_t tap = 0; tap < count; ++tap) {
          ASSERT_EQ(weights[tap], axis.weights_by_tap()[int64_t{tap} * axis.padded_output() + i]);
        }
      }
    }
  }
}

TEST(ResampleAxisTest, PaddingHasNoWeight) {
  ResampleAxis axis;
  axis.Configure(1000, 70);
  axis.Configure(50, 65);
  for (int32_t tap = 0; tap < (axis.taps() + 3) / 4 * 4; ++tap) {
    for (int32_t i = 0; i < axis.padded_output(); ++i) {
      if (i < 65 && tap < axis.count(i)) continue;
      ASSERT_EQ(0, axis.weights_by_tap()[int64_t{tap} * axis.padded_output() + i]);
    }
  }
}

TEST(ResampleAxisTest, NothingToDoWhereTheSidesAreEqual) {
  ResampleAxis axis;
  axis.Configure(64, 64);
  EXPECT_FALSE(axis.needed());
  axis.Configure(65, 64);
  EXPECT_TRUE(axis.needed());
}

}  // namespace
}  // namespace loupe
