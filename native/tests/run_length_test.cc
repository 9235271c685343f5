#include <hwy/highway.h>
#include <hwy/tests/hwy_gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "loupe_native.h"
#include "reference.h"
#include "test_data.h"

namespace loupe {
namespace {

struct Size {
  int32_t width, height;
};

// Ragged against the tiles of 64 x 64; the last ones exceed what the encoder keeps on the stack.
constexpr Size kSizes[] = {{1, 1},   {1, 2},   {2, 1},    {7, 5},    {63, 64},  {64, 63},
                           {64, 64}, {65, 65}, {128, 70}, {70, 128}, {900, 30}, {30, 900},
                           {200, 1}, {1, 200}, {3, 4096}, {3, 4097}, {66, 5000}};

std::string Encode(const std::vector<uint8_t>& mask, int32_t width, int32_t height, int64_t stride) {
  std::string counts(16, '\0');
  int64_t written = 0;
  const auto encode = [&] {
    return loupe_rle_encode(mask.data(), static_cast<int64_t>(mask.size()), stride, width, height,
                            reinterpret_cast<uint8_t*>(counts.data()), static_cast<int64_t>(counts.size()), &written);
  };
  loupe_status status = encode();
  if (status == LOUPE_BUFFER_TOO_SMALL) {
    counts.resize(static_cast<size_t>(written));
    status = encode();
  }
  EXPECT_EQ(LOUPE_OK, status) << loupe_last_error();
  counts.resize(static_cast<size_t>(written));
  return counts;
}

class RunLengthTest : public hwy::TestWithParamTarget {};

HWY_TARGET_INSTANTIATE_TEST_SUITE_P(RunLengthTest);

TEST_P(RunLengthTest, CountsAreTheReferenceAndDecodeToTheMask) {
  uint32_t seed = 0;
  for (const Size& size : kSizes) {
    for (const int longest_run : {1, 2, 30, 5000}) {
      SCOPED_TRACE(std::to_string(size.width) + "x" + std::to_string(size.height));
      const auto mask = RandomMask(size.width, size.height, longest_run, ++seed);
      const std::string expected = reference::Counts(reference::Runs(mask, size.width, size.height));

      // Rows with gaps full of ones, and any value for forged.
      const int64_t stride = size.width + 3;
      std::vector<uint8_t> spread(static_cast<size_t>(stride * (size.height - 1) + size.width), 1);
      for (size_t i = 0; i < mask.size(); ++i) {
        spread[i / static_cast<size_t>(size.width) * static_cast<size_t>(stride) +
               i % static_cast<size_t>(size.width)] = static_cast<uint8_t>(mask[i] == 0 ? 0 : 1 + i % 255);
      }
      ASSERT_EQ(expected, Encode(spread, size.width, size.height, stride));

      std::vector<uint8_t> decoded(mask.size(), 9);
      ASSERT_EQ(LOUPE_OK, loupe_rle_decode(CountsOf(expected), size.width, size.height, decoded.data(),
                                           static_cast<int64_t>(decoded.size()), size.width));
      ASSERT_EQ(mask, decoded);
    }
  }
}

TEST_P(RunLengthTest, MasksOfOneValueHaveOneRun) {
  for (const Size& size : kSizes) {
    const auto pixels = static_cast<size_t>(size.width) * static_cast<size_t>(size.height);
    const auto total = static_cast<int64_t>(pixels);
    EXPECT_EQ(reference::Counts({total}), Encode(std::vector<uint8_t>(pixels, 0), size.width, size.height, size.width));
    EXPECT_EQ(reference::Counts({0, total}),
              Encode(std::vector<uint8_t>(pixels, 255), size.width, size.height, size.width));
  }
}

// The pixels of these runs, down the columns.
std::vector<uint8_t> ColumnOf(const std::vector<int64_t>& runs) {
  std::vector<uint8_t> mask;
  for (size_t i = 0; i < runs.size(); ++i) mask.insert(mask.end(), static_cast<size_t>(runs[i]), i % 2);
  return mask;
}

TEST(RunLengthToolsTest, DifferencesOfRunsTakeAsManyCharactersAsTheyNeed) {
  std::vector<int64_t> runs = {0, 20000, 20000};
  for (const int64_t edge : {1, 15, 16, 17, 31, 32, 33, 511, 512, 513, 1023, 1024, 1025, 16383, 16384, 16385}) {
    for (const int64_t difference : {edge, -edge}) {
      runs.push_back(runs[runs.size() - 2] + difference);
      runs.push_back(runs[runs.size() - 2]);
    }
  }
  // Several columns, since one is at most 65535 high.
  constexpr int32_t kColumns = 32;
  for (const int64_t first : {0, 1}) {  // it is never subtracted
    runs[0] = first;
    auto whole = runs;
    whole.back() -= static_cast<int64_t>(ColumnOf(runs).size()) % kColumns;
    const auto pixels = ColumnOf(whole);
    const size_t height = pixels.size() / kColumns;
    std::vector<uint8_t> rows(pixels.size());
    for (size_t i = 0; i < pixels.size(); ++i) rows[i % height * kColumns + i / height] = pixels[i];
    EXPECT_EQ(reference::Counts(whole), Encode(rows, kColumns, static_cast<int32_t>(height), kColumns));
  }
}

TEST(RunLengthToolsTest, NothingIsWrittenBeyondTheCapacity) {
  constexpr int32_t kSide = 24;
  constexpr uint8_t kUntouched = 1;
  for (const int longest_run : {1, 30, 300}) {
    const auto mask = RandomMask(kSide, kSide, longest_run, 7);
    const std::string expected = reference::Counts(reference::Runs(mask, kSide, kSide));
    const auto size = static_cast<int64_t>(expected.size());
    for (int64_t capacity = 0; capacity <= size + 2; ++capacity) {
      std::vector<uint8_t> room(expected.size() + 4, kUntouched);
      int64_t written = 0;
      const loupe_status status = loupe_rle_encode(mask.data(), static_cast<int64_t>(mask.size()), kSide, kSide, kSide,
                                                   room.data(), capacity, &written);
      ASSERT_EQ(capacity < size ? LOUPE_BUFFER_TOO_SMALL : LOUPE_OK, status);
      ASSERT_EQ(size, written);
      ASSERT_TRUE(std::all_of(room.begin() + capacity, room.end(), [](uint8_t value) { return value == kUntouched; }));
      if (status == LOUPE_OK) {
        ASSERT_EQ(expected, std::string(room.begin(), room.begin() + size));
      }
    }
  }
}

TEST(RunLengthToolsTest, AreaBoxMergeAndIouAreThoseOfThePixels) {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    const auto width = static_cast<int32_t>(1 + random() % 40);
    const auto height = static_cast<int32_t>(1 + random() % 40);
    const auto first = RandomMask(width, height, 1 + static_cast<int>(random() % 60), random());
    const auto second = RandomMask(width, height, 1 + static_cast<int>(random() % 60), random());
    const std::string a = reference::Counts(reference::Runs(first, width, height));
    const std::string b = reference::Counts(reference::Runs(second, width, height));

    int64_t area = -1;
    ASSERT_EQ(LOUPE_OK, loupe_rle_area(CountsOf(a), width, height, &area));
    ASSERT_EQ(std::count(first.begin(), first.end(), 1), area);

    int32_t left = width, top = height, right = -1, bottom = -1;
    std::vector<uint8_t> either(first.size()), both(first.size());
    for (size_t i = 0; i < first.size(); ++i) {
      either[i] = first[i] | second[i];
      both[i] = first[i] & second[i];
      if (first[i] == 0) continue;
      const auto x = static_cast<int32_t>(i) % width;
      const auto y = static_cast<int32_t>(i) / width;
      left = std::min(left, x);
      right = std::max(right, x);
      top = std::min(top, y);
      bottom = std::max(bottom, y);
    }
    int32_t box[4] = {-1, -1, -1, -1};
    ASSERT_EQ(LOUPE_OK, loupe_rle_bounding_box(CountsOf(a), width, height, box));
    if (right < 0) left = top = right = bottom = 0, --right, --bottom;
    ASSERT_EQ(left, box[0]);
    ASSERT_EQ(top, box[1]);
    ASSERT_EQ(right - left + 1, box[2]);
    ASSERT_EQ(bottom - top + 1, box[3]);

    for (const int32_t operation : {LOUPE_UNION, LOUPE_INTERSECTION}) {
      const auto& merged = operation == LOUPE_UNION ? either : both;
      const std::string expected = reference::Counts(reference::Runs(merged, width, height));
      std::string counts(expected.size(), '\0');
      int64_t written = 0;
      ASSERT_EQ(LOUPE_OK, loupe_rle_merge(CountsOf(a), CountsOf(b), width, height, operation,
                                          reinterpret_cast<uint8_t*>(counts.data()),
                                          static_cast<int64_t>(counts.size()), &written))
          << loupe_last_error();
      ASSERT_EQ(static_cast<int64_t>(expected.size()), written);
      ASSERT_EQ(expected, counts);
    }

    double iou = -1;
    ASSERT_EQ(LOUPE_OK, loupe_rle_iou(CountsOf(a), CountsOf(b), width, height, &iou));
    const auto unioned = static_cast<double>(std::count(either.begin(), either.end(), 1));
    ASSERT_EQ(unioned == 0 ? 0 : static_cast<double>(std::count(both.begin(), both.end(), 1)) / unioned, iou);
  }
}

TEST(RunLengthToolsTest, EmptyRunsAreReadAndNotWritten) {
  // 2 zeros, 1 one, no zeros, 2 ones, 1 zero, no ones, no zeros.
  const std::string counts = reference::Counts({2, 1, 0, 2, 1, 0, 0});
  std::vector<uint8_t> mask(6);
  ASSERT_EQ(LOUPE_OK, loupe_rle_decode(CountsOf(counts), 1, 6, mask.data(), 6, 1)) << loupe_last_error();
  EXPECT_EQ((std::vector<uint8_t>{0, 0, 1, 1, 1, 0}), mask);

  std::string merged(16, '\0');
  int64_t written = 0;
  ASSERT_EQ(LOUPE_OK, loupe_rle_merge(CountsOf(counts), CountsOf(counts), 1, 6, LOUPE_UNION,
                                      reinterpret_cast<uint8_t*>(merged.data()), 16, &written));
  EXPECT_EQ(reference::Counts({2, 3, 1}), merged.substr(0, static_cast<size_t>(written)));
}

// Under the sanitizers this is the fuzz test of the parser: whatever the bytes, an answer and no fault.
TEST(RunLengthToolsTest, ArbitraryBytesAreRefusedOrFillTheMask) {
  std::mt19937 random(5);
  constexpr int kRounds = 20000;
  int accepted = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto width = static_cast<int32_t>(1 + random() % 9);
    const auto height = static_cast<int32_t>(1 + random() % 9);
    // A mask's own counts with up to two bytes changed, mostly to others of the alphabet: random ones alone would
    // hardly get past the first run. The storage has exactly this size.
    const std::string own = reference::Counts(reference::Runs(RandomMask(width, height, 12, random()), width, height));
    std::vector<uint8_t> bytes(own.begin(), own.end());
    for (auto changes = random() % 3; changes != 0; --changes) {
      bytes[random() % bytes.size()] = static_cast<uint8_t>(random() % 8 == 0 ? random() : 48 + random() % 64);
    }
    if (random() % 8 == 0) bytes.resize(random() % bytes.size());
    const loupe_counts counts = {bytes.data(), static_cast<int64_t>(bytes.size())};
    std::vector<uint8_t> mask(static_cast<size_t>(width) * static_cast<size_t>(height), 9);

    const loupe_status status =
        loupe_rle_decode(counts, width, height, mask.data(), static_cast<int64_t>(mask.size()), width);
    int64_t area = 0;
    ASSERT_EQ(status, loupe_rle_area(counts, width, height, &area));
    int32_t box[4];
    ASSERT_EQ(status, loupe_rle_bounding_box(counts, width, height, box));
    if (status == LOUPE_OK) {
      ASSERT_EQ(area, std::count(mask.begin(), mask.end(), 1));
      ASSERT_EQ(static_cast<int64_t>(mask.size()) - area, std::count(mask.begin(), mask.end(), 0));
      ++accepted;
    } else {
      ASSERT_EQ(LOUPE_MALFORMED, status);
      ASSERT_EQ(static_cast<int64_t>(mask.size()), std::count(mask.begin(), mask.end(), 9));
    }
  }
  EXPECT_GT(accepted, kRounds / 5);
  EXPECT_LT(accepted, kRounds / 5 * 4);
}

TEST(RunLengthToolsTest, TheLargestMaskIsHandledWithoutOverflow) {
  const int64_t total = int64_t{65535} * 32767;
  const std::string counts = reference::Counts({0, total});
  int64_t area = 0;
  ASSERT_EQ(LOUPE_OK, loupe_rle_area(CountsOf(counts), 65535, 32767, &area)) << loupe_last_error();
  EXPECT_EQ(total, area);
  int32_t box[4];
  ASSERT_EQ(LOUPE_OK, loupe_rle_bounding_box(CountsOf(counts), 65535, 32767, box));
  EXPECT_EQ(65535, box[2]);
  EXPECT_EQ(32767, box[3]);
  EXPECT_EQ(LOUPE_INVALID_ARGUMENT, loupe_rle_area(CountsOf(counts), 65535, 65535, &area));
}

TEST(RunLengthToolsTest, WhatDoesNotFitIsRefused) {
  std::vector<uint8_t> mask(16);
  uint8_t counts[16];
  int64_t written = 0;
  const auto encode = [&](const uint8_t* from, int64_t size, int64_t stride, int32_t width, int32_t height) {
    return loupe_rle_encode(from, size, stride, width, height, counts, sizeof(counts), &written);
  };
  EXPECT_EQ(LOUPE_OK, encode(mask.data(), 16, 4, 4, 4));
  EXPECT_EQ(LOUPE_INVALID_ARGUMENT, encode(nullptr, 16, 4, 4, 4));
  EXPECT_EQ(LOUPE_INVALID_ARGUMENT, encode(mask.data(), 15, 4, 4, 4));
  EXPECT_EQ(LOUPE_INVALID_ARGUMENT, encode(mask.data(), 16, 3, 4, 4));
  EXPECT_EQ(LOUPE_INVALID_ARGUMENT, encode(mask.data(), 16, INT64_MAX, 4, 4));
  EXPECT_EQ(LOUPE_INVALID_ARGUMENT, encode(mask.data(), 16, INT64_MIN, 4, 4));
  EXPECT_EQ(LOUPE_INVALID_ARGUMENT, encode(mask.data(), -1, 4, 4, 4));
  EXPECT_EQ(LOUPE_INVALID_ARGUMENT, encode(mask.data(), 16, 4, 4, 0));
  EXPECT_EQ(LOUPE_INVALID_ARGUMENT, loupe_rle_encode(mask.data(), 16, 4, 4, 4, nullptr, sizeof(counts), &written));
  EXPECT_EQ(LOUPE_INVALID_ARGUMENT, loupe_rle_encode(mask.data(), 16, 4, 4, 4, counts, -1, &written));
  EXPECT_EQ(LOUPE_INVALID_ARGUMENT, loupe_rle_encode(mask.data(), 16, 4, 4, 4, counts, 16, nullptr));
  EXPECT_EQ(LOUPE_BUFFER_TOO_SMALL, loupe_rle_encode(mask.data(), 16, 4, 4, 4, nullptr, 0, &written));
  EXPECT_EQ(2, written);

  int64_t area = 0;
  EXPECT_EQ(LOUPE_INVALID_ARGUMENT, loupe_rle_area({nullptr, 1}, 4, 4, &area));
  EXPECT_EQ(LOUPE_INVALID_ARGUMENT, loupe_rle_area({counts, -1}, 4, 4, &area));
  EXPECT_EQ(LOUPE_MALFORMED, loupe_rle_area({nullptr, 0}, 4, 4, &area));
  EXPECT_EQ(LOUPE_INVALID_ARGUMENT,
            loupe_rle_merge({counts, 1}, {counts, 1}, 4, 4, 2, counts, sizeof(counts), &written));
}

}  // namespace
}  // namespace loupe
