#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "loupe_native.h"
#include "test_data.h"

namespace loupe {
namespace {

loupe_preprocessor* Create(int32_t image_size) {
  const loupe_preprocessor_options options{sizeof(options), image_size, {0.5f, 0.5f, 0.5f}, {0.5f, 0.5f, 0.5f}};
  loupe_preprocessor* preprocessor = nullptr;
  EXPECT_EQ(LOUPE_OK, loupe_preprocessor_create(&options, &preprocessor)) << loupe_last_error();
  return preprocessor;
}

TEST(HandleTest, TheInterfaceVersionIsTheHeaders) {
  EXPECT_EQ(static_cast<uint32_t>(LOUPE_ABI_VERSION), loupe_abi_version());
}

TEST(HandleTest, TheLastErrorBelongsToItsThread) {
  int64_t row_bytes = 0;
  int32_t rows = 0;
  EXPECT_EQ(LOUPE_INVALID_ARGUMENT, loupe_plane_layout(LOUPE_BGR24, 0, 1, 0, &row_bytes, &rows));
  const std::string mine = loupe_last_error();
  EXPECT_NE(std::string::npos, mine.find("width is 0"));
  std::thread([] { EXPECT_STREQ("", loupe_last_error()); }).join();
  EXPECT_EQ(LOUPE_OK, loupe_plane_layout(LOUPE_BGR24, 1, 1, 0, &row_bytes, &rows));
  EXPECT_EQ(mine, loupe_last_error());
}

TEST(HandleTest, DestroyingNothingDoesNothing) {
  loupe_preprocessor_destroy(nullptr);
  loupe_mask_decoder_destroy(nullptr);
}

TEST(HandleTest, OptionsThatMakeNoSenseAreRefused) {
  loupe_preprocessor* preprocessor = nullptr;
  const auto refused = [&](auto change) {
    loupe_preprocessor_options options{sizeof(options), 8, {0, 0, 0}, {1, 1, 1}};
    change(options);
    return loupe_preprocessor_create(&options, &preprocessor) == LOUPE_INVALID_ARGUMENT && preprocessor == nullptr;
  };
  EXPECT_TRUE(refused([](auto& o) { o.struct_size = 31; }));
  EXPECT_TRUE(refused([](auto& o) { o.image_size = 0; }));
  EXPECT_TRUE(refused([](auto& o) { o.image_size = 16385; }));
  EXPECT_TRUE(refused([](auto& o) { o.std[2] = 0; }));
  EXPECT_EQ(LOUPE_INVALID_ARGUMENT, loupe_preprocessor_create(nullptr, &preprocessor));
  loupe_mask_decoder* decoder = nullptr;
  EXPECT_EQ(LOUPE_INVALID_ARGUMENT, loupe_mask_decoder_create(4097, &decoder));
  EXPECT_EQ(LOUPE_INVALID_ARGUMENT, loupe_mask_decoder_create(8, nullptr));
}

TEST(HandleTest, APictureThatDoesNotFitIsRefusedAndTheDestinationLeftAlone) {
  loupe_preprocessor* preprocessor = Create(4);
  NoisePicture picture(LOUPE_I420, 5, 3, 2, 1);
  std::vector<uint8_t> destination(3 * 4 * 4, 7);
  const auto refused = [&](auto change) {
    loupe_image image = picture.image();
    change(image);
    const loupe_status status = loupe_preprocess_to_chw(preprocessor, &image, destination.data(), 48);
    EXPECT_EQ(status, loupe_image_validate(&image));
    return status == LOUPE_INVALID_ARGUMENT && destination == std::vector<uint8_t>(48, 7);
  };
  EXPECT_TRUE(refused([](auto& i) { i.struct_size = 95; }));
  EXPECT_TRUE(refused([](auto& i) { i.format = 7; }));
  EXPECT_TRUE(refused([](auto& i) { i.width = LOUPE_MAX_SIDE + 1; }));
  EXPECT_TRUE(refused([](auto& i) { i.height = -3; }));
  EXPECT_TRUE(refused([](auto& i) { i.matrix = 2; }));
  EXPECT_TRUE(refused([](auto& i) { i.range = -1; }));
  for (int plane = 0; plane < 3; ++plane) {
    EXPECT_TRUE(refused([=](auto& i) { i.planes[plane].data = nullptr; }));
    EXPECT_TRUE(refused([=](auto& i) { --i.planes[plane].size_bytes; }));
    EXPECT_TRUE(refused([=](auto& i) { i.planes[plane].size_bytes = INT64_MIN; }));
    EXPECT_TRUE(refused([=](auto& i) { i.planes[plane].stride_bytes = 2; }));
    EXPECT_TRUE(refused([=](auto& i) { i.planes[plane].stride_bytes = INT64_MAX; }));
    EXPECT_TRUE(refused([=](auto& i) { i.planes[plane].stride_bytes = INT64_MIN; }));
  }
  EXPECT_EQ(LOUPE_INVALID_ARGUMENT, loupe_preprocess_to_chw(preprocessor, nullptr, destination.data(), 48));
  EXPECT_EQ(LOUPE_INVALID_ARGUMENT, loupe_preprocess_to_chw(nullptr, &picture.image(), destination.data(), 48));
  EXPECT_EQ(LOUPE_INVALID_ARGUMENT, loupe_preprocess_to_chw(preprocessor, &picture.image(), nullptr, 48));
  EXPECT_EQ(LOUPE_BUFFER_TOO_SMALL, loupe_preprocess_to_chw(preprocessor, &picture.image(), destination.data(), 47));
  EXPECT_EQ(LOUPE_OK, loupe_preprocess_to_chw(preprocessor, &picture.image(), destination.data(), 48));
  loupe_preprocessor_destroy(preprocessor);
}

TEST(HandleTest, ASecondCallerIsTurnedAwayAndTheFirstServed) {
  loupe_preprocessor* preprocessor = Create(32);
  NoisePicture picture(LOUPE_BGR24, 320, 240, 0, 1);
  std::vector<uint8_t> expected(3 * 32 * 32);
  ASSERT_EQ(LOUPE_OK, loupe_preprocess_to_chw(preprocessor, &picture.image(), expected.data(), 3 * 32 * 32));

  std::atomic<int> served = 0;
  const auto caller = [&] {
    std::vector<uint8_t> bytes(expected.size());
    for (int i = 0; i < 50; ++i) {
      std::memset(bytes.data(), 0, bytes.size());
      const loupe_status status = loupe_preprocess_to_chw(preprocessor, &picture.image(), bytes.data(), 3 * 32 * 32);
      if (status == LOUPE_BUSY) continue;
      EXPECT_EQ(LOUPE_OK, status);
      EXPECT_EQ(expected, bytes);
      ++served;
    }
  };
  std::thread other(caller);
  caller();
  other.join();
  EXPECT_GT(served, 0);
  loupe_preprocessor_destroy(preprocessor);
}

}  // namespace
}  // namespace loupe
