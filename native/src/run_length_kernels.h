#ifndef LOUPE_NATIVE_SRC_RUN_LENGTH_KERNELS_H_
#define LOUPE_NATIVE_SRC_RUN_LENGTH_KERNELS_H_

#include <cstdint>

namespace loupe {

// Side of the tiles in which a row-major mask becomes columns of bits.
inline constexpr int32_t kTileSide = 64;

// Turns a tile of at most 64 x 64 bytes into columns[c * column_stride], whose bit r says whether the byte at row r and
// column c is not 0. Bits and columns beyond `rows` and `columns_used` are 0.
void TransposeTile(const uint8_t* mask, int64_t stride, int32_t columns_used, int32_t rows, uint64_t* columns,
                   int64_t column_stride);

}  // namespace loupe

#endif  // LOUPE_NATIVE_SRC_RUN_LENGTH_KERNELS_H_
