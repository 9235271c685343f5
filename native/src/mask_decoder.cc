#include "mask_decoder.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "failure.h"
#include "lane_padding.h"
#include "mask_kernels.h"

namespace loupe {
namespace {

constexpr int32_t kMaxCount = 4096;  // of queries, grid cells a side, and the decode size

void RequireWithin(const char* name, int32_t value, int32_t most) {
  if (value < 1 || value > most) {
    RefuseArgument(std::string(name) + " is " + std::to_string(value) + ", must be 1 to " + std::to_string(most));
  }
}

int32_t ValidDecodeSize(int32_t decode_size) {
  RequireWithin("the decode size", decode_size, kMaxCount);
  return decode_size;
}

void Validate(const loupe_mask_request& request) {
  RequireWithin("the number of queries", request.queries, kMaxCount);
  RequireWithin("the grid's width", request.grid_width, kMaxCount);
  RequireWithin("the grid's height", request.grid_height, kMaxCount);
  RequireWithin("width", request.width, LOUPE_MAX_SIDE);
  RequireWithin("height", request.height, LOUPE_MAX_SIDE);
  if (request.mask_logits == nullptr || request.class_logits == nullptr) RefuseArgument("the logits are null");
  if (request.mask == nullptr) RefuseArgument("the mask is null");
  if (!std::isfinite(request.threshold)) RefuseArgument("the threshold is not finite");
  if (request.reserved != 0) RefuseArgument("a reserved field is not 0");
  if (request.mask_stride_bytes < request.width) {
    RefuseArgument("the mask's stride is " + std::to_string(request.mask_stride_bytes) + " bytes, a row takes " +
                   std::to_string(request.width));
  }
  if (request.soft != nullptr && request.soft_stride_elements < request.width) {
    RefuseArgument("the soft map's stride is " + std::to_string(request.soft_stride_elements) +
                   " elements, a row takes " + std::to_string(request.width));
  }

  const auto queries = static_cast<size_t>(request.queries);
  const auto cells = static_cast<size_t>(request.grid_width) * static_cast<size_t>(request.grid_height);
  if (!AllFinite(request.mask_logits, queries * cells)) throw Failure(LOUPE_NOT_FINITE, "a mask logit is not finite");
  if (!AllFinite(request.class_logits, queries * 2)) throw Failure(LOUPE_NOT_FINITE, "a class logit is not finite");
}

// softmax(logits)[0]
float FirstOfTwo(const float logits[2]) {
  const float most = std::max(logits[0], logits[1]);
  const float first = std::exp(logits[0] - most);
  const float second = std::exp(logits[1] - most);
  return first / (first + second);
}

}  // namespace

void MaskDecoder::RowPair::Reset(size_t row_size) {
  index = {-1, -1};
  stride = row_size;
  if (values.size() < 2 * row_size) values.resize(2 * row_size);
}

template <class Fill>
const float* MaskDecoder::RowPair::Get(int32_t row, Fill fill) {
  for (size_t slot = 0; slot < 2; ++slot) {
    if (index[slot] == row) return at(slot);
  }
  const size_t slot = index[0] < index[1] ? 0 : 1;
  index[slot] = row;
  fill(at(slot));
  return at(slot);
}

MaskDecoder::MaskDecoder(int32_t decode_size) : decode_size_(ValidDecodeSize(decode_size)) {
  combined_.resize(static_cast<size_t>(PadToLanes(decode_size)));
}

const float* MaskDecoder::GridRow(const loupe_mask_request& request, int32_t row) {
  return grid_rows_.Get(row, [&](float* destination) {
    const int32_t padded = PadToLanes(decode_size_);
    for (int32_t query = 0; query < request.queries; ++query) {
      const float* const source =
          request.mask_logits + (int64_t{query} * request.grid_height + row) * request.grid_width;
      ExpandRow(source, grid_to_decode_x_.index0(), grid_to_decode_x_.index1(), grid_to_decode_x_.weight0(),
                grid_to_decode_x_.weight1(), padded, destination + int64_t{query} * padded);
    }
  });
}

const float* MaskDecoder::SoftRow(const loupe_mask_request& request, int32_t row) {
  return soft_rows_.Get(row, [&](float* destination) {
    const int32_t padded = PadToLanes(decode_size_);
    const float* const row0 = GridRow(request, grid_to_decode_y_.index0()[row]);
    const float* const row1 = GridRow(request, grid_to_decode_y_.index1()[row]);
    std::fill(combined_.begin(), combined_.end(), 0.0f);
    for (int32_t query = 0; query < request.queries; ++query) {
      AddSigmoidRow(row0 + int64_t{query} * padded, row1 + int64_t{query} * padded, grid_to_decode_y_.weight0()[row],
                    grid_to_decode_y_.weight1()[row], forged_[static_cast<size_t>(query)], padded, combined_.data());
    }
    ExpandRow(combined_.data(), decode_to_picture_x_.index0(), decode_to_picture_x_.index1(),
              decode_to_picture_x_.weight0(), decode_to_picture_x_.weight1(), PadToLanes(request.width), destination);
  });
}

int64_t MaskDecoder::Decode(const loupe_mask_request& request) {
  Validate(request);
  grid_to_decode_x_.Configure(request.grid_width, decode_size_);
  grid_to_decode_y_.Configure(request.grid_height, decode_size_);
  decode_to_picture_x_.Configure(decode_size_, request.width);
  decode_to_picture_y_.Configure(decode_size_, request.height);
  grid_rows_.Reset(static_cast<size_t>(request.queries) * static_cast<size_t>(PadToLanes(decode_size_)));
  soft_rows_.Reset(static_cast<size_t>(PadToLanes(request.width)));

  const auto queries = static_cast<size_t>(request.queries);
  if (forged_.size() < queries) forged_.resize(queries);
  for (size_t query = 0; query < queries; ++query) forged_[query] = FirstOfTwo(request.class_logits + 2 * query);

  int64_t area = 0;
  for (int32_t y = 0; y < request.height; ++y) {
    const float* const row0 = SoftRow(request, decode_to_picture_y_.index0()[y]);
    const float* const row1 = SoftRow(request, decode_to_picture_y_.index1()[y]);
    float* const soft = request.soft == nullptr ? nullptr : request.soft + y * request.soft_stride_elements;
    area += ThresholdRow(row0, row1, decode_to_picture_y_.weight0()[y], decode_to_picture_y_.weight1()[y],
                         request.threshold, request.width, request.mask + y * request.mask_stride_bytes, soft);
  }
  return area;
}

}  // namespace loupe
