#include <cmath>
#include <memory>
#include <vector>

#include "fuzz_input.h"
#include "fuzz_targets.h"
#include "loupe_native.h"

namespace loupe::fuzz {
namespace {

constexpr int32_t kUsualCount = 8;
constexpr int32_t kUsualGrid = 24;
constexpr int32_t kUsualSide = 160;
constexpr int64_t kMaxElements = int64_t{1} << 20;

bool Within(int32_t value, int32_t most) { return value >= 1 && value <= most; }

}  // namespace

void MaskDecode(const uint8_t* data, size_t size) {
  Input input(data, size);
  const int32_t decode_size = input.TakeSide(64);
  loupe_mask_request request{};
  request.struct_size = sizeof(request);
  request.queries = input.TakeSide(kUsualCount);
  request.grid_width = input.TakeSide(kUsualGrid);
  request.grid_height = input.TakeSide(kUsualGrid);
  request.width = input.TakeSide(kUsualSide);
  request.height = input.TakeSide(kUsualSide);
  request.threshold = input.Take<float>();
  const auto mask_gap = input.Take<int8_t>();
  const auto soft_gap = input.Take<int8_t>();
  const bool wants_soft = (input.Take<uint8_t>() & 1) != 0;
  request.mask_stride_bytes = int64_t{request.width} + mask_gap;
  request.soft_stride_elements = int64_t{request.width} + soft_gap;

  // Buffers are made only for what the header allows; beyond it the request has to be refused before they matter.
  const bool is_sound = Within(decode_size, 4096) && Within(request.queries, 4096) &&
                        Within(request.grid_width, 4096) && Within(request.grid_height, 4096) &&
                        Within(request.width, LOUPE_MAX_SIDE) && Within(request.height, LOUPE_MAX_SIDE) &&
                        std::isfinite(request.threshold) && mask_gap >= 0 && (!wants_soft || soft_gap >= 0);
  const int64_t logits = is_sound ? int64_t{request.queries} * request.grid_width * request.grid_height : 0;
  const int64_t mask_size = is_sound ? request.mask_stride_bytes * (int64_t{request.height} - 1) + request.width : 0;
  const int64_t soft_size =
      is_sound && wants_soft ? request.soft_stride_elements * (int64_t{request.height} - 1) + request.width : 0;
  if (is_sound && (logits > kMaxElements || mask_size > kMaxElements || soft_size > kMaxElements ||
                   int64_t{request.queries} * decode_size > kMaxElements)) {
    return;
  }

  std::vector<float> mask_logits(static_cast<size_t>(is_sound ? logits : 1));
  bool is_finite = true;
  for (float& value : mask_logits) {
    value = (input.left() % 5 == 0) ? input.Take<float>() : static_cast<float>(input.Take<int8_t>()) / 8;
    is_finite = is_finite && std::isfinite(value);
  }
  std::vector<float> class_logits(static_cast<size_t>(is_sound ? 2 * request.queries : 2));
  for (float& value : class_logits) {
    value = input.Take<float>();
    is_finite = is_finite && std::isfinite(value);
  }
  std::vector<uint8_t> mask(static_cast<size_t>(is_sound ? mask_size : 1), 7);
  std::vector<float> soft(static_cast<size_t>(soft_size > 0 ? soft_size : 1));
  request.mask_logits = mask_logits.data();
  request.class_logits = class_logits.data();
  request.mask = mask.data();
  request.soft = wants_soft ? soft.data() : nullptr;

  loupe_mask_decoder* decoder = nullptr;
  if (loupe_mask_decoder_create(decode_size, &decoder) != LOUPE_OK) {
    Require(!Within(decode_size, 4096), "a decoder of a sound size is made");
    return;
  }
  const std::unique_ptr<loupe_mask_decoder, decltype(&loupe_mask_decoder_destroy)> owner(decoder,
                                                                                         loupe_mask_decoder_destroy);
  int64_t area = -1;
  const loupe_status status = loupe_mask_decode(decoder, &request, &area);
  if (!is_sound) {
    Require(status == LOUPE_INVALID_ARGUMENT, "a request that is not sound is refused");
    return;
  }
  Require(status == (is_finite ? LOUPE_OK : LOUPE_NOT_FINITE),
          "sound requests are decoded, unless a logit is not finite");
  if (status != LOUPE_OK) return;

  int64_t forged = 0;
  for (int32_t y = 0; y < request.height; ++y) {
    for (int32_t x = 0; x < request.width; ++x) {
      const uint8_t pixel = mask[static_cast<size_t>(y * request.mask_stride_bytes + x)];
      Require(pixel <= 1, "a pixel is 0 or 1");
      forged += pixel;
      if (!wants_soft) continue;
      const float value = soft[static_cast<size_t>(y * request.soft_stride_elements + x)];
      Require(std::isfinite(value), "finite logits give finite soft values");
      Require((value > request.threshold) == (pixel != 0),
              "a pixel is forged where its soft value is above the threshold");
    }
  }
  Require(forged == area, "the area is the number of forged pixels");
}

}  // namespace loupe::fuzz
