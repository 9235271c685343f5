#include "loupegrpc/masks.h"

#include <png.h>

#include <algorithm>
#include <cstddef>

#include "loupegrpc/errors.h"

namespace loupegrpc {

namespace {

// Most pixels of a mask that is decoded; a size in a message costs nothing to write.
constexpr std::int64_t kMaxPixels = std::int64_t{1} << 31;
// Characters of the longest number that is read; what is longer does not fit any picture.
constexpr int kMaxCharacters = 10;

std::string Size(std::int64_t width, std::int64_t height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

bool Holds(std::int64_t height, std::int64_t width) {
  if (height < 0 || width < 0 || height > kMaxPixels || width > kMaxPixels) return false;
  return height == 0 || width <= kMaxPixels / height;
}

std::vector<std::int64_t> ReadNumbers(const std::string& counts) {
  std::vector<std::int64_t> numbers;
  std::int64_t value = 0;
  int digits = 0;
  for (const char c : counts) {
    const std::int64_t bits = static_cast<unsigned char>(c) - 48;
    if (bits < 0 || bits > 63)
      throw MaskError("a byte of " + std::to_string(bits + 48) + " is no character of run lengths");
    value |= (bits & 0x1f) << (5 * digits);
    ++digits;
    if ((bits & 0x20) != 0) {
      if (digits == kMaxCharacters) throw MaskError("a run length does not fit 50 bits");
      continue;
    }
    if ((bits & 0x10) != 0) value -= std::int64_t{1} << (5 * digits);
    numbers.push_back(value);
    value = 0;
    digits = 0;
  }
  if (digits > 0) throw MaskError("the run lengths stop in the middle of a number");
  return numbers;
}

void WriteNumber(std::int64_t number, std::string* counts) {
  for (;;) {
    const std::int64_t bits = number & 0x1f;
    number >>= 5;
    // Done where the sign is told by the last five bits.
    if ((number == 0 && (bits & 0x10) == 0) || (number == -1 && (bits & 0x10) != 0)) {
      counts->push_back(static_cast<char>(bits + 48));
      return;
    }
    counts->push_back(static_cast<char>((bits | 0x20) + 48));
  }
}

SoftMask ReadPng(const std::string& png) {
  // Its version says how libpng lays it out.
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_memory(&image, png.data(), png.size()) == 0) {
    throw MaskError(std::string("the mask is no PNG: ") + image.message);
  }
  SoftMask mask;
  mask.height = image.height;
  mask.width = image.width;
  if (!Holds(mask.height, mask.width)) {
    png_image_free(&image);
    throw MaskError("a mask of " + Size(mask.width, mask.height) + " pixels is too large to decode");
  }
  image.format = PNG_FORMAT_GRAY;
  try {
    mask.pixels.resize(PNG_IMAGE_SIZE(image));
  } catch (...) {
    png_image_free(&image);
    throw;
  }
  if (png_image_finish_read(&image, nullptr, mask.pixels.data(), 0, nullptr) == 0) {
    throw MaskError(std::string("the mask is no PNG: ") + image.message);
  }
  return mask;
}

}  // namespace

std::vector<std::int64_t> RleMask::Runs() const {
  if (!Holds(height, width)) throw MaskError("a mask of " + Size(width, height) + " pixels cannot be decoded");
  std::vector<std::int64_t> runs = ReadNumbers(counts);
  std::int64_t left = height * width;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (i > 2) runs[i] += runs[i - 2];
    if (runs[i] < 0 || runs[i] > left) {
      throw MaskError("run " + std::to_string(i) + " of the mask has " + std::to_string(runs[i]) + " pixels, " +
                      std::to_string(left) + " are left of " + Size(width, height));
    }
    left -= runs[i];
  }
  if (left > 0) {
    throw MaskError("the runs of the mask end after " + std::to_string(height * width - left) + " of " +
                    Size(width, height) + " pixels");
  }
  return runs;
}

Bitmap RleMask::Decode() const {
  const std::vector<std::int64_t> runs = Runs();
  Bitmap bitmap{height, width, std::vector<std::uint8_t>(static_cast<std::size_t>(height * width))};
  std::int64_t position = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (i % 2 == 1 && runs[i] > 0) {
      std::int64_t column = position / height, row = position % height;
      for (std::int64_t left = runs[i]; left > 0; --left) {
        bitmap.pixels[static_cast<std::size_t>(row * width + column)] = 1;
        if (++row == height) {
          ++column;
          row = 0;
        }
      }
    }
    position += runs[i];
  }
  return bitmap;
}

std::int64_t RleMask::Area() const {
  const std::vector<std::int64_t> runs = Runs();
  std::int64_t area = 0;
  for (std::size_t i = 1; i < runs.size(); i += 2) area += runs[i];
  return area;
}

Box RleMask::BoundingBox() const {
  std::int64_t left = width, top = height, right = 0, bottom = 0, position = 0;
  const std::vector<std::int64_t> runs = Runs();
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (i % 2 == 1 && runs[i] > 0) {
      const std::int64_t last = position + runs[i] - 1;
      const std::int64_t first_column = position / height, last_column = last / height;
      left = std::min(left, first_column);
      right = std::max(right, last_column + 1);
      // One that goes on into the next column touches both the bottom and the top.
      top = std::min(top, first_column == last_column ? position % height : 0);
      bottom = std::max(bottom, first_column == last_column ? last % height + 1 : height);
    }
    position += runs[i];
  }
  return right == 0 ? Box{} : Box{left, top, right - left, bottom - top};
}

RleMask Bitmap::Encode() const {
  if (!Holds(height, width) || pixels.size() != static_cast<std::size_t>(height * width)) {
    throw MaskError(std::to_string(pixels.size()) + " pixels are no mask of " + Size(width, height));
  }
  std::vector<std::int64_t> runs;
  bool forged = false;
  std::int64_t length = 0;
  for (std::int64_t column = 0; column < width; ++column) {
    for (std::int64_t row = 0; row < height; ++row) {
      const bool pixel = pixels[static_cast<std::size_t>(row * width + column)] != 0;
      if (pixel != forged) {
        runs.push_back(length);
        forged = pixel;
        length = 0;
      }
      ++length;
    }
  }
  runs.push_back(length);
  RleMask mask{height, width, ""};
  for (std::size_t i = 0; i < runs.size(); ++i) WriteNumber(i > 2 ? runs[i] - runs[i - 2] : runs[i], &mask.counts);
  return mask;
}

const RleMask& Mask::Rle() const {
  if (encoding_ != Encoding::kRle) throw MaskError("the mask is no run lengths");
  return rle_;
}

Bitmap Mask::Decode() const {
  if (encoding_ == Encoding::kRle) return rle_.Decode();
  SoftMask soft = Soft();
  for (auto& value : soft.pixels) value >>= 7;
  return {soft.height, soft.width, std::move(soft.pixels)};
}

SoftMask Mask::Soft() const {
  switch (encoding_) {
    case Encoding::kRle: {
      Bitmap bitmap = rle_.Decode();
      for (auto& pixel : bitmap.pixels) pixel = pixel != 0 ? 255 : 0;
      return {bitmap.height, bitmap.width, std::move(bitmap.pixels)};
    }
    case Encoding::kPng:
      return ReadPng(png_);
    default:
      throw MaskError("the mask has an encoding that this client does not know");
  }
}

Box Mask::BoundingBox() const {
  return encoding_ == Encoding::kRle ? rle_.BoundingBox() : Decode().Encode().BoundingBox();
}

}  // namespace loupegrpc
