#ifndef LOUPE_NATIVE_SRC_MASK_DECODER_H_
#define LOUPE_NATIVE_SRC_MASK_DECODER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bilinear_axis.h"
#include "loupe_native.h"

namespace loupe {

// Streams the picture's rows. Each needs two neighbouring rows of the combined soft map, each of those two rows of
// every query's grid: a pair is kept at each level and recomputed only when the stream moves on, so no level exists as
// a whole.
class MaskDecoder {
 public:
  explicit MaskDecoder(int32_t decode_size);

  // Throws Failure where the request does not fit. Returns the area.
  int64_t Decode(const loupe_mask_request& request);

 private:
  // Two rows, remembered by their index: a stream that ascends never computes one twice.
  struct RowPair {
    std::array<int32_t, 2> index{-1, -1};
    std::vector<float> values;
    size_t stride = 0;

    void Reset(size_t row_size);
    float* at(size_t slot) { return values.data() + slot * stride; }
    // The slot that holds `row`; fill(destination) computes it where neither does, over the lower of the two.
    template <class Fill>
    const float* Get(int32_t row, Fill fill);
  };

  // Columns from `from` to `to`; none where they are equal.
  struct Range {
    int32_t from = 0;
    int32_t to = 0;

    bool empty() const { return from >= to; }
    // The smallest that holds both.
    Range Union(const Range& other) const;
  };

  const float* GridRow(const loupe_mask_request& request, int32_t row);
  const float* SoftRow(const loupe_mask_request& request, int32_t row);

  // Finds the ranges of rows and columns outside of which no pixel can be above the threshold.
  void FindNeeded(const loupe_mask_request& request);
  // The columns of the grid's cells in this row of cells that may reach the threshold somewhere between their corners.
  Range OpenCells(const loupe_mask_request& request, int32_t row);

  const int32_t decode_size_;
  BilinearAxis grid_to_decode_x_;
  BilinearAxis grid_to_decode_y_;
  BilinearAxis decode_to_picture_x_;
  BilinearAxis decode_to_picture_y_;
  std::vector<float> forged_;  // [Q], probability that a query is a forgery
  std::vector<float> combined_;
  std::vector<float> grid_row_;  // one query's, with room behind it
  std::vector<float> corners_;   // two rows of one query's logits
  std::vector<float> bounds_;    // of a row of cells
  std::vector<Range> cells_;     // by row of cells
  std::vector<Range> needed_;    // by row of the decode map: columns of it
  std::vector<Range> pixels_;    // by row of the decode map: columns of the picture that need it
  RowPair grid_rows_;            // all queries' logits, widened to decode_size
  RowPair soft_rows_;            // widened to the picture
};

}  // namespace loupe

#endif  // LOUPE_NATIVE_SRC_MASK_DECODER_H_
