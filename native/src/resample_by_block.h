#ifndef LOUPE_NATIVE_SRC_RESAMPLE_BY_BLOCK_H_
#define LOUPE_NATIVE_SRC_RESAMPLE_BY_BLOCK_H_

#include <cstdint>

#include "resample_axis.h"

namespace loupe {

// Whether the processor has what ResampleByBlock is made of (AVX-512 with VBMI and VNNI), and the reduction is not too
// large for it.
bool CanResampleByBlock(const ResampleAxis& axis);

// As ResampleRow, bit for bit, and without gathers, which take several times as long.
void ResampleByBlock(const uint8_t* source, const ResampleAxis& axis, uint8_t* destination);

}  // namespace loupe

#endif  // LOUPE_NATIVE_SRC_RESAMPLE_BY_BLOCK_H_
