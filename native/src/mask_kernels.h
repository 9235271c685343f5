#ifndef LOUPE_NATIVE_SRC_MASK_KERNELS_H_
#define LOUPE_NATIVE_SRC_MASK_KERNELS_H_

#include <cstddef>
#include <cstdint>

// Products and sums here are rounded one by one, never fused, so that every target computes the same interpolation.
namespace loupe {

bool AllFinite(const float* values, size_t count);

// destination[i] = weight0[i] * source[index0[i]] + weight1[i] * source[index1[i]] for whole vectors from `from`, which
// is a multiple of kLanePadding, until `to` is reached. `source` is readable for kLanePadding elements beyond its last.
void ExpandRow(const float* source, const int32_t* index0, const int32_t* index1, const float* weight0,
               const float* weight1, int32_t from, int32_t to, float* destination);

// sum[i] = Σ over queries of probability * sigmoid(weight0 * row0[i] + weight1 * row1[i]), in their order; a query's
// rows lie `stride` behind those of the one before. `from` and `to` as in ExpandRow.
void SumSigmoids(const float* row0, const float* row1, int64_t stride, float weight0, float weight1,
                 const float* probabilities, int32_t queries, int32_t from, int32_t to, float* sum);

// most[i] += probability * sigmoid of the largest of row0[i], row0[i + 1], row1[i] and row1[i + 1], up to `padded`.
void BoundCells(const float* row0, const float* row1, float probability, int32_t padded, float* most);

// soft = weight0 * row0[i] + weight1 * row1[i]; mask[i] = soft > threshold. `mask`, and `soft` unless it is null, are
// written from `from` to `to` exactly. Returns the number of ones.
int64_t ThresholdRow(const float* row0, const float* row1, float weight0, float weight1, float threshold, int32_t from,
                     int32_t to, uint8_t* mask, float* soft);

}  // namespace loupe

#endif  // LOUPE_NATIVE_SRC_MASK_KERNELS_H_
