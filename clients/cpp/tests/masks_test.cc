#include <png.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support.h"

namespace {

using loupegrpc::Bitmap;
using loupegrpc::Mask;
using loupegrpc::MaskError;
using loupegrpc::RleMask;
using nlohmann::json;

json Cases(const char* file) {
  json cases = json::parse(ReadFile(Root() / file));
  EXPECT_FALSE(cases.empty());
  return cases;
}

RleMask MaskOf(const json& of) { return {of["height"], of["width"], of["counts"]}; }

std::vector<std::uint8_t> FromBase64(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::vector<std::uint8_t> bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = bits << 6 | static_cast<std::uint32_t>(digits.find(c));
    count += 6;
    if (count >= 8) bytes.push_back(static_cast<std::uint8_t>(bits >> (count -= 8)));
  }
  return bytes;
}

std::string Gray(png_uint_32 width, png_uint_32 height, const std::vector<std::uint8_t>& pixels) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = PNG_FORMAT_GRAY;
  std::string file(4096, '\0');
  png_alloc_size_t size = file.size();
  EXPECT_NE(png_image_write_to_memory(&image, file.data(), &size, 0, pixels.data(), 0, nullptr), 0) << image.message;
  file.resize(size);
  return file;
}

TEST(Masks, AreThoseOfPycocotools) {
  for (const auto& golden : Cases("tests/data/rle/cases.json")) {
    SCOPED_TRACE(golden["name"].get<std::string>());
    const RleMask mask = MaskOf(golden);
    const auto packed = FromBase64(golden["bits"]);
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(mask.height * mask.width));
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = packed.at(i / 8) >> (7 - i % 8) & 1;
    if (golden.contains("runs")) {
      EXPECT_EQ(mask.Runs(), golden["runs"].get<std::vector<std::int64_t>>());
    }
    EXPECT_EQ(mask.Decode().pixels, pixels);
    EXPECT_EQ(mask.Area(), golden["area"].get<std::int64_t>());
    const loupegrpc::Box box = mask.BoundingBox();
    const std::vector<double> found{static_cast<double>(box.x), static_cast<double>(box.y),
                                    static_cast<double>(box.width), static_cast<double>(box.height)};
    EXPECT_EQ(found, golden["bbox"].get<std::vector<double>>());
    EXPECT_EQ((Bitmap{mask.height, mask.width, pixels}.Encode()), mask);
  }
}

TEST(Masks, WhatIsNoneIsRefused) {
  for (const auto& refused : Cases("clients/scenario/refused-masks.json")) {
    SCOPED_TRACE(refused["name"].get<std::string>());
    const RleMask mask = MaskOf(refused);
    EXPECT_THROW(mask.Decode(), MaskError);
    EXPECT_THROW(mask.Area(), MaskError);
    EXPECT_THROW(mask.BoundingBox(), MaskError);
  }
  EXPECT_THROW((RleMask{-1, 5, ""}.Decode()), MaskError);
  EXPECT_THROW((RleMask{0, 0, "o"}.Decode()), MaskError);
  EXPECT_THROW((RleMask{0, 5, "S1"}.Decode()), MaskError);
  EXPECT_THROW((Bitmap{2, 2, std::vector<std::uint8_t>(3)}.Encode()), MaskError);
  EXPECT_THROW((Bitmap{-2, -2, std::vector<std::uint8_t>(4)}.Encode()), MaskError);
  const Mask empty, damaged(std::string("x"), 1), cut(Gray(3, 2, {0, 127, 128, 255, 3, 200}).substr(0, 50), 1);
  for (const Mask& mask : {empty, damaged, cut}) {
    EXPECT_THROW(mask.Decode(), MaskError);
    EXPECT_THROW(mask.Soft(), MaskError);
    EXPECT_THROW(mask.BoundingBox(), MaskError);
    EXPECT_THROW(mask.Rle(), MaskError);
  }
}

TEST(Masks, OfPicturesWithoutPixelsAreEmpty) {
  EXPECT_TRUE((RleMask{0, 5, "0"}.Decode().pixels.empty()));
  EXPECT_EQ((RleMask{5, 0, ""}.BoundingBox()), loupegrpc::Box{});
}

TEST(Masks, PngsAreRead) {
  const std::vector<std::uint8_t> soft{0, 127, 128, 255, 3, 200};
  const Mask mask(Gray(3, 2, soft), 3);
  EXPECT_EQ(mask.Soft().pixels, soft);
  EXPECT_EQ(mask.Decode().pixels, (std::vector<std::uint8_t>{0, 0, 1, 1, 0, 1}));
  EXPECT_EQ(mask.BoundingBox(), (loupegrpc::Box{0, 0, 3, 2}));
  const Mask lengths(Bitmap{1, 3, {0, 1, 1}}.Encode(), 2);
  EXPECT_EQ(lengths.Soft().pixels, (std::vector<std::uint8_t>{0, 255, 255}));
}

}  // namespace
