#include "mask_decoder.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "failure.h"
#include "lane_padding.h"
#include "mask_kernels.h"

namespace loupe {
namespace {

// Elements of a row that is read beyond its end.
size_t RowWithRoom(int32_t size) { return static_cast<size_t>(PadToLanes(size)) + kLanePadding; }

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
  if (request.soft_extent != LOUPE_SOFT_EVERYWHERE && request.soft_extent != LOUPE_SOFT_WITHIN_MASK) {
    RefuseArgument("the soft map's extent is none of loupe_soft_extent");
  }
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

MaskDecoder::Range MaskDecoder::Range::Union(const Range& other) const {
  if (empty()) return other;
  if (other.empty()) return *this;
  return {std::min(from, other.from), std::max(to, other.to)};
}

MaskDecoder::MaskDecoder(int32_t decode_size) : decode_size_(ValidDecodeSize(decode_size)) {
  // ExpandRow reads beyond the end.
  combined_.resize(RowWithRoom(decode_size));
}

MaskDecoder::Range MaskDecoder::OpenCells(const loupe_mask_request& request, int32_t row) {
  const int32_t width = request.grid_width;
  const int32_t padded = PadToLanes(width);
  const int32_t next = std::min(row + 1, request.grid_height - 1);
  std::fill(bounds_.begin(), bounds_.begin() + padded, 0.0f);
  float* const upper = corners_.data();
  float* const lower = upper + padded + kLanePadding;
  for (int32_t query = 0; query < request.queries; ++query) {
    const float* const logits = request.mask_logits + int64_t{query} * request.grid_height * width;
    const auto copy = [&](int32_t from, float* to) {
      std::memcpy(to, logits + int64_t{from} * width, static_cast<size_t>(width) * sizeof(float));
      // The last cell has no neighbour.
      to[width] = to[width - 1];
    };
    copy(row, upper);
    copy(next, lower);
    BoundCells(upper, lower, forged_[static_cast<size_t>(query)], padded, bounds_.data());
  }

  // By far more than the sums of either side are rounded by.
  const float certain = request.threshold - 1e-4f - 1e-6f * static_cast<float>(request.queries);
  Range range;
  for (int32_t x = 0; x < width; ++x) {
    // What is not below is open: not a number too.
    if (!(bounds_[static_cast<size_t>(x)] < certain)) range = range.Union({x, x + 1});
  }
  return range;
}

void MaskDecoder::FindNeeded(const loupe_mask_request& request) {
  const auto rows = static_cast<size_t>(decode_size_);
  const int32_t padded = PadToLanes(decode_size_);
  needed_.assign(rows, {0, padded});
  pixels_.assign(rows, {0, PadToLanes(request.width)});
  if (request.soft != nullptr && request.soft_extent == LOUPE_SOFT_EVERYWHERE) return;

  const size_t wide = RowWithRoom(request.grid_width);
  if (corners_.size() < 2 * wide) corners_.resize(2 * wide);
  if (bounds_.size() < wide) bounds_.resize(wide);
  cells_.resize(static_cast<size_t>(request.grid_height));
  for (int32_t row = 0; row < request.grid_height; ++row) cells_[static_cast<size_t>(row)] = OpenCells(request, row);

  // A pixel that mixes an open place with others needs all of them: a column and a row more on each side.
  for (int32_t row = 0; row < decode_size_; ++row) {
    Range cells;
    for (int32_t near = std::max(row - 1, 0); near <= std::min(row + 1, decode_size_ - 1); ++near) {
      cells = cells.Union(cells_[static_cast<size_t>(grid_to_decode_y_.index0()[near])]);
    }
    Range columns;
    if (!cells.empty()) {
      const int32_t* const index = grid_to_decode_x_.index0();
      columns.from = static_cast<int32_t>(std::lower_bound(index, index + decode_size_, cells.from) - index);
      columns.to = static_cast<int32_t>(std::lower_bound(index, index + decode_size_, cells.to) - index);
    }
    if (!columns.empty()) {
      columns = {std::max(columns.from - 1, 0), std::min(columns.to + 1, decode_size_)};
      const int32_t* const index0 = decode_to_picture_x_.index0();
      const int32_t* const index1 = decode_to_picture_x_.index1();
      const Range picture = {
          static_cast<int32_t>(std::lower_bound(index1, index1 + request.width, columns.from) - index1),
          static_cast<int32_t>(std::lower_bound(index0, index0 + request.width, columns.to) - index0)};
      pixels_[static_cast<size_t>(row)] = {picture.from / kLanePadding * kLanePadding, PadToLanes(picture.to)};
      columns = {columns.from / kLanePadding * kLanePadding, PadToLanes(columns.to)};
    } else {
      pixels_[static_cast<size_t>(row)] = {};
    }
    needed_[static_cast<size_t>(row)] = columns;
  }
}

const float* MaskDecoder::GridRow(const loupe_mask_request& request, int32_t row) {
  return grid_rows_.Get(row, [&](float* destination) {
    const int32_t padded = PadToLanes(decode_size_);
    for (int32_t query = 0; query < request.queries; ++query) {
      // Copied, as more is read than a row has.
      const float* const source =
          request.mask_logits + (int64_t{query} * request.grid_height + row) * request.grid_width;
      std::memcpy(grid_row_.data(), source, static_cast<size_t>(request.grid_width) * sizeof(float));
      ExpandRow(grid_row_.data(), grid_to_decode_x_.index0(), grid_to_decode_x_.index1(), grid_to_decode_x_.weight0(),
                grid_to_decode_x_.weight1(), 0, padded, destination + int64_t{query} * padded);
    }
  });
}

const float* MaskDecoder::SoftRow(const loupe_mask_request& request, int32_t row) {
  return soft_rows_.Get(row, [&](float* destination) {
    const int32_t padded = PadToLanes(decode_size_);
    const Range columns = needed_[static_cast<size_t>(row)];
    const Range pixels = pixels_[static_cast<size_t>(row)];
    // What nothing needs is below the threshold whatever it is.
    std::fill(destination, destination + PadToLanes(request.width), 0.0f);
    if (columns.empty()) return;

    const float* const row0 = GridRow(request, grid_to_decode_y_.index0()[row]);
    const float* const row1 = GridRow(request, grid_to_decode_y_.index1()[row]);
    std::fill(combined_.begin(), combined_.end(), 0.0f);
    SumSigmoids(row0, row1, padded, grid_to_decode_y_.weight0()[row], grid_to_decode_y_.weight1()[row], forged_.data(),
                request.queries, columns.from, columns.to, combined_.data());
    ExpandRow(combined_.data(), decode_to_picture_x_.index0(), decode_to_picture_x_.index1(),
              decode_to_picture_x_.weight0(), decode_to_picture_x_.weight1(), pixels.from, pixels.to, destination);
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
  const size_t grid_row = RowWithRoom(request.grid_width);
  if (grid_row_.size() < grid_row) grid_row_.resize(grid_row);

  const auto queries = static_cast<size_t>(request.queries);
  if (forged_.size() < queries) forged_.resize(queries);
  for (size_t query = 0; query < queries; ++query) forged_[query] = FirstOfTwo(request.class_logits + 2 * query);
  FindNeeded(request);

  int64_t area = 0;
  for (int32_t y = 0; y < request.height; ++y) {
    const int32_t upper = decode_to_picture_y_.index0()[y];
    const int32_t lower = decode_to_picture_y_.index1()[y];
    const Range both = pixels_[static_cast<size_t>(upper)].Union(pixels_[static_cast<size_t>(lower)]);
    const Range open = {both.from, std::min(both.to, request.width)};
    uint8_t* const mask = request.mask + y * request.mask_stride_bytes;
    if (open.empty()) {
      std::memset(mask, 0, static_cast<size_t>(request.width));
      continue;
    }

    const float* const row0 = SoftRow(request, upper);
    const float* const row1 = SoftRow(request, lower);
    float* const soft = request.soft == nullptr ? nullptr : request.soft + y * request.soft_stride_elements;
    std::memset(mask, 0, static_cast<size_t>(open.from));
    area += ThresholdRow(row0, row1, decode_to_picture_y_.weight0()[y], decode_to_picture_y_.weight1()[y],
                         request.threshold, open.from, open.to, mask, soft);
    std::memset(mask + open.to, 0, static_cast<size_t>(request.width - open.to));
  }
  return area;
}

}  // namespace loupe
