#include <hwy/highway.h>
#include <hwy/tests/hwy_gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "loupe_native.h"
#include "reference.h"
#include "test_data.h"

namespace loupe {
namespace {

constexpr float kMean[3] = {0.5f, 0.4f, 0.3f};
constexpr float kStd[3] = {0.5f, 0.25f, 0.2f};

class Handle {
 public:
  explicit Handle(int32_t image_size) {
    loupe_preprocessor_options options{sizeof(options), image_size, {}, {}};
    for (int channel = 0; channel < 3; ++channel) {
      options.mean[channel] = kMean[channel];
      options.std[channel] = kStd[channel];
    }
    EXPECT_EQ(LOUPE_OK, loupe_preprocessor_create(&options, &value_)) << loupe_last_error();
  }
  ~Handle() { loupe_preprocessor_destroy(value_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  operator loupe_preprocessor*() { return value_; }

 private:
  loupe_preprocessor* value_ = nullptr;
};

struct Size {
  int32_t width, height, image_size;
};

// Ragged against every vector length, both ways across it; reductions, enlargements, and passes that are skipped.
constexpr Size kSizes[] = {
    {1, 1, 1},
    {1, 1, 65},
    {2, 3, 16},
    {3, 2, 7},
    {17, 5, 33},
    {31, 64, 64},
    {64, 31, 64},
    {63, 65, 31},
    {65, 63, 65},
    {127, 9, 48},
    {128, 10, 48},
    {129, 11, 48},
    {130, 77, 5},
    {257, 3, 112},
    {3, 257, 33},
    {900, 30, 64},
    {30, 900, 64},
    {1921, 7, 16},
    {48, 48, 48},
    {255, 256, 1},
    // Blocks of outputs that reach over two, three and four vectors of inputs, and further.
    {300, 5, 64},
    {640, 4, 64},
    {600, 4, 100},
    {1030, 4, 80},
    {1920, 6, 224},
    {1700, 4, 100},
    {3840, 3, 224},
};

constexpr int32_t kFormats[] = {LOUPE_BGR24, LOUPE_RGB24, LOUPE_BGRA32, LOUPE_GRAY8,
                                LOUPE_NV12,  LOUPE_I420,  LOUPE_YUYV};

class PreprocessorTest : public hwy::TestWithParamTarget {
 protected:
  static void ExpectReference(loupe_preprocessor* preprocessor, const loupe_image& image, int32_t image_size) {
    const auto expected = reference::ToChannels(reference::Resize(reference::ToRgb(image), image_size));
    std::vector<uint8_t> bytes(expected.size());
    ASSERT_EQ(LOUPE_OK, loupe_preprocess_to_chw(preprocessor, &image, bytes.data(), static_cast<int64_t>(bytes.size())))
        << loupe_last_error();
    ASSERT_EQ(expected, bytes);

    std::vector<float> values(expected.size());
    ASSERT_EQ(LOUPE_OK,
              loupe_preprocess_to_nchw(preprocessor, &image, values.data(), static_cast<int64_t>(values.size())));
    ASSERT_EQ(reference::Normalize(expected, kMean, kStd), values);
  }
};

HWY_TARGET_INSTANTIATE_TEST_SUITE_P(PreprocessorTest);

TEST_P(PreprocessorTest, EveryFormatAndSizeIsTheReferenceBitForBit) {
  for (const Size& size : kSizes) {
    Handle preprocessor(size.image_size);
    for (const int32_t format : kFormats) {
      SCOPED_TRACE(std::to_string(format) + ": " + std::to_string(size.width) + "x" + std::to_string(size.height) +
                   " to " + std::to_string(size.image_size));
      NoisePicture picture(format, size.width, size.height, format * 3, static_cast<uint32_t>(size.width));
      ExpectReference(preprocessor, picture.image(), size.image_size);
    }
  }
}

TEST_P(PreprocessorTest, EveryMatrixAndRangeIsTheReferenceBitForBit) {
  Handle preprocessor(67);
  for (const int32_t format : {LOUPE_NV12, LOUPE_I420, LOUPE_YUYV}) {
    NoisePicture picture(format, 67, 67, 0, 5);
    for (const int32_t matrix : {LOUPE_BT601, LOUPE_BT709}) {
      for (const int32_t range : {LOUPE_LIMITED, LOUPE_FULL}) {
        picture.image().matrix = matrix;
        picture.image().range = range;
        ExpectReference(preprocessor, picture.image(), 67);
      }
    }
  }
}

TEST_P(PreprocessorTest, ColourOfEveryFormatIsTheReferenceAndNothingBesideItIsWritten) {
  constexpr uint8_t kUntouched = 0x5A;
  for (const Size& size : kSizes) {
    for (const int32_t format : kFormats) {
      SCOPED_TRACE(std::to_string(format) + ": " + std::to_string(size.width) + "x" + std::to_string(size.height));
      NoisePicture picture(format, size.width, size.height, format * 3, static_cast<uint32_t>(size.width));
      const auto expected = reference::ToRgb(picture.image()).pixels;
      const int64_t row = int64_t{3} * size.width;
      const int64_t stride = row + format;
      // Exactly what is needed, so that AddressSanitizer sees a write beyond it.
      std::vector<uint8_t> bgr(static_cast<size_t>(stride * (size.height - 1) + row), kUntouched);
      const auto count = static_cast<int64_t>(bgr.size());
      ASSERT_EQ(LOUPE_OK, loupe_image_to_bgr(&picture.image(), bgr.data(), stride, count)) << loupe_last_error();
      for (int64_t i = 0; i < count; ++i) {
        const int64_t x = i % stride;
        const int64_t pixel = (i / stride * size.width + x / 3) * 3;
        ASSERT_EQ(x < row ? expected[static_cast<size_t>(pixel + 2 - x % 3)] : kUntouched, bgr[static_cast<size_t>(i)]);
      }
      EXPECT_EQ(LOUPE_BUFFER_TOO_SMALL, loupe_image_to_bgr(&picture.image(), bgr.data(), stride, count - 1));
      EXPECT_EQ(LOUPE_INVALID_ARGUMENT, loupe_image_to_bgr(&picture.image(), bgr.data(), row - 1, count));
    }
  }
}

TEST_P(PreprocessorTest, ExtremesDoNotOverflow) {
  Handle preprocessor(16);
  for (const int value : {0, 255}) {
    std::vector<uint8_t> bytes(3 * 200 * 100, static_cast<uint8_t>(value));
    loupe_image image{sizeof(image), LOUPE_RGB24, 200, 100, 0, 0, {}};
    image.planes[0] = {bytes.data(), static_cast<int64_t>(bytes.size()), 600};
    ExpectReference(preprocessor, image, 16);
  }
}

}  // namespace
}  // namespace loupe
