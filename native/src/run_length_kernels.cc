#include "run_length_kernels.h"

#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "run_length_kernels.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace loupe {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// 64 bytes to 64 bits, the first byte lowest.
uint64_t NonZeroBits(const uint8_t* bytes) {
  uint64_t word = 0;
#if HWY_TARGET == HWY_SCALAR
  // One lane makes no whole byte of bits.
  for (size_t i = 0; i < kTileSide; ++i) word |= uint64_t{bytes[i] != 0} << i;
#else
  constexpr hn::CappedTag<uint8_t, kTileSide> d;
  const auto zero = hn::Zero(d);
  uint8_t bits[kTileSide / 8 + 8] = {};  // StoreMaskBits may write up to 8 bytes at a time
  for (size_t i = 0; i < kTileSide; i += hn::Lanes(d)) {
    hn::StoreMaskBits(d, hn::Ne(hn::LoadU(d, bytes + i), zero), bits + i / 8);
  }
  std::memcpy(&word, bits, sizeof(word));
#endif
  return word;
}

// In place: bit c of word r becomes bit r of word c. Swaps ever smaller off-diagonal blocks (Hacker's Delight 7-3).
void TransposeBits(uint64_t words[kTileSide]) {
  uint64_t low = 0x00000000FFFFFFFFu;
  for (int32_t half = kTileSide / 2; half != 0; half >>= 1, low ^= low << half) {
    for (int32_t r = 0; r < kTileSide; r = ((r | half) + 1) & ~half) {
      const uint64_t swap = ((words[r] >> half) ^ words[r | half]) & low;
      words[r] ^= swap << half;
      words[r | half] ^= swap;
    }
  }
}

void TransposeTile(const uint8_t* mask, int64_t stride, int32_t columns_used, int32_t rows, uint64_t* columns,
                   int64_t column_stride) {
  uint64_t words[kTileSide] = {};
  if (columns_used == kTileSide) {
    for (int32_t r = 0; r < rows; ++r) words[r] = NonZeroBits(mask + r * stride);
  } else {
    uint8_t padded[kTileSide] = {};
    for (int32_t r = 0; r < rows; ++r) {
      std::memcpy(padded, mask + r * stride, static_cast<size_t>(columns_used));
      words[r] = NonZeroBits(padded);
    }
  }
  TransposeBits(words);
  for (int32_t c = 0; c < kTileSide; ++c) columns[c * column_stride] = words[c];
}

}  // namespace HWY_NAMESPACE
}  // namespace loupe
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace loupe {

HWY_EXPORT(TransposeTile);

void TransposeTile(const uint8_t* mask, int64_t stride, int32_t columns_used, int32_t rows, uint64_t* columns,
                   int64_t column_stride) {
  HWY_DYNAMIC_DISPATCH(TransposeTile)(mask, stride, columns_used, rows, columns, column_stride);
}

}  // namespace loupe
#endif  // HWY_ONCE
