#include "preprocess_kernels.h"

#include <algorithm>
#include <cstring>

#include "lane_padding.h"
#include "resample_axis.h"
#include "resample_by_block.h"
#include "resample_by_halves.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "preprocess_kernels.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace loupe {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Bytes = hn::CappedTag<uint8_t, kLanePadding>;
using HalfBytes = hn::CappedTag<uint8_t, kLanePadding / 2>;  // where each byte becomes two
using Words = hn::CappedTag<int32_t, kLanePadding / 4>;
using BytesOfWords = hn::Rebind<uint8_t, Words>;

template <class V>
HWY_INLINE V MultiplyAdd(V a, V b, V sum) {
  return hn::Add(hn::Mul(a, b), sum);
}

// Calls step(source, x) for each vector of D's groups and once more, from a copy, for what is left at the row's end:
// nothing is read beyond the row, and the padding of the outputs takes what is surplus.
template <class D, int kGroupBytes, int kGroupPixels, class Step>
HWY_INLINE void ForEachVector(const uint8_t* source, int32_t width, Step step) {
  const auto pixels = static_cast<int32_t>(hn::Lanes(D())) * kGroupPixels;
  int32_t x = 0;
  for (; x + pixels <= width; x += pixels) step(source + int64_t{x} / kGroupPixels * kGroupBytes, x);
  if (x >= width) return;

  const int32_t groups = (width - x + kGroupPixels - 1) / kGroupPixels;
  uint8_t rest[kLanePadding * kGroupBytes] = {};
  std::memcpy(rest, source + int64_t{x} / kGroupPixels * kGroupBytes, static_cast<size_t>(groups) * kGroupBytes);
  step(rest, x);
}

void SplitRow(loupe_pixel_format format, const uint8_t* source, int32_t width, uint8_t* red, uint8_t* green,
              uint8_t* blue) {
  constexpr Bytes d;
  if (format == LOUPE_GRAY8) {
    std::memcpy(red, source, static_cast<size_t>(width));
    return;
  }
  if (format == LOUPE_BGRA32) {
    ForEachVector<Bytes, 4, 1>(source, width, [&](const uint8_t* from, int32_t x) HWY_ATTR {
      hn::Vec<Bytes> b, g, r, a;
      hn::LoadInterleaved4(d, from, b, g, r, a);
      hn::StoreU(r, d, red + x);
      hn::StoreU(g, d, green + x);
      hn::StoreU(b, d, blue + x);
    });
    return;
  }
  uint8_t* const first = format == LOUPE_BGR24 ? blue : red;
  uint8_t* const third = format == LOUPE_BGR24 ? red : blue;
  ForEachVector<Bytes, 3, 1>(source, width, [&](const uint8_t* from, int32_t x) HWY_ATTR {
    hn::Vec<Bytes> v0, v1, v2;
    hn::LoadInterleaved3(d, from, v0, v1, v2);
    hn::StoreU(v0, d, first + x);
    hn::StoreU(v1, d, green + x);
    hn::StoreU(v2, d, third + x);
  });
}

void MergeRow(const uint8_t* first, const uint8_t* second, const uint8_t* third, int32_t width, uint8_t* destination) {
  constexpr Bytes d;
  const auto step = static_cast<int32_t>(hn::Lanes(d));
  int32_t x = 0;
  for (; x + step <= width; x += step) {
    hn::StoreInterleaved3(hn::LoadU(d, first + x), hn::LoadU(d, second + x), hn::LoadU(d, third + x), d,
                          destination + int64_t{3} * x);
  }
  if (x >= width) return;

  uint8_t rest[3 * kLanePadding];
  hn::StoreInterleaved3(hn::LoadU(d, first + x), hn::LoadU(d, second + x), hn::LoadU(d, third + x), d, rest);
  std::memcpy(destination + int64_t{3} * x, rest, 3 * static_cast<size_t>(width - x));
}

void SplitYuyvRow(const uint8_t* source, int32_t width, uint8_t* y, uint8_t* u, uint8_t* v) {
  constexpr HalfBytes d;
  ForEachVector<HalfBytes, 4, 2>(source, width, [&](const uint8_t* from, int32_t x) HWY_ATTR {
    hn::Vec<HalfBytes> y0, u0, y1, v0;
    hn::LoadInterleaved4(d, from, y0, u0, y1, v0);
    hn::StoreInterleaved2(y0, y1, d, y + x);
    hn::StoreInterleaved2(u0, u0, d, u + x);
    hn::StoreInterleaved2(v0, v0, d, v + x);
  });
}

void ExpandNv12Chroma(const uint8_t* source, int32_t width, uint8_t* u, uint8_t* v) {
  constexpr HalfBytes d;
  ForEachVector<HalfBytes, 2, 2>(source, width, [&](const uint8_t* from, int32_t x) HWY_ATTR {
    hn::Vec<HalfBytes> u0, v0;
    hn::LoadInterleaved2(d, from, u0, v0);
    hn::StoreInterleaved2(u0, u0, d, u + x);
    hn::StoreInterleaved2(v0, v0, d, v + x);
  });
}

void ExpandI420Chroma(const uint8_t* source, int32_t width, uint8_t* expanded) {
  constexpr HalfBytes d;
  ForEachVector<HalfBytes, 1, 2>(source, width, [&](const uint8_t* from, int32_t x) HWY_ATTR {
    const auto chroma = hn::LoadU(d, from);
    hn::StoreInterleaved2(chroma, chroma, d, expanded + x);
  });
}

void YuvToRgbRow(const YuvCoefficients& coefficients, const uint8_t* y, const uint8_t* u, const uint8_t* v,
                 int32_t width, uint8_t* red, uint8_t* green, uint8_t* blue) {
  constexpr Words d;
  constexpr BytesOfWords d8;
  const auto offset = hn::Set(d, coefficients.offset);
  const auto middle = hn::Set(d, 128);
  const auto half = hn::Set(d, 1 << 19);
  const auto cy = hn::Set(d, coefficients.cy);
  const auto cvr = hn::Set(d, coefficients.cvr);
  const auto cug = hn::Set(d, coefficients.cug);
  const auto cvg = hn::Set(d, coefficients.cvg);
  const auto cub = hn::Set(d, coefficients.cub);
  const auto step = static_cast<int32_t>(hn::Lanes(d));
  for (int32_t x = 0; x < width; x += step) {
    const auto luma = hn::Max(hn::Sub(hn::PromoteTo(d, hn::LoadU(d8, y + x)), offset), hn::Zero(d));
    const auto l = MultiplyAdd(luma, cy, half);
    const auto u0 = hn::Sub(hn::PromoteTo(d, hn::LoadU(d8, u + x)), middle);
    const auto v0 = hn::Sub(hn::PromoteTo(d, hn::LoadU(d8, v + x)), middle);
    const auto r = MultiplyAdd(v0, cvr, l);
    const auto g = MultiplyAdd(u0, cug, MultiplyAdd(v0, cvg, l));
    const auto b = MultiplyAdd(u0, cub, l);
    hn::StoreU(hn::DemoteTo(d8, hn::ShiftRight<20>(r)), d8, red + x);
    hn::StoreU(hn::DemoteTo(d8, hn::ShiftRight<20>(g)), d8, green + x);
    hn::StoreU(hn::DemoteTo(d8, hn::ShiftRight<20>(b)), d8, blue + x);
  }
}

// Any reduction.
void ResampleByGather(const uint8_t* source, const ResampleAxis& axis, uint8_t* destination) {
  constexpr Words d;
  constexpr BytesOfWords d8;
  constexpr hn::RebindToUnsigned<Words> du;
  const auto byte = hn::Set(d, 0xFF);
  const int32_t* const first = axis.first();
  const int32_t* const weights = axis.weights_by_tap();
  const int32_t taps = axis.taps();
  const int32_t padded_output = axis.padded_output();
  const auto step = static_cast<int32_t>(hn::Lanes(d));
  for (int32_t x = 0; x < padded_output; x += step) {
    auto sum = hn::Set(d, 1 << (kWeightBits - 1));
    const auto offset = hn::LoadU(d, first + x);
    // Each gather brings four taps of every output.
    for (int32_t tap = 0; tap < taps; tap += 4) {
      const auto four = hn::GatherOffset(d, reinterpret_cast<const int32_t*>(source + tap), offset);
      const int32_t* w = weights + int64_t{tap} * padded_output + x;
      const auto last = hn::BitCast(d, hn::ShiftRight<24>(hn::BitCast(du, four)));
      sum = MultiplyAdd(hn::And(four, byte), hn::LoadU(d, w), sum);
      sum = MultiplyAdd(hn::And(hn::ShiftRight<8>(four), byte), hn::LoadU(d, w + padded_output), sum);
      sum = MultiplyAdd(hn::And(hn::ShiftRight<16>(four), byte), hn::LoadU(d, w + 2 * int64_t{padded_output}), sum);
      sum = MultiplyAdd(last, hn::LoadU(d, w + 3 * int64_t{padded_output}), sum);
    }
    hn::StoreU(hn::DemoteTo(d8, hn::ShiftRight<kWeightBits>(sum)), d8, destination + x);
  }
}

void ResampleRow(const uint8_t* source, const ResampleAxis& axis, uint8_t* destination) {
#if HWY_TARGET == HWY_AVX3
  if (CanResampleByBlock(axis)) return loupe::ResampleByBlock(source, axis, destination);
#endif
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
  loupe::ResampleByHalves(source, axis, destination);
#else
  ResampleByGather(source, axis, destination);
#endif
}

void BlendRows(const uint8_t* const* rows, const int32_t* weights, int32_t count, int32_t padded,
               uint8_t* destination) {
  constexpr Words d;
  constexpr BytesOfWords d8;
  const auto step = static_cast<int32_t>(hn::Lanes(d));
  for (int32_t x = 0; x < padded; x += step) {
    auto sum = hn::Set(d, 1 << (kWeightBits - 1));
    for (int32_t k = 0; k < count; ++k) {
      sum = MultiplyAdd(hn::PromoteTo(d, hn::LoadU(d8, rows[k] + x)), hn::Set(d, weights[k]), sum);
    }
    hn::StoreU(hn::DemoteTo(d8, hn::ShiftRight<kWeightBits>(sum)), d8, destination + x);
  }
}

void LookUpRow(const uint8_t* source, const float* table, int32_t width, float* destination) {
  constexpr Words d;
  constexpr BytesOfWords d8;
  constexpr hn::Rebind<float, Words> df;
  const auto step = static_cast<int32_t>(hn::Lanes(d));
  int32_t x = 0;
  for (; x + step <= width; x += step) {
    hn::StoreU(hn::GatherIndex(df, table, hn::PromoteTo(d, hn::LoadU(d8, source + x))), df, destination + x);
  }
  for (; x < width; ++x) destination[x] = table[source[x]];
}

}  // namespace HWY_NAMESPACE
}  // namespace loupe
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace loupe {

HWY_EXPORT(SplitRow);
HWY_EXPORT(MergeRow);
HWY_EXPORT(SplitYuyvRow);
HWY_EXPORT(ExpandNv12Chroma);
HWY_EXPORT(ExpandI420Chroma);
HWY_EXPORT(YuvToRgbRow);
HWY_EXPORT(ResampleRow);
HWY_EXPORT(BlendRows);
HWY_EXPORT(LookUpRow);

void SplitRow(loupe_pixel_format format, const uint8_t* source, int32_t width, uint8_t* red, uint8_t* green,
              uint8_t* blue) {
  HWY_DYNAMIC_DISPATCH(SplitRow)(format, source, width, red, green, blue);
}

void MergeRow(const uint8_t* first, const uint8_t* second, const uint8_t* third, int32_t width, uint8_t* destination) {
  HWY_DYNAMIC_DISPATCH(MergeRow)(first, second, third, width, destination);
}

void SplitYuyvRow(const uint8_t* source, int32_t width, uint8_t* y, uint8_t* u, uint8_t* v) {
  HWY_DYNAMIC_DISPATCH(SplitYuyvRow)(source, width, y, u, v);
}

void ExpandNv12Chroma(const uint8_t* source, int32_t width, uint8_t* u, uint8_t* v) {
  HWY_DYNAMIC_DISPATCH(ExpandNv12Chroma)(source, width, u, v);
}

void ExpandI420Chroma(const uint8_t* source, int32_t width, uint8_t* expanded) {
  HWY_DYNAMIC_DISPATCH(ExpandI420Chroma)(source, width, expanded);
}

void YuvToRgbRow(const YuvCoefficients& coefficients, const uint8_t* y, const uint8_t* u, const uint8_t* v,
                 int32_t width, uint8_t* red, uint8_t* green, uint8_t* blue) {
  HWY_DYNAMIC_DISPATCH(YuvToRgbRow)(coefficients, y, u, v, width, red, green, blue);
}

// What the widest kernel reads from a block's first input on, or from an output's: whole chunks of taps.
int32_t ResampleMargin(const ResampleAxis& axis) {
  return std::max(axis.taps() + ResampleAxis::kChunk, ResampleAxis::kMostReach);
}

void ResampleRow(const uint8_t* source, const ResampleAxis& axis, uint8_t* destination) {
  HWY_DYNAMIC_DISPATCH(ResampleRow)(source, axis, destination);
}

void BlendRows(const uint8_t* const* rows, const int32_t* weights, int32_t count, int32_t padded,
               uint8_t* destination) {
  HWY_DYNAMIC_DISPATCH(BlendRows)(rows, weights, count, padded, destination);
}

void LookUpRow(const uint8_t* source, const float* table, int32_t width, float* destination) {
  HWY_DYNAMIC_DISPATCH(LookUpRow)(source, table, width, destination);
}

}  // namespace loupe
#endif  // HWY_ONCE
