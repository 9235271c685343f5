#include "resample_by_halves.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define LOUPE_HALVES_TARGET __attribute__((target("avx2")))

namespace loupe {
namespace {

constexpr int32_t kOutputs = 8;
constexpr int32_t kPairs = kOutputs / 2;
constexpr int32_t kTaps = ResampleAxis::kChunk;
// Of both outputs of a pair.
constexpr int32_t kWeights = 2 * kTaps;

LOUPE_HALVES_TARGET inline __m256i Load(const int16_t* weights) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(weights));
}

// Eight inputs of each of two outputs.
LOUPE_HALVES_TARGET inline __m256i Load(const uint8_t* first, const uint8_t* second) {
  const __m128i lower = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(first));
  const __m128i upper = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(second));
  return _mm256_cvtepu8_epi16(_mm_unpacklo_epi64(lower, upper));
}

// What all inputs of two outputs make up, spread over four sums each. A product of a byte with half a weight takes 20
// bits, and all of them together no more than 255 times the sum of the weights, 1 << kWeightBits: nothing is lost.
LOUPE_HALVES_TARGET inline __m256i SumsOf(const uint8_t* first, const uint8_t* second, const int16_t* weights,
                                          int32_t chunks) {
  __m256i high = _mm256_setzero_si256();
  __m256i low = _mm256_setzero_si256();
  for (int32_t chunk = 0; chunk < chunks; ++chunk, weights += 2 * kWeights) {
    const __m256i bytes = Load(first + chunk * kTaps, second + chunk * kTaps);
    high = _mm256_add_epi32(high, _mm256_madd_epi16(bytes, Load(weights)));
    low = _mm256_add_epi32(low, _mm256_madd_epi16(bytes, Load(weights + kWeights)));
  }
  return _mm256_add_epi32(_mm256_slli_epi32(high, ResampleAxis::kHalfBits), low);
}

// kChunks: as many as the axis has; 0 for any number of them.
template <int32_t kChunks>
LOUPE_HALVES_TARGET void Resample(const uint8_t* source, const ResampleAxis& axis, uint8_t* destination) {
  const int32_t* const first = axis.first();
  const int32_t chunks = kChunks == 0 ? axis.chunks() : kChunks;
  const int16_t* weights = axis.halves();
  const __m128i half = _mm_set1_epi32(1 << (kWeightBits - 1));
  for (int32_t x = 0; x < axis.padded_output(); x += kOutputs) {
    __m256i pairs[kPairs];
    for (int32_t pair = 0; pair < kPairs; ++pair, weights += int64_t{chunks} * 2 * kWeights) {
      const int32_t* const from = first + x + 2 * pair;
      pairs[pair] = SumsOf(source + from[0], source + from[1], weights, chunks);
    }
    // The first outputs of the pairs are in the lower half, the second ones in the upper.
    const __m256i sums =
        _mm256_hadd_epi32(_mm256_hadd_epi32(pairs[0], pairs[1]), _mm256_hadd_epi32(pairs[2], pairs[3]));
    const __m128i even = _mm256_castsi256_si128(sums);
    const __m128i odd = _mm256_extracti128_si256(sums, 1);
    const __m128i left = _mm_srai_epi32(_mm_add_epi32(_mm_unpacklo_epi32(even, odd), half), kWeightBits);
    const __m128i right = _mm_srai_epi32(_mm_add_epi32(_mm_unpackhi_epi32(even, odd), half), kWeightBits);
    const __m128i words = _mm_packs_epi32(left, right);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(destination + x), _mm_packus_epi16(words, words));
  }
}

}  // namespace

void ResampleByHalves(const uint8_t* source, const ResampleAxis& axis, uint8_t* destination) {
  if (axis.chunks() == 1) return Resample<1>(source, axis, destination);
  if (axis.chunks() == 2) return Resample<2>(source, axis, destination);
  return Resample<0>(source, axis, destination);
}

}  // namespace loupe

#endif
