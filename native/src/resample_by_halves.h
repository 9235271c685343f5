#ifndef LOUPE_NATIVE_SRC_RESAMPLE_BY_HALVES_H_
#define LOUPE_NATIVE_SRC_RESAMPLE_BY_HALVES_H_

#include <cstdint>

#include "resample_axis.h"

namespace loupe {

#if defined(__x86_64__)

// As ResampleRow, bit for bit, for processors with AVX2: of each output the inputs lie side by side, so that they are
// loaded as a vector, where a gather takes them out one by one.
void ResampleByHalves(const uint8_t* source, const ResampleAxis& axis, uint8_t* destination);

#endif

}  // namespace loupe

#endif  // LOUPE_NATIVE_SRC_RESAMPLE_BY_HALVES_H_
