#include "deformable_kernels.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "deformable_kernels.cc"
// clang-format off
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace loupe {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// A head's points, filled up to whole vectors.
constexpr int32_t kPoints = kDeformableLevels * kDeformablePoints;
constexpr int32_t kPaddedPoints = 16;

using Floats = hn::CappedTag<float, kPaddedPoints>;
using Words = hn::Rebind<int32_t, Floats>;

// What is the same for every query of a map, by point.
struct Constants {
  alignas(64) float x[kPaddedPoints];  // where a point without offset lies
  alignas(64) float y[kPaddedPoints];
  alignas(64) float last[kPaddedPoints];  // the last cell that has one beside it
  alignas(64) int32_t side[kPaddedPoints];
  alignas(64) int32_t start[kPaddedPoints];
};

// A head's points: the upper left of the four cells around each, and the weight of each of the four.
struct Samples {
  alignas(64) int32_t cell[kPaddedPoints];
  alignas(64) float weight[4][kPaddedPoints];
};

// Loads the points of a head; what fills up is `rest`.
HWY_INLINE void LoadPoints(const float* from, float rest, float* to) {
  std::memcpy(to, from, kPoints * sizeof(float));
  std::fill(to + kPoints, to + kPaddedPoints, rest);
}

template <class V>
HWY_INLINE V Tent(V distance) {
  constexpr Floats d;
  return hn::Max(hn::Sub(hn::Set(d, 1.0f), hn::Abs(distance)), hn::Zero(d));
}

void Locate(const Constants& constants, const float* logits, const float* x_offsets, const float* y_offsets,
            Samples* samples) {
  constexpr Floats d;
  constexpr Words di;
  const auto step = static_cast<int32_t>(hn::Lanes(d));
  alignas(64) float attention[kPaddedPoints];
  alignas(64) float dx[kPaddedPoints];
  alignas(64) float dy[kPaddedPoints];
  // The exponential of what fills up is zero.
  LoadPoints(logits, -1e30f, attention);
  LoadPoints(x_offsets, 0.0f, dx);
  LoadPoints(y_offsets, 0.0f, dy);

  const auto one = hn::Set(d, 1.0f);
  auto most = hn::Load(d, attention);
  for (int32_t i = step; i < kPaddedPoints; i += step) most = hn::Max(most, hn::Load(d, attention + i));
  most = hn::MaxOfLanes(d, most);
  auto sum = hn::Zero(d);
  for (int32_t i = 0; i < kPaddedPoints; i += step) {
    const auto power = hn::Exp(d, hn::Max(hn::Sub(hn::Load(d, attention + i), most), hn::Set(d, -104.0f)));
    const auto exponential = hn::IfThenElseZero(hn::Lt(hn::Iota(d, static_cast<float>(i)), hn::Set(d, kPoints)), power);
    hn::Store(exponential, d, attention + i);
    sum = hn::Add(sum, exponential);
  }
  sum = hn::SumOfLanes(d, sum);

  for (int32_t i = 0; i < kPaddedPoints; i += step) {
    const auto x = hn::Add(hn::Load(d, dx + i), hn::Load(d, constants.x + i));
    const auto y = hn::Add(hn::Load(d, dy + i), hn::Load(d, constants.y + i));
    const auto last = hn::Load(d, constants.last + i);
    // Clamped as integers too: what is not a number becomes some cell, and its weight stays none.
    const auto zero = hn::Zero(di);
    const auto last_cell = hn::ConvertTo(di, last);
    const auto cell_x =
        hn::Min(hn::Max(hn::ConvertTo(di, hn::Min(hn::Max(hn::Floor(x), hn::Zero(d)), last)), zero), last_cell);
    const auto cell_y =
        hn::Min(hn::Max(hn::ConvertTo(di, hn::Min(hn::Max(hn::Floor(y), hn::Zero(d)), last)), zero), last_cell);
    const auto right = hn::Sub(x, hn::ConvertTo(d, cell_x));
    const auto below = hn::Sub(y, hn::ConvertTo(d, cell_y));
    const auto attended = hn::Div(hn::Load(d, attention + i), sum);
    const auto upper = hn::Mul(attended, Tent(below));
    const auto lower = hn::Mul(attended, Tent(hn::Sub(below, one)));
    const auto near = Tent(right);
    const auto far = Tent(hn::Sub(right, one));
    hn::Store(hn::Mul(upper, near), d, samples->weight[0] + i);
    hn::Store(hn::Mul(upper, far), d, samples->weight[1] + i);
    hn::Store(hn::Mul(lower, near), d, samples->weight[2] + i);
    hn::Store(hn::Mul(lower, far), d, samples->weight[3] + i);
    const auto row = hn::Mul(cell_y, hn::Load(di, constants.side + i));
    hn::Store(hn::Add(hn::Load(di, constants.start + i), hn::Add(row, cell_x)), di, samples->cell + i);
  }
}

// kVectors vectors of a head's values: a sum for each of the four cells, so that each waits for itself only.
template <class D, int kVectors>
HWY_INLINE void Gather(D d, const Samples& samples, const Constants& constants, const float* values, int64_t width,
                       float* result) {
  const size_t lanes = hn::Lanes(d);
  using V = hn::Vec<D>;
  V upper0 = hn::Zero(d), upper1 = upper0, lower0 = upper0, lower1 = upper0;
  V upper2 = upper0, upper3 = upper0, lower2 = upper0, lower3 = upper0;
  for (int32_t point = 0; point < kPoints; ++point) {
    const float* const above = values + samples.cell[point] * width;
    const float* const below = above + constants.side[point] * width;
    const auto w0 = hn::Set(d, samples.weight[0][point]);
    const auto w1 = hn::Set(d, samples.weight[1][point]);
    const auto w2 = hn::Set(d, samples.weight[2][point]);
    const auto w3 = hn::Set(d, samples.weight[3][point]);
    upper0 = hn::MulAdd(w0, hn::LoadU(d, above), upper0);
    upper1 = hn::MulAdd(w1, hn::LoadU(d, above + width), upper1);
    lower0 = hn::MulAdd(w2, hn::LoadU(d, below), lower0);
    lower1 = hn::MulAdd(w3, hn::LoadU(d, below + width), lower1);
    if (kVectors == 2) {
      upper2 = hn::MulAdd(w0, hn::LoadU(d, above + lanes), upper2);
      upper3 = hn::MulAdd(w1, hn::LoadU(d, above + width + lanes), upper3);
      lower2 = hn::MulAdd(w2, hn::LoadU(d, below + lanes), lower2);
      lower3 = hn::MulAdd(w3, hn::LoadU(d, below + width + lanes), lower3);
    }
  }
  hn::StoreU(hn::Add(hn::Add(upper0, upper1), hn::Add(lower0, lower1)), d, result);
  if (kVectors == 2) {
    hn::StoreU(hn::Add(hn::Add(upper2, upper3), hn::Add(lower2, lower3)), d, result + lanes);
  }
}

void SampleDeformable(const DeformableShape& shape, const float* values, const float* logits, const float* offsets,
                      int64_t from, int64_t to, float* result) {
  constexpr Floats d;
  constexpr hn::CappedTag<float, 1> scalar;
  const auto lanes = static_cast<int32_t>(hn::Lanes(d));
  const int64_t width = shape.width();
  const int64_t columns = shape.columns();

  Constants constants = {};
  for (int32_t point = 0; point < kPaddedPoints; ++point) {
    const auto level = static_cast<size_t>(std::min(point, kPoints - 1) / kDeformablePoints);
    constants.last[point] = static_cast<float>(shape.sides[level] - 2);
    constants.side[point] = shape.sides[level];
    constants.start[point] = shape.starts[level];
  }

  Samples samples;
  for (int64_t query = from; query < to; ++query) {
    const int64_t picture = query / shape.cells;
    const auto cell = static_cast<int32_t>(query % shape.cells);
    const size_t own = cell >= shape.starts[2] ? 2 : cell >= shape.starts[1] ? 1 : 0;
    const auto side = static_cast<float>(shape.sides[own]);
    const int32_t at = cell - shape.starts[own];
    // The centre of the query's cell, in cells of each level.
    const int32_t column = at % shape.sides[own];
    const int32_t row = at / shape.sides[own];
    const float x = (static_cast<float>(column) + 0.5f) / side;
    const float y = (static_cast<float>(row) + 0.5f) / side;
    for (int32_t point = 0; point < kPaddedPoints; ++point) {
      const auto cells = static_cast<float>(constants.side[point]);
      constants.x[point] = x * cells - 0.5f;
      constants.y[point] = y * cells - 0.5f;
    }

    const float* const picture_values = values + picture * shape.cells * width;
    for (int32_t head = 0; head < shape.heads; ++head) {
      const float* const x_offsets = offsets + query * 2 * columns + int64_t{head} * kPoints;
      Locate(constants, logits + query * columns + int64_t{head} * kPoints, x_offsets, x_offsets + columns, &samples);
      const float* const own_values = picture_values + int64_t{head} * shape.depth;
      float* const own_result = result + query * width + int64_t{head} * shape.depth;
      int32_t i = 0;
      for (; i + 2 * lanes <= shape.depth; i += 2 * lanes) {
        Gather<Floats, 2>(d, samples, constants, own_values + i, width, own_result + i);
      }
      for (; i + lanes <= shape.depth; i += lanes) {
        Gather<Floats, 1>(d, samples, constants, own_values + i, width, own_result + i);
      }
      for (; i < shape.depth; ++i) {
        Gather<hn::CappedTag<float, 1>, 1>(scalar, samples, constants, own_values + i, width, own_result + i);
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace loupe
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace loupe {

HWY_EXPORT(SampleDeformable);

const char* DeformableShapeError(const DeformableShape& shape) {
  // As many as fit into 32 bits, and more than any picture needs.
  constexpr int32_t kMost = 4096;
  if (shape.heads < 1 || shape.heads > kMost || shape.depth < 1 || shape.depth > kMost) {
    return "heads and the values of each must be 1 to 4096";
  }
  int32_t cells = 0;
  for (size_t level = 0; level < kDeformableLevels; ++level) {
    if (shape.sides[level] < 2 || shape.sides[level] > kMost) return "a map's side must be 2 to 4096 cells";
    if (shape.starts[level] != cells) return "the maps do not lie one after another";
    cells += shape.sides[level] * shape.sides[level];
  }
  return shape.cells == cells ? nullptr : "the cells are not those of the maps";
}

void SampleDeformable(const DeformableShape& shape, const float* values, const float* logits, const float* offsets,
                      int64_t from, int64_t to, float* result) {
  HWY_DYNAMIC_DISPATCH(SampleDeformable)(shape, values, logits, offsets, from, to, result);
}

}  // namespace loupe
#endif  // HWY_ONCE
