#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "fuzz_input.h"
#include "fuzz_targets.h"
#include "loupe_native.h"

namespace loupe::fuzz {
namespace {

constexpr int32_t kUsualSide = 96;
constexpr int32_t kUsualImageSize = 48;
constexpr int64_t kMaxBytes = int64_t{1} << 20;

}  // namespace

void Preprocess(const uint8_t* data, size_t size) {
  Input input(data, size);
  loupe_preprocessor_options options{};
  options.struct_size = sizeof(options);
  options.image_size = input.TakeSide(kUsualImageSize);
  for (size_t i = 0; i < 3; ++i) {
    options.mean[i] = (input.Take<uint8_t>() == 255) ? input.Take<float>() : 0.5f;
    options.std[i] = (input.Take<uint8_t>() == 255) ? input.Take<float>() : 0.5f;
  }

  loupe_image image{};
  image.struct_size = sizeof(image);
  image.format = input.Take<uint8_t>() % 9 - 1;
  image.width = input.TakeSide(kUsualSide);
  image.height = input.TakeSide(kUsualSide);
  image.matrix = input.Take<uint8_t>() % 4 - 1;
  image.range = input.Take<uint8_t>() % 4 - 1;
  std::vector<uint8_t> planes[3];
  for (int32_t i = 0; i < 3; ++i) {
    int64_t row_bytes = 0;
    int32_t rows = 0;
    loupe_plane_layout(image.format, image.width, image.height, i, &row_bytes, &rows);
    loupe_plane& plane = image.planes[i];
    const auto odd = input.Take<uint8_t>();
    plane.stride_bytes = odd == 255 ? input.Take<int64_t>() : row_bytes + odd % 8 - (odd > 250 ? 4 : 0);
    // A stride that is out of all bounds is refused whatever the size.
    const bool is_usual = rows != 0 && plane.stride_bytes >= 0 && plane.stride_bytes <= kMaxBytes;
    const int64_t needed = is_usual ? plane.stride_bytes * (rows - 1) + row_bytes : 0;
    plane.size_bytes = std::max<int64_t>(0, std::min(kMaxBytes, needed - (odd > 240 ? odd - 240 : 0)));
    planes[i] = input.TakeBytes(static_cast<size_t>(plane.size_bytes));
    plane.data = planes[i].data();
  }

  const loupe_status valid = loupe_image_validate(&image);
  Require(valid == LOUPE_OK || valid == LOUPE_INVALID_ARGUMENT, "a picture is valid or not");
  if (const int64_t colour = int64_t{3} * image.width * image.height; valid != LOUPE_OK || colour <= kMaxBytes) {
    std::vector<uint8_t> bgr(valid == LOUPE_OK ? static_cast<size_t>(colour) : 1);
    Require(loupe_image_to_bgr(&image, bgr.data(), int64_t{3} * image.width, static_cast<int64_t>(bgr.size())) == valid,
            "a valid picture has colour and no other");
  }
  loupe_preprocessor* preprocessor = nullptr;
  if (loupe_preprocessor_create(&options, &preprocessor) != LOUPE_OK) return;
  const std::unique_ptr<loupe_preprocessor, decltype(&loupe_preprocessor_destroy)> owner(preprocessor,
                                                                                         loupe_preprocessor_destroy);
  const int64_t count = int64_t{3} * options.image_size * options.image_size;
  if (count > kMaxBytes) return;
  std::vector<uint8_t> bytes(static_cast<size_t>(count));
  std::vector<float> values(static_cast<size_t>(count));
  Require(loupe_preprocess_to_chw(preprocessor, &image, bytes.data(), count) == valid,
          "a valid picture is preprocessed and no other");
  Require(loupe_preprocess_to_nchw(preprocessor, &image, values.data(), count) == valid,
          "a valid picture is preprocessed and no other");
  if (valid != LOUPE_OK) return;
  Require(loupe_preprocess_to_chw(preprocessor, &image, bytes.data(), count - 1) != LOUPE_OK,
          "a destination that is too small is refused");
  const auto side = static_cast<size_t>(count / 3);
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t channel = i / side;
    const float centred = static_cast<float>(bytes[i] * (1.0 / 255.0)) - options.mean[channel];
    const float expected = centred / options.std[channel];
    Require(values[i] == expected || (std::isnan(values[i]) && std::isnan(expected)),
            "values are the bytes, normalised");
  }
}

}  // namespace loupe::fuzz
