#ifndef LOUPE_NATIVE_SRC_IMAGE_H_
#define LOUPE_NATIVE_SRC_IMAGE_H_

#include <cstdint>

#include "loupe_native.h"

namespace loupe {

struct PlaneLayout {
  int64_t row_bytes;
  int32_t rows;
};

// Number of planes of a format; throws where there is no such format.
int PlaneCount(int32_t format);

bool IsYuv(int32_t format);

// Zeros for a plane that the format lacks. Throws where the format or the size is not acceptable.
PlaneLayout LayoutOf(int32_t format, int32_t width, int32_t height, int plane);

// Throws Failure where anything about the picture does not fit.
void Validate(const loupe_image* image);

}  // namespace loupe

#endif  // LOUPE_NATIVE_SRC_IMAGE_H_
