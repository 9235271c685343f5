#ifndef LOUPE_NATIVE_SRC_PREPROCESSOR_H_
#define LOUPE_NATIVE_SRC_PREPROCESSOR_H_

#include <array>
#include <cstdint>
#include <vector>

#include "loupe_native.h"
#include "resample_axis.h"
#include "row_converter.h"

namespace loupe {

// Streams a picture row by row: convert, resize horizontally into a ring of as many rows as an output row needs, blend
// those, write. The workspace depends on the sides, not on the number of pixels.
class Preprocessor {
 public:
  explicit Preprocessor(const loupe_preprocessor_options& options);

  int32_t image_size() const { return image_size_; }

  // The picture is valid and the destination holds 3 * S * S.
  void ToNchw(const loupe_image& image, float* destination);
  void ToChw(const loupe_image& image, uint8_t* destination);

 private:
  // Calls sink(y, rows) for each row of the result.
  template <class Sink>
  void Run(const loupe_image& image, Sink sink);
  void Prepare(const loupe_image& image);
  // Row y of the picture after the horizontal pass, into its place in the ring.
  void FillRing(const loupe_image& image, int32_t y);
  uint8_t* RingRow(int32_t y) { return ring_.data() + (y % ring_rows_) * ring_stride_; }

  const int32_t image_size_;
  std::array<std::array<float, 256>, 3> tables_;

  ResampleAxis horizontal_;
  ResampleAxis vertical_;
  int channels_ = 3;
  int64_t row_stride_ = 0;  // of a converted row, per channel
  int64_t ring_rows_ = 0;
  int64_t ring_stride_ = 0;  // of a ring row, all channels
  RowConverter converter_;
  std::vector<uint8_t> converted_;
  std::vector<uint8_t> ring_;
  std::vector<uint8_t> blended_;
  std::vector<const uint8_t*> window_;
};

}  // namespace loupe

#endif  // LOUPE_NATIVE_SRC_PREPROCESSOR_H_
