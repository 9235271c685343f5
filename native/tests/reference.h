#ifndef LOUPE_NATIVE_TESTS_REFERENCE_H_
#define LOUPE_NATIVE_TESTS_REFERENCE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "loupe_native.h"

// What the library computes, written as plainly as the definitions read: whole pictures, one pixel at a time, no
// vectors. Shares no code with the library.
namespace loupe::reference {

// Interleaved R, G, B without gaps.
struct Rgb {
  int32_t width;
  int32_t height;
  std::vector<uint8_t> pixels;
};

Rgb ToRgb(const loupe_image& image);

// Pillow's Image.resize(…, BILINEAR) on bytes, to side x side.
Rgb Resize(const Rgb& picture, int32_t side);

// [3, side, side]
std::vector<uint8_t> ToChannels(const Rgb& picture);
std::vector<float> Normalize(const std::vector<uint8_t>& channels, const float mean[3], const float std[3]);

// The soft map at the picture's size, [height, width]; every query is resized as a whole.
std::vector<float> SoftMap(const std::vector<float>& mask_logits, const std::vector<float>& class_logits,
                           int32_t queries, int32_t grid_width, int32_t grid_height, int32_t decode_size, int32_t width,
                           int32_t height);

// Multi-scale deformable attention between its projections, in double: tensors as SampleDeformable has them, for square
// maps one after another.
std::vector<double> Deformable(const std::vector<float>& values, const std::vector<float>& logits,
                               const std::vector<float>& offsets, const std::vector<int32_t>& sides, int32_t points,
                               int32_t heads, int32_t depth);

// COCO's counts of a dense row-major mask.
std::vector<int64_t> Runs(const std::vector<uint8_t>& mask, int32_t width, int32_t height);
std::string Counts(const std::vector<int64_t>& runs);

}  // namespace loupe::reference

#endif  // LOUPE_NATIVE_TESTS_REFERENCE_H_
