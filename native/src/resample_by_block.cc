#include "resample_by_block.h"

#if defined(__x86_64__)
#include <immintrin.h>

// In intrinsics: Highway 1.0 has neither tables of several vectors nor sums of four products, and its target for
// processors that have these takes AVX-VNNI for granted, which most of them lack.
#define LOUPE_BLOCK_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")))
#endif

namespace loupe {

#if defined(__x86_64__)
namespace {

constexpr int64_t kVectorBytes = 64;

// Where the compiler's own vectors will do.
using Bytes = uint8_t __attribute__((vector_size(kVectorBytes)));
using Words = int32_t __attribute__((vector_size(kVectorBytes)));

// Bytes by their positions in the kVectors vectors that a block's inputs fill.
template <int kVectors>
LOUPE_BLOCK_TARGET inline __m512i Pick(__m512i positions, const __m512i (&inputs)[4]) {
  const __m512i lower = _mm512_permutex2var_epi8(inputs[0], positions, inputs[1]);
  if constexpr (kVectors == 2) return lower;
  const __mmask64 is_upper = _mm512_movepi8_mask(positions);
  if constexpr (kVectors == 3) return _mm512_mask_permutexvar_epi8(lower, is_upper, positions, inputs[2]);
  return _mm512_mask_blend_epi8(is_upper, lower, _mm512_permutex2var_epi8(inputs[2], positions, inputs[3]));
}

// Four taps of 16 outputs at a time. Their products with each of the three digits of a weight add up without rounding,
// so what they make up together is exact too.
template <int kVectors>
LOUPE_BLOCK_TARGET void Resample(const uint8_t* source, const ResampleAxis& axis, uint8_t* destination) {
  const int8_t* digits = axis.digits();
  const int32_t groups = axis.groups();
  for (int32_t x = 0; x < axis.padded_output(); x += ResampleAxis::kBlock) {
    const uint8_t* const from = source + axis.first()[x];
    __m512i inputs[4] = {};
    for (int vector = 0; vector < kVectors; ++vector) inputs[vector] = _mm512_loadu_si512(from + vector * kVectorBytes);
    __m512i positions = _mm512_loadu_si512(axis.positions() + 4 * int64_t{x});
    __m512i high = _mm512_setzero_si512();
    __m512i middle = _mm512_setzero_si512();
    __m512i low = _mm512_set1_epi32(1 << (kWeightBits - 1));
    for (int32_t group = 0; group < groups; ++group, digits += 3 * kVectorBytes) {
      const __m512i bytes = Pick<kVectors>(positions, inputs);
      high = _mm512_dpbusd_epi32(high, bytes, _mm512_loadu_si512(digits));
      middle = _mm512_dpbusd_epi32(middle, bytes, _mm512_loadu_si512(digits + kVectorBytes));
      low = _mm512_dpbusd_epi32(low, bytes, _mm512_loadu_si512(digits + 2 * kVectorBytes));
      positions = reinterpret_cast<__m512i>(reinterpret_cast<Bytes>(positions) + 4);
    }
    const Words upper = (reinterpret_cast<Words>(high) << 8) + reinterpret_cast<Words>(middle);
    const Words sum = ((upper << 8) + reinterpret_cast<Words>(low)) >> kWeightBits;
    const auto result = reinterpret_cast<__m512i>(sum > 0 ? sum : 0);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(destination + x), _mm512_cvtusepi32_epi8(result));
  }
}

}  // namespace

bool CanResampleByBlock(const ResampleAxis& axis) {
  // An int for g++, a bool for clang.
  static const bool has = static_cast<bool>(__builtin_cpu_supports("avx512f")) &&
                          static_cast<bool>(__builtin_cpu_supports("avx512bw")) &&
                          static_cast<bool>(__builtin_cpu_supports("avx512vl")) &&
                          static_cast<bool>(__builtin_cpu_supports("avx512vbmi")) &&
                          static_cast<bool>(__builtin_cpu_supports("avx512vnni"));
  return has && axis.reach() <= ResampleAxis::kMostReach;
}

void ResampleByBlock(const uint8_t* source, const ResampleAxis& axis, uint8_t* destination) {
  if (axis.reach() <= 2 * kVectorBytes) return Resample<2>(source, axis, destination);
  if (axis.reach() <= 3 * kVectorBytes) return Resample<3>(source, axis, destination);
  return Resample<4>(source, axis, destination);
}

#else

bool CanResampleByBlock(const ResampleAxis& /*axis*/) { return false; }

void ResampleByBlock(const uint8_t* /*source*/, const ResampleAxis& /*axis*/, uint8_t* /*destination*/) {}

#endif

}  // namespace loupe
