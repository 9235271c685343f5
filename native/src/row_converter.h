#ifndef LOUPE_NATIVE_SRC_ROW_CONVERTER_H_
#define LOUPE_NATIVE_SRC_ROW_CONVERTER_H_

#include <array>
#include <cstdint>
#include <vector>

#include "loupe_native.h"

namespace loupe {

// The rows of a picture as colour, one row per channel. Keeps a workspace that grows to the widest picture seen.
class RowConverter {
 public:
  // Of R, G, B; each has room for PadToLanes(width + kLanePadding). The last two are not written for GRAY8.
  using Rows = std::array<uint8_t*, 3>;

  static int Channels(const loupe_image& image) { return image.format == LOUPE_GRAY8 ? 1 : 3; }

  // Before the rows of a valid picture.
  void Begin(const loupe_image& image);
  void Convert(const loupe_image& image, int32_t y, const Rows& rows);

 private:
  int64_t stride_ = 0;
  std::vector<uint8_t> yuv_;  // Y, U, V of one row, per pixel
  int32_t chroma_row_ = -1;   // which chroma row yuv_ holds
};

// B G R per pixel, rows of `stride` bytes, of which the last may be short.
void ToBgr(const loupe_image& image, uint8_t* destination, int64_t stride);

}  // namespace loupe

#endif  // LOUPE_NATIVE_SRC_ROW_CONVERTER_H_
