#include "resample_axis.h"

#include <gtest/gtest.h>

#include <algorithm>
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

TEST(ResampleAxisTest, DigitsAndHalvesMakeUpTheWeightsAndPositionsTheirInputs) {
  ResampleAxis axis;
  for (const int32_t input : {1, 2, 37, 640, 1920, 3000, 65535}) {
    for (const int32_t output : {1, 5, 65, 224, 336}) {
      axis.Configure(input, output);
      int32_t reach = 0;
      for (int32_t i = 0; i < axis.padded_output(); ++i) {
        const int32_t block = i / ResampleAxis::kBlock;
        const int32_t lane = i % ResampleAxis::kBlock;
        const int32_t start = axis.first()[block * ResampleAxis::kBlock];
        ASSERT_LE(start, axis.first()[i]);
        reach = std::max(reach, axis.first()[i] - start + 4 * axis.groups());
        for (int32_t tap = 0; tap < 4 * axis.groups(); ++tap) {
          const int8_t* const group =
              axis.digits() + (int64_t{block} * axis.groups() + tap / 4) * 3 * ResampleAxis::kBlock * 4;
          int32_t weight = 0;
          for (int32_t digit = 0; digit < 3; ++digit) {
            weight = weight * 256 + group[(digit * ResampleAxis::kBlock + lane) * 4 + tap % 4];
          }
          ASSERT_EQ(axis.weights_by_tap()[int64_t{tap} * axis.padded_output() + i], weight);
          const int16_t* const high =
              axis.halves() +
              ((int64_t{i} / 2 * axis.chunks() + tap / ResampleAxis::kChunk) * 4 + i % 2) * ResampleAxis::kChunk +
              tap % ResampleAxis::kChunk;
          ASSERT_EQ(weight, high[0] * (1 << ResampleAxis::kHalfBits) + high[2 * ResampleAxis::kChunk]);
        }
      }
      ASSERT_EQ(reach, axis.reach());
      if (reach > ResampleAxis::kMostReach) continue;
      for (int32_t i = 0; i < axis.padded_output(); ++i) {
        const int32_t start = axis.first()[i / ResampleAxis::kBlock * ResampleAxis::kBlock];
        for (int32_t tap = 0; tap < 4; ++tap) {
          ASSERT_EQ(axis.first()[i] - start + tap, axis.positions()[4 * i + tap]);
        }
      }
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
