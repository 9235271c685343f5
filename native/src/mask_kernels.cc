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
               const float* weight1, int32_t from, int32_t to, float* destination) {
  constexpr Floats d;
  constexpr Words di;
  const auto step = static_cast<int32_t>(hn::Lanes(d));
  const auto blend = [&](int32_t x, hn::Vec<Floats> left, hn::Vec<Floats> right) HWY_ATTR {
    hn::StoreU(hn::Add(hn::Mul(hn::LoadU(d, weight0 + x), left), hn::Mul(hn::LoadU(d, weight1 + x), right)), d,
               destination + x);
  };
  for (int32_t x = from; x < to; x += step) {
    // Where a row becomes longer, all that a vector needs lies within one vector: indices ascend.
    const int32_t first = index0[x];
    const int32_t span = index1[x + step - 1] - first;
    if (span >= 0 && span < step) {
      const auto values = hn::LoadU(d, source + first);
      const auto base = hn::Set(di, first);
      blend(x, hn::TableLookupLanes(values, hn::IndicesFromVec(d, hn::Sub(hn::LoadU(di, index0 + x), base))),
            hn::TableLookupLanes(values, hn::IndicesFromVec(d, hn::Sub(hn::LoadU(di, index1 + x), base))));
    } else {
      blend(x, hn::GatherIndex(d, source, hn::LoadU(di, index0 + x)),
            hn::GatherIndex(d, source, hn::LoadU(di, index1 + x)));
    }
  }
}

// exp(88) is still finite; the sigmoid of anything lower is 0 to 38 places.
HWY_INLINE hn::Vec<Floats> Sigmoid(hn::Vec<Floats> logit) {
  constexpr Floats d;
  const auto one = hn::Set(d, 1.0f);
  return hn::Div(one, hn::Add(one, hn::Exp(d, hn::Neg(hn::Max(logit, hn::Set(d, -88.0f))))));
}

void SumSigmoids(const float* row0, const float* row1, int64_t stride, float weight0, float weight1,
                 const float* probabilities, int32_t queries, int32_t from, int32_t to, float* sum) {
  constexpr Floats d;
  const auto w0 = hn::Set(d, weight0);
  const auto w1 = hn::Set(d, weight1);
  const auto step = static_cast<int32_t>(hn::Lanes(d));
  for (int32_t x = from; x < to; x += step) {
    auto total = hn::Zero(d);
    for (int32_t query = 0; query < queries; ++query) {
      const float* const upper = row0 + query * stride + x;
      const float* const lower = row1 + query * stride + x;
      const auto logit = hn::Add(hn::Mul(w0, hn::LoadU(d, upper)), hn::Mul(w1, hn::LoadU(d, lower)));
      total = hn::Add(total, hn::Mul(hn::Set(d, probabilities[query]), Sigmoid(logit)));
    }
    hn::StoreU(total, d, sum + x);
  }
}

void BoundCells(const float* row0, const float* row1, float probability, int32_t padded, float* most) {
  constexpr Floats d;
  const auto p = hn::Set(d, probability);
  const auto step = static_cast<int32_t>(hn::Lanes(d));
  for (int32_t x = 0; x < padded; x += step) {
    const auto left = hn::Max(hn::LoadU(d, row0 + x), hn::LoadU(d, row1 + x));
    const auto right = hn::Max(hn::LoadU(d, row0 + x + 1), hn::LoadU(d, row1 + x + 1));
    hn::StoreU(hn::Add(hn::LoadU(d, most + x), hn::Mul(p, Sigmoid(hn::Max(left, right)))), d, most + x);
  }
}

int64_t ThresholdRow(const float* row0, const float* row1, float weight0, float weight1, float threshold, int32_t from,
                     int32_t to, uint8_t* mask, float* soft) {
  constexpr Floats d;
  constexpr Words di;
  constexpr BytesOfFloats d8;
  const auto w0 = hn::Set(d, weight0);
  const auto w1 = hn::Set(d, weight1);
  const auto limit = hn::Set(d, threshold);
  const auto one = hn::Set(di, 1);
  const auto step = static_cast<int32_t>(hn::Lanes(d));
  auto area = hn::Zero(di);
  int32_t x = from;
  for (; x + step <= to; x += step) {
    const auto value = hn::Add(hn::Mul(w0, hn::LoadU(d, row0 + x)), hn::Mul(w1, hn::LoadU(d, row1 + x)));
    const auto forged = hn::IfThenElseZero(hn::RebindMask(di, hn::Gt(value, limit)), one);
    hn::StoreU(hn::DemoteTo(d8, forged), d8, mask + x);
    area = hn::Add(area, forged);
    if (soft != nullptr) hn::StoreU(value, d, soft + x);
  }
  int64_t total = hn::GetLane(hn::SumOfLanes(di, area));

  for (; x < to; ++x) {
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
HWY_EXPORT(SumSigmoids);
HWY_EXPORT(BoundCells);
HWY_EXPORT(ThresholdRow);

bool AllFinite(const float* values, size_t count) { return HWY_DYNAMIC_DISPATCH(AllFinite)(values, count); }

void ExpandRow(const float* source, const int32_t* index0, const int32_t* index1, const float* weight0,
               const float* weight1, int32_t from, int32_t to, float* destination) {
  HWY_DYNAMIC_DISPATCH(ExpandRow)(source, index0, index1, weight0, weight1, from, to, destination);
}

void SumSigmoids(const float* row0, const float* row1, int64_t stride, float weight0, float weight1,
                 const float* probabilities, int32_t queries, int32_t from, int32_t to, float* sum) {
  HWY_DYNAMIC_DISPATCH(SumSigmoids)
  (row0, row1, stride, weight0, weight1, probabilities, queries, from, to, sum);
}

void BoundCells(const float* row0, const float* row1, float probability, int32_t padded, float* most) {
  HWY_DYNAMIC_DISPATCH(BoundCells)(row0, row1, probability, padded, most);
}

int64_t ThresholdRow(const float* row0, const float* row1, float weight0, float weight1, float threshold, int32_t from,
                     int32_t to, uint8_t* mask, float* soft) {
  return HWY_DYNAMIC_DISPATCH(ThresholdRow)(row0, row1, weight0, weight1, threshold, from, to, mask, soft);
}

}  // namespace loupe
#endif  // HWY_ONCE
