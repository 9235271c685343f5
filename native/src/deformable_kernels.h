#ifndef LOUPE_NATIVE_SRC_DEFORMABLE_KERNELS_H_
#define LOUPE_NATIVE_SRC_DEFORMABLE_KERNELS_H_

#include <array>
#include <cstdint>

namespace loupe {

// Points that a query samples in each map.
inline constexpr int32_t kDeformablePoints = 4;
inline constexpr int32_t kDeformableLevels = 3;

// Square maps, coarse to fine, whose cells lie one map after another.
struct DeformableShape {
  std::array<int32_t, kDeformableLevels> sides;   // cells along a side, 2 or more
  std::array<int32_t, kDeformableLevels> starts;  // where each map begins among all cells
  int32_t cells;                                  // of all maps
  int32_t heads;
  int32_t depth;  // values of a head

  int32_t columns() const { return heads * kDeformableLevels * kDeformablePoints; }
  int64_t width() const { return int64_t{heads} * depth; }
};

// A shape that is one, or the reason why it is none.
const char* DeformableShapeError(const DeformableShape& shape);

// Multi-scale deformable attention between its projections, for the queries `from` to `to` of all pictures (query =
// picture * cells + cell; each cell is a query): softmax over the points of all levels, the points, bilinear sampling
// with zeros outside, and the weighted sum. A column is one (head, level, point).
//   values [pictures * cells, width], logits [pictures * cells, columns],
//   offsets [pictures * cells, 2 * columns], in cells of the level: x of every column, then y of every column;
//   result [pictures * cells, width]
// Whatever the numbers are, nothing outside of `values` is read.
void SampleDeformable(const DeformableShape& shape, const float* values, const float* logits, const float* offsets,
                      int64_t from, int64_t to, float* result);

}  // namespace loupe

#endif  // LOUPE_NATIVE_SRC_DEFORMABLE_KERNELS_H_
