#include <algorithm>
#include <vector>

#include "fuzz_input.h"
#include "fuzz_targets.h"
#include "loupe_native.h"

namespace loupe::fuzz {
namespace {

constexpr int32_t kUsualSide = 200;
constexpr int64_t kMaxPixels = int64_t{1} << 20;

loupe_counts Counts(const std::vector<uint8_t>& bytes) { return {bytes.data(), static_cast<int64_t>(bytes.size())}; }

std::vector<uint8_t> Encode(const std::vector<uint8_t>& mask, int32_t width, int32_t height) {
  int64_t needed = 0;
  std::vector<uint8_t> counts(1);
  loupe_status status = loupe_rle_encode(mask.data(), static_cast<int64_t>(mask.size()), width, width, height,
                                         counts.data(), static_cast<int64_t>(counts.size()), &needed);
  if (status == LOUPE_BUFFER_TOO_SMALL) {
    counts.resize(static_cast<size_t>(needed));
    status = loupe_rle_encode(mask.data(), static_cast<int64_t>(mask.size()), width, width, height, counts.data(),
                              static_cast<int64_t>(counts.size()), &needed);
  }
  Require(status == LOUPE_OK, "a mask is encoded into what it was said to need");
  counts.resize(static_cast<size_t>(needed));
  return counts;
}

}  // namespace

void RunLength(const uint8_t* data, size_t size) {
  Input input(data, size);
  const int32_t width = input.TakeSide(kUsualSide);
  const int32_t height = input.TakeSide(kUsualSide);
  const size_t first_size = std::min<size_t>(input.Take<uint16_t>(), input.left());
  const std::vector<uint8_t> first = input.TakeBytes(first_size);
  const std::vector<uint8_t> second = input.TakeBytes(input.left());

  int64_t area = -1;
  const loupe_status status = loupe_rle_area(Counts(first), width, height, &area);
  int32_t box[4] = {-1, -1, -1, -1};
  Require(loupe_rle_bounding_box(Counts(first), width, height, box) == status, "all that read counts agree on them");
  const int64_t pixels = int64_t{width} * height;
  if (width < 1 || height < 1 || width > LOUPE_MAX_SIDE || height > LOUPE_MAX_SIDE || pixels > INT32_MAX) {
    Require(status == LOUPE_INVALID_ARGUMENT, "a size that no mask has is refused");
    return;
  }

  Require(status == LOUPE_OK || status == LOUPE_MALFORMED, "counts of a mask's size are read or malformed");
  if (status == LOUPE_OK) {
    Require(area >= 0 && area <= pixels, "an area is within the mask");
    Require(box[0] >= 0 && box[1] >= 0 && box[2] >= 0 && box[3] >= 0 && box[0] + box[2] <= width &&
                box[1] + box[3] <= height,
            "a box is within the mask");
  }
  if (pixels > kMaxPixels) return;

  std::vector<uint8_t> mask(static_cast<size_t>(pixels), 7);
  Require(loupe_rle_decode(Counts(first), width, height, mask.data(), pixels, width) == status,
          "all that read counts agree on them");
  if (status != LOUPE_OK) {
    Require(std::all_of(mask.begin(), mask.end(), [](uint8_t pixel) { return pixel == 7; }),
            "malformed counts leave the mask untouched");
    return;
  }

  Require(std::count(mask.begin(), mask.end(), uint8_t{1}) == area &&
              std::count(mask.begin(), mask.end(), uint8_t{0}) == pixels - area,
          "a mask has the pixels of its area, and others are 0");
  const std::vector<uint8_t> own = Encode(mask, width, height);
  std::vector<uint8_t> again(mask.size(), 7);
  Require(loupe_rle_decode(Counts(own), width, height, again.data(), pixels, width) == LOUPE_OK && again == mask,
          "what was encoded decodes to the same");

  double iou = -1;
  const loupe_status other = loupe_rle_iou(Counts(first), Counts(second), width, height, &iou);
  Require(other != LOUPE_OK || (iou >= 0 && iou <= 1), "an intersection over union is from 0 to 1");
  for (const int32_t operation : {LOUPE_UNION, LOUPE_INTERSECTION}) {
    int64_t needed = 0;
    std::vector<uint8_t> merged(first.size() + second.size());
    loupe_status result = loupe_rle_merge(Counts(first), Counts(second), width, height, operation, merged.data(),
                                          static_cast<int64_t>(merged.size()), &needed);
    if (result == LOUPE_BUFFER_TOO_SMALL) {
      merged.resize(static_cast<size_t>(needed));
      result = loupe_rle_merge(Counts(first), Counts(second), width, height, operation, merged.data(), needed, &needed);
    }
    Require(result == other, "two masks are merged where they are compared");
    if (result != LOUPE_OK) continue;
    merged.resize(static_cast<size_t>(needed));
    int64_t merged_area = 0;
    Require(loupe_rle_area(Counts(merged), width, height, &merged_area) == LOUPE_OK, "merged counts are counts");
    Require(operation == LOUPE_UNION ? merged_area >= area : merged_area <= area,
            "a union is no smaller and an intersection no larger than either");
  }
}

}  // namespace loupe::fuzz
