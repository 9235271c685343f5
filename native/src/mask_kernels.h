#ifndef LOUPE_NATIVE_SRC_MASK_KERNELS_H_
#define LOUPE_NATIVE_SRC_MASK_KERNELS_H_

#include <cstddef>
#include <cstdint>

// Products and sums here are rounded one by one, never fused, so that every target computes the same interpolation.
namespace loupe {

bool AllFinite(const float* values, size_t count);

// destination[i] = weight0[i] * source[index0[i]] + weight1[i] * source[index1[i]], up to `padded`.
void ExpandRow(const float* source, const int32_t* index0, const int32_t* index1, const float* weight0,
               const float* weight1, int32_t padded, float* destination);

// sum[i] += probability * sigmoid(weight0 * row0[i] + weight1 * row1[i]), up to `padded`.
void AddSigmoidRow(const float* row0, const float* row1, float weight0, float weight1, float probability,
                   int32_t padded, float* sum);

// soft = weight0 * row0[i] + weight1 * row1[i]; mask[i] = soft > threshold. Rows are padded; `mask`, and `soft` unless
// it is null, are written to `width` exactly. Returns the number of ones.
int64_t ThresholdRow(const float* row0, const float* row1, float weight0, float weight1, float threshold, int32_t width,
                     uint8_t* mask, float* soft);

}  // namespace loupe

#endif  // LOUPE_NATIVE_SRC_MASK_KERNELS_H_
