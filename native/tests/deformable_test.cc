#include <hwy/highway.h>
#include <hwy/tests/hwy_gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "deformable_kernels.h"
#include "reference.h"
#include "test_data.h"

namespace loupe {
namespace {

DeformableShape ShapeOf(const std::array<int32_t, 3>& sides, int32_t heads, int32_t depth) {
  DeformableShape shape = {};
  for (size_t level = 0; level < 3; ++level) {
    shape.sides[level] = sides[level];
    shape.starts[level] = shape.cells;
    shape.cells += sides[level] * sides[level];
  }
  shape.heads = heads;
  shape.depth = depth;
  return shape;
}

struct Tensors {
  Tensors(const DeformableShape& shape, int64_t pictures, float reach, uint32_t seed)
      : queries(pictures * shape.cells),
        values(RandomFloats(static_cast<size_t>(queries * shape.width()), 1.0f, seed)),
        logits(RandomFloats(static_cast<size_t>(queries * shape.columns()), 2.0f, seed + 1)),
        offsets(RandomFloats(static_cast<size_t>(2 * queries * shape.columns()), reach, seed + 2)),
        result(values.size(), std::numeric_limits<float>::quiet_NaN()) {}

  void Sample(const DeformableShape& shape, int64_t from, int64_t to) {
    SampleDeformable(shape, values.data(), logits.data(), offsets.data(), from, to, result.data());
  }

  int64_t queries;
  std::vector<float> values;
  std::vector<float> logits;
  std::vector<float> offsets;
  std::vector<float> result;
};

class DeformableTest : public hwy::TestWithParamTarget {};

HWY_TARGET_INSTANTIATE_TEST_SUITE_P(DeformableTest);

TEST_P(DeformableTest, ResultsAreTheReference) {
  struct Case {
    std::array<int32_t, 3> sides;
    int32_t heads, depth;
    float reach;
    int64_t pictures;
  };
  // Depths that fill vectors, that do not, and that are less than one; points far outside; maps of odd sides.
  const Case cases[] = {
      {{2, 4, 8}, 4, 16, 2.0f, 1},  {{2, 5, 10}, 2, 32, 3.0f, 2}, {{3, 6, 12}, 3, 7, 1.0f, 1},
      {{4, 8, 16}, 1, 1, 20.0f, 1}, {{2, 2, 2}, 8, 48, 0.5f, 3},  {{7, 14, 28}, 2, 20, 4.0f, 1},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::to_string(c.heads) + " heads of " + std::to_string(c.depth) + ", sides from " +
                 std::to_string(c.sides[0]));
    const DeformableShape shape = ShapeOf(c.sides, c.heads, c.depth);
    ASSERT_EQ(nullptr, DeformableShapeError(shape));
    Tensors tensors(shape, c.pictures, c.reach, 7);
    const auto expected = reference::Deformable(tensors.values, tensors.logits, tensors.offsets,
                                                {c.sides.begin(), c.sides.end()}, kDeformablePoints, c.heads, c.depth);
    tensors.Sample(shape, 0, tensors.queries);
    for (size_t i = 0; i < expected.size(); ++i) {
      // Coordinates are rounded to single precision, and a point moves by as much as the map is large.
      ASSERT_NEAR(expected[i], static_cast<double>(tensors.result[i]), 2e-5) << i;
    }
  }
}

TEST_P(DeformableTest, PartsAreTheWholeBitByBitAndTouchNothingElse) {
  const DeformableShape shape = ShapeOf({3, 6, 12}, 2, 20);
  Tensors whole(shape, 2, 3.0f, 11);
  Tensors parts(shape, 2, 3.0f, 11);
  whole.Sample(shape, 0, whole.queries);
  for (int64_t from = 0; from < parts.queries; from += 37) {
    const int64_t to = std::min(parts.queries, from + 37);
    parts.Sample(shape, from, to);
    for (auto i = static_cast<size_t>(to * shape.width()); i < parts.result.size(); ++i) {
      ASSERT_TRUE(std::isnan(parts.result[i]));
    }
  }
  EXPECT_EQ(whole.result, parts.result);
}

// The sanitizers see a read outside.
TEST_P(DeformableTest, NumbersThatAreNoneStayInside) {
  const DeformableShape shape = ShapeOf({2, 4, 8}, 2, 16);
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity(), 3e38f, -3e38f, 1e10f, -1e10f}) {
    Tensors tensors(shape, 1, 1.0f, 13);
    for (size_t i = 0; i < tensors.offsets.size(); i += 3) tensors.offsets[i] = value;
    for (size_t i = 0; i < tensors.logits.size(); i += 5) tensors.logits[i] = value;
    tensors.Sample(shape, 0, tensors.queries);
  }
}

TEST(DeformableShapeTest, ShapesThatAreNoneAreRefused) {
  const DeformableShape good = ShapeOf({2, 4, 8}, 2, 16);
  EXPECT_EQ(nullptr, DeformableShapeError(good));
  for (const auto& change : std::vector<void (*)(DeformableShape*)>{
           [](DeformableShape* shape) { shape->sides[0] = 1; }, [](DeformableShape* shape) { shape->sides[2] = 5000; },
           [](DeformableShape* shape) { shape->starts[1] = 5; }, [](DeformableShape* shape) { shape->cells += 1; },
           [](DeformableShape* shape) { shape->heads = 0; }, [](DeformableShape* shape) { shape->depth = 5000; }}) {
    DeformableShape bad = good;
    change(&bad);
    EXPECT_NE(nullptr, DeformableShapeError(bad));
  }
}

}  // namespace
}  // namespace loupe
