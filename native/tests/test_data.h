#ifndef LOUPE_NATIVE_TESTS_TEST_DATA_H_
#define LOUPE_NATIVE_TESTS_TEST_DATA_H_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "loupe_native.h"

namespace loupe {

// A picture of noise whose planes are allocations of exactly the stated size, so that AddressSanitizer sees a read
// beyond them. The last row has no gap after it.
class NoisePicture {
 public:
  NoisePicture(int32_t format, int32_t width, int32_t height, int64_t gap, uint32_t seed) {
    std::mt19937 random(seed);
    image_.struct_size = sizeof(loupe_image);
    image_.format = format;
    image_.width = width;
    image_.height = height;
    for (int plane = 0; plane < 3; ++plane) {
      int64_t row_bytes = 0;
      int32_t rows = 0;
      if (loupe_plane_layout(format, width, height, plane, &row_bytes, &rows) != LOUPE_OK || rows == 0) continue;
      const int64_t stride = row_bytes + gap;
      bytes_[plane].resize(static_cast<size_t>(stride * (rows - 1) + row_bytes));
      for (uint8_t& byte : bytes_[plane]) byte = static_cast<uint8_t>(random());
      image_.planes[plane] = {bytes_[plane].data(), static_cast<int64_t>(bytes_[plane].size()), stride};
    }
  }
  NoisePicture(const NoisePicture&) = delete;
  NoisePicture& operator=(const NoisePicture&) = delete;

  loupe_image& image() { return image_; }

 private:
  loupe_image image_{};
  std::vector<uint8_t> bytes_[3];
};

inline std::vector<float> RandomFloats(size_t count, float scale, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, scale);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

// Stretches of one value along rows, so that masks have runs of all lengths.
inline std::vector<uint8_t> RandomMask(int32_t width, int32_t height, int longest_run, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<uint8_t> mask(static_cast<size_t>(width) * static_cast<size_t>(height));
  uint8_t value = random() & 1;
  for (size_t i = 0; i < mask.size(); value ^= 1) {
    for (size_t run = 1 + random() % static_cast<unsigned>(longest_run); run != 0 && i < mask.size(); --run) {
      mask[i++] = value;
    }
  }
  return mask;
}

inline loupe_counts CountsOf(const std::string& counts) {
  return {reinterpret_cast<const uint8_t*>(counts.data()), static_cast<int64_t>(counts.size())};
}

}  // namespace loupe

#endif  // LOUPE_NATIVE_TESTS_TEST_DATA_H_
