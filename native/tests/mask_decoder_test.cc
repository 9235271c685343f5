#include <hwy/highway.h>
#include <hwy/tests/hwy_gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "loupe_native.h"
#include "reference.h"
#include "test_data.h"

namespace loupe {
namespace {

constexpr float kThreshold = 0.5f;

class Handle {
 public:
  explicit Handle(int32_t decode_size) {
    EXPECT_EQ(LOUPE_OK, loupe_mask_decoder_create(decode_size, &value_)) << loupe_last_error();
  }
  ~Handle() { loupe_mask_decoder_destroy(value_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  operator loupe_mask_decoder*() { return value_; }

 private:
  loupe_mask_decoder* value_ = nullptr;
};

struct Case {
  int32_t queries, grid_width, grid_height, decode_size, width, height;
};

constexpr Case kCases[] = {
    {1, 1, 1, 1, 1, 1},      {3, 7, 5, 24, 1, 1},      {5, 16, 16, 64, 33, 31},    {2, 9, 13, 65, 130, 7},
    {7, 32, 32, 63, 17, 65}, {20, 24, 24, 96, 64, 64}, {1, 96, 96, 24, 129, 2},    {4, 3, 50, 33, 900, 30},
    {6, 8, 8, 384, 301, 1},  {3, 11, 4, 17, 3, 700},   {20, 28, 28, 384, 97, 131},
};

class MaskDecoderTest : public hwy::TestWithParamTarget {};

HWY_TARGET_INSTANTIATE_TEST_SUITE_P(MaskDecoderTest);

TEST_P(MaskDecoderTest, SoftMapsAndMasksAreTheReference) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(std::to_string(c.queries) + " queries of " + std::to_string(c.grid_width) + "x" +
                 std::to_string(c.grid_height) + " by " + std::to_string(c.decode_size) + " to " +
                 std::to_string(c.width) + "x" + std::to_string(c.height));
    const auto mask_logits = RandomFloats(static_cast<size_t>(c.queries) * c.grid_width * c.grid_height, 6.0f, 1);
    // Few queries are forgeries, as in life: the soft map lies around 1.
    auto class_logits = RandomFloats(static_cast<size_t>(c.queries) * 2, 2.0f, 2);
    for (size_t query = 2; query < static_cast<size_t>(c.queries); ++query) class_logits[2 * query + 1] += 6.0f;
    const auto expected = reference::SoftMap(mask_logits, class_logits, c.queries, c.grid_width, c.grid_height,
                                             c.decode_size, c.width, c.height);

    const int64_t gap = 5;
    std::vector<uint8_t> mask(static_cast<size_t>((c.width + gap) * (c.height - 1) + c.width), 9);
    std::vector<float> soft(mask.size(), -1.0f);
    loupe_mask_request request{
        sizeof(request),    c.queries,           c.grid_width, c.grid_height, c.width,     c.height,     kThreshold, 0,
        mask_logits.data(), class_logits.data(), mask.data(),  c.width + gap, soft.data(), c.width + gap};
    Handle decoder(c.decode_size);
    int64_t area = -1;
    ASSERT_EQ(LOUPE_OK, loupe_mask_decode(decoder, &request, &area)) << loupe_last_error();

    int64_t ones = 0;
    for (int32_t y = 0; y < c.height; ++y) {
      for (int32_t x = 0; x < c.width; ++x) {
        const auto at = static_cast<size_t>(y * (c.width + gap) + x);
        const float wanted = expected[static_cast<size_t>(int64_t{y} * c.width + x)];
        ASSERT_NEAR(wanted, soft[at], 1e-6f) << x << ", " << y;
        ASSERT_EQ(soft[at] > kThreshold ? 1 : 0, mask[at]) << x << ", " << y;
        ones += mask[at];
      }
      if (y + 1 == c.height) break;
      for (int64_t i = 0; i < gap; ++i) {
        const auto at = static_cast<size_t>(y * (c.width + gap) + c.width + i);
        ASSERT_EQ(9, mask[at]) << "the gap after row " << y;
        ASSERT_EQ(-1.0f, soft[at]) << "the gap after row " << y;
      }
    }
    EXPECT_EQ(ones, area);

    std::vector<uint8_t> alone(mask.size(), 9);
    request.mask = alone.data();
    request.soft = nullptr;
    request.soft_stride_elements = 0;
    ASSERT_EQ(LOUPE_OK, loupe_mask_decode(decoder, &request, &area)) << loupe_last_error();
    EXPECT_EQ(mask, alone);
    EXPECT_EQ(ones, area);
  }
}

// Masks as they mostly are: nothing nearly everywhere, so that most of the picture is never computed.
TEST_P(MaskDecoderTest, WhatIsLeftOutChangesNoPixelAndNoSoftValueWithinTheMask) {
  std::mt19937 random(5);
  for (const Case& c : kCases) {
    Handle decoder(c.decode_size);
    for (int round = 0; round < 6; ++round) {
      SCOPED_TRACE(std::to_string(c.width) + "x" + std::to_string(c.height) + ", round " + std::to_string(round));
      const size_t cells = static_cast<size_t>(c.grid_width) * c.grid_height;
      std::vector<float> mask_logits(static_cast<size_t>(c.queries) * cells, -9.0f);
      // None in the first round; then single cells, and blocks that may lie at an edge.
      for (int blob = 0; blob < round; ++blob) {
        const auto left = static_cast<int32_t>(random() % static_cast<unsigned>(c.grid_width));
        const auto top = static_cast<int32_t>(random() % static_cast<unsigned>(c.grid_height));
        const int32_t size = 1 + static_cast<int32_t>(random() % 4);
        const size_t query = random() % static_cast<unsigned>(c.queries);
        const float peak = static_cast<float>(static_cast<int32_t>(random() % 9)) - 2.0f;
        for (int32_t y = top; y < std::min(top + size, c.grid_height); ++y) {
          for (int32_t x = left; x < std::min(left + size, c.grid_width); ++x) {
            mask_logits[query * cells + static_cast<size_t>(y) * c.grid_width + x] = peak;
          }
        }
      }
      const std::vector<float> class_logits(static_cast<size_t>(c.queries) * 2, 1.0f);
      const auto pixels = static_cast<size_t>(c.width) * c.height;
      std::vector<uint8_t> mask(pixels, 9), within(pixels, 9), alone(pixels, 9);
      std::vector<float> soft(pixels), soft_within(pixels);
      loupe_mask_request request{
          sizeof(request),    c.queries,           c.grid_width, c.grid_height, c.width,     c.height, kThreshold, 0,
          mask_logits.data(), class_logits.data(), mask.data(),  c.width,       soft.data(), c.width};
      int64_t area = -1, area_within = -1, area_alone = -1;
      ASSERT_EQ(LOUPE_OK, loupe_mask_decode(decoder, &request, &area));
      request.soft_extent = LOUPE_SOFT_WITHIN_MASK;
      request.mask = within.data();
      request.soft = soft_within.data();
      ASSERT_EQ(LOUPE_OK, loupe_mask_decode(decoder, &request, &area_within));
      request.mask = alone.data();
      request.soft = nullptr;
      ASSERT_EQ(LOUPE_OK, loupe_mask_decode(decoder, &request, &area_alone));

      EXPECT_EQ(area, area_within);
      EXPECT_EQ(area, area_alone);
      ASSERT_EQ(mask, within);
      ASSERT_EQ(mask, alone);
      for (size_t i = 0; i < pixels; ++i) {
        if (mask[i] == 0) continue;
        ASSERT_EQ(soft[i], soft_within[i]) << i;
      }
    }
  }
}

// A threshold that nothing is below.
TEST_P(MaskDecoderTest, AThresholdBelowZeroIsEverywhereExceeded) {
  const std::vector<float> mask_logits(16, -80.0f), class_logits(2);
  Handle decoder(16);
  for (const float threshold : {-1.0f, -1e-20f}) {
    std::vector<uint8_t> mask(400);
    const loupe_mask_request request{
        sizeof(request),     1,           4,  4,       20, 20, threshold, 0, mask_logits.data(),
        class_logits.data(), mask.data(), 20, nullptr, 0};
    int64_t area = 0;
    ASSERT_EQ(LOUPE_OK, loupe_mask_decode(decoder, &request, &area));
    EXPECT_EQ(400, area);
  }
}

TEST_P(MaskDecoderTest, ExtremeLogitsSaturate) {
  const float largest = std::numeric_limits<float>::max();
  const std::vector<float> mask_logits = {largest, -largest, 200.0f, -200.0f, 89.0f, -89.0f, 0.0f, -0.0f};
  const std::vector<float> class_logits = {largest, -largest};
  std::vector<uint8_t> mask(8);
  std::vector<float> soft(8);
  const loupe_mask_request request{
      sizeof(request),     1,           8, 1,           8, 1, kThreshold, 0, mask_logits.data(),
      class_logits.data(), mask.data(), 8, soft.data(), 8};
  Handle decoder(8);
  int64_t area = 0;
  ASSERT_EQ(LOUPE_OK, loupe_mask_decode(decoder, &request, &area)) << loupe_last_error();
  const float expected[] = {1, 0, 1, 0, 1, 0, 0.5f, 0.5f};
  for (size_t i = 0; i < 8; ++i) EXPECT_NEAR(expected[i], soft[i], 1e-30) << i;
  EXPECT_EQ(3, area);
}

TEST_P(MaskDecoderTest, ALogitThatIsNotFiniteIsFoundWhereverItStands) {
  const float bad[] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                       -std::numeric_limits<float>::infinity()};
  Handle decoder(8);
  std::vector<uint8_t> mask(4);
  for (size_t at = 0; at < 35; ++at) {
    std::vector<float> mask_logits(35, 1.0f);
    mask_logits[at] = bad[at % 3];
    const std::vector<float> class_logits(2);
    const loupe_mask_request request{
        sizeof(request),     1,           7, 5,       2, 2, kThreshold, 0, mask_logits.data(),
        class_logits.data(), mask.data(), 2, nullptr, 0};
    int64_t area = 0;
    ASSERT_EQ(LOUPE_NOT_FINITE, loupe_mask_decode(decoder, &request, &area)) << at;
  }
}

TEST(MaskRequestTest, WhatDoesNotFitIsRefused) {
  Handle decoder(8);
  const std::vector<float> logits(64);
  std::vector<uint8_t> mask(16);
  std::vector<float> soft(16);
  int64_t area = 0;
  const loupe_mask_request valid{sizeof(valid), 2,           4, 4,           4, 4, kThreshold, 0, logits.data(),
                                 logits.data(), mask.data(), 4, soft.data(), 4};
  ASSERT_EQ(LOUPE_OK, loupe_mask_decode(decoder, &valid, &area));

  const auto refused = [&](auto change) {
    loupe_mask_request request = valid;
    change(request);
    return loupe_mask_decode(decoder, &request, &area) == LOUPE_INVALID_ARGUMENT;
  };
  EXPECT_TRUE(refused([](auto& r) { r.struct_size = 79; }));
  EXPECT_TRUE(refused([](auto& r) { r.queries = 0; }));
  EXPECT_TRUE(refused([](auto& r) { r.queries = 4097; }));
  EXPECT_TRUE(refused([](auto& r) { r.grid_width = -1; }));
  EXPECT_TRUE(refused([](auto& r) { r.grid_height = 4097; }));
  EXPECT_TRUE(refused([](auto& r) { r.width = 0; }));
  EXPECT_TRUE(refused([](auto& r) { r.height = LOUPE_MAX_SIDE + 1; }));
  EXPECT_TRUE(refused([](auto& r) { r.threshold = std::numeric_limits<float>::quiet_NaN(); }));
  EXPECT_TRUE(refused([](auto& r) { r.soft_extent = 2; }));
  EXPECT_TRUE(refused([](auto& r) { r.mask_logits = nullptr; }));
  EXPECT_TRUE(refused([](auto& r) { r.class_logits = nullptr; }));
  EXPECT_TRUE(refused([](auto& r) { r.mask = nullptr; }));
  EXPECT_TRUE(refused([](auto& r) { r.mask_stride_bytes = 3; }));
  EXPECT_TRUE(refused([](auto& r) { r.soft_stride_elements = 3; }));
  EXPECT_EQ(LOUPE_INVALID_ARGUMENT, loupe_mask_decode(decoder, nullptr, &area));
  EXPECT_EQ(LOUPE_INVALID_ARGUMENT, loupe_mask_decode(decoder, &valid, nullptr));
  EXPECT_EQ(LOUPE_INVALID_ARGUMENT, loupe_mask_decode(nullptr, &valid, &area));
}

}  // namespace
}  // namespace loupe
