#ifndef LOUPE_NATIVE_SRC_PREPROCESS_KERNELS_H_
#define LOUPE_NATIVE_SRC_PREPROCESS_KERNELS_H_

#include <cstdint>

#include "loupe_native.h"
#include "resample_axis.h"

// Rows in, rows out. "Padded" outputs may be written up to the next multiple of kLanePadding; inputs are read to their
// stated width only, except where they are called padded too.
namespace loupe {

// See loupe_yuv_matrix for the formula.
struct YuvCoefficients {
  int32_t offset;
  int32_t cy;
  int32_t cvr;
  int32_t cug;
  int32_t cvg;
  int32_t cub;
};

// Interleaved pixels of a format that is not YUV to one row per channel (padded). GRAY8 writes `red` alone.
void SplitRow(loupe_pixel_format format, const uint8_t* source, int32_t width, uint8_t* red, uint8_t* green,
              uint8_t* blue);

// Rows of three channels to pixels of three bytes, written to `width` exactly. The rows are padded.
void MergeRow(const uint8_t* first, const uint8_t* second, const uint8_t* third, int32_t width, uint8_t* destination);

// YUYV to a row each of luma and of chroma repeated per pixel (padded).
void SplitYuyvRow(const uint8_t* source, int32_t width, uint8_t* y, uint8_t* u, uint8_t* v);

// Half-width chroma to one value per pixel (padded).
void ExpandNv12Chroma(const uint8_t* source, int32_t width, uint8_t* u, uint8_t* v);
void ExpandI420Chroma(const uint8_t* source, int32_t width, uint8_t* expanded);

// All padded.
void YuvToRgbRow(const YuvCoefficients& coefficients, const uint8_t* y, const uint8_t* u, const uint8_t* v,
                 int32_t width, uint8_t* red, uint8_t* green, uint8_t* blue);

// Bytes beyond a row's width that ResampleRow may read.
int32_t ResampleMargin(const ResampleAxis& axis);

// Horizontal pass over one channel.
void ResampleRow(const uint8_t* source, const ResampleAxis& axis, uint8_t* destination);

// Vertical pass: one output row from `count` rows of `padded` bytes.
void BlendRows(const uint8_t* const* rows, const int32_t* weights, int32_t count, int32_t padded, uint8_t* destination);

// destination[i] = table[source[i]], written to `width` exactly.
void LookUpRow(const uint8_t* source, const float* table, int32_t width, float* destination);

}  // namespace loupe

#endif  // LOUPE_NATIVE_SRC_PREPROCESS_KERNELS_H_
