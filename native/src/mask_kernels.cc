#include "mask_kernels.h"

#include <algorithm>
#include <cstring>

#include "lane_padding.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mask_kernels.cc"
// clang-format off
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace loupe {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::CappedTag<float, kLanePadding / 4>;
using Words = hn::Rebind<int32_t, Floats>;
using BytesOfFloats = hn::Rebind<uint8_t, Floats>;

bool AllFinite(const float* values, size_t count) {
  constexpr Floats d;
  const size_t step = hn::Lanes(d);
  size_t i = 0;
  for (; i + step <= count; i += step) {
    if (!hn::AllTrue(d, hn::IsFinite(hn::LoadU(d, values + i)))) return false;
  }
  if (i == count) return true;
  float rest[kLanePadding / 4] = {};
  std::memcpy(rest, values + i, (count - i) * sizeof(float));
  return hn::AllTrue(d, hn::IsFinite(hn::LoadU(d, rest)));
}

void ExpandRow(const float* source, const int32_t* index0, const int32_t* index1, const float* weight0,
               const float* weight1, int32_t padded, float* destination) {
  constexpr Floats d;
  constexpr Words di;
  const auto step = static_cast<int32_t>(hn::Lanes(d));
  for (int32_t x = 0; x < padded; x += step) {
    const auto left = hn::GatherIndex(d, source, hn::LoadU(di, index0 + x));
    const auto right = hn::GatherIndex(d, source, hn::LoadU(di, index1 + x));
    hn::StoreU(hn::Add(hn::Mul(hn::LoadU(d, weight0 + x), left), hn::Mul(hn::LoadU(d, weight1 + x), right)), d,
               destination + x);
  }
}

void AddSigmoidRow(const float* row0, const float* row1, float weight0, float weight1, float probability,
                   int32_t padded, float* sum) {
  constexpr Floats d;
  const auto w0 = hn::Set(d, weight0);
  const auto w1 = hn::Set(d, weight1);
  const auto p = hn::Set(d, probability);
  const auto one = hn::Set(d, 1.0f);
  // exp(88) is still finite; the sigmoid of anything lower is 0 to 38 places.
  const auto lowest = hn::Set(d, -88.0f);
  const auto step = static_cast<int32_t>(hn::Lanes(d));
  for (int32_t x = 0; x < padded; x += step) {
    const auto logit = hn::Add(hn::Mul(w0, hn::LoadU(d, row0 + x)), hn::Mul(w1, hn::LoadU(d, row1 + x)));
    const auto sigmoid = hn::Div(one, hn::Add(one, hn::Exp(d, hn::Neg(hn::Max(logit, lowest)))));
    hn::StoreU(hn::Add(hn::LoadU(d, sum + x), hn::Mul(p, sigmoid)), d, sum + x);
  }
}

int64_t ThresholdRow(const float* row0, const float* row1, float weight0, float weight1, float threshold, int32_t width,
                     uint8_t* mask, float* soft) {
  constexpr Floats d;
  constexpr Words di;
  constexpr BytesOfFloats d8;
  const auto w0 = hn::Set(d, weight0);
  const auto w1 = hn::Set(d, weight1);
  const auto limit = hn::Set(d, threshold);
  const auto one = hn::Set(di, 1);
  const auto step = static_cast<int32_t>(hn::Lanes(d));
  auto area = hn::Zero(di);
  int32_t x = 0;
  for (; x + step <= width; x += step) {
    const auto value = hn::Add(hn::Mul(w0, hn::LoadU(d, row0 + x)), hn::Mul(w1, hn::LoadU(d, row1 + x)));
    const auto forged = hn::IfThenElseZero(hn::RebindMask(di, hn::Gt(value, limit)), one);
    hn::StoreU(hn::DemoteTo(d8, forged), d8, mask + x);
    area = hn::Add(area, forged);
    if (soft != nullptr) hn::StoreU(value, d, soft + x);
  }
  int64_t total = hn::GetLane(hn::SumOfLanes(di, area));

  for (; x < width; ++x) {
    const float value = weight0 * row0[x] + weight1 * row1[x];
    mask[x] = value > threshold ? 1 : 0;
    total += mask[x];
    if (soft != nullptr) soft[x] = value;
  }
  return total;
}

}  // namespace HWY_NAMESPACE
}  // namespace loupe
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace loupe {

HWY_EXPORT(AllFinite);
HWY_EXPORT(ExpandRow);
HWY_EXPORT(AddSigmoidRow);
HWY_EXPORT(ThresholdRow);

bool AllFinite(const float* values, size_t count) { return HWY_DYNAMIC_DISPATCH(AllFinite)(values, count); }

void ExpandRow(const float* source, const int32_t* index0, const int32_t* index1, const float* weight0,
               const float* weight1, int32_t padded, float* destination) {
  HWY_DYNAMIC_DISPATCH(ExpandRow)(source, index0, index1, weight0, weight1, padded, destination);
}

void AddSigmoidRow(const float* row0, const float* row1, float weight0, float weight1, float probability,
                   int32_t padded, float* sum) {
  HWY_DYNAMIC_DISPATCH(AddSigmoidRow)(row0, row1, weight0, weight1, probability, padded, sum);
}

int64_t ThresholdRow(const float* row0, const float* row1, float weight0, float weight1, float threshold, int32_t width,
                     uint8_t* mask, float* soft) {
  return HWY_DYNAMIC_DISPATCH(ThresholdRow)(row0, row1, weight0, weight1, threshold, width, mask, soft);
}

}  // namespace loupe
#endif  // HWY_ONCE
