#ifndef LOUPEGRPC_MASKS_H_
#define LOUPEGRPC_MASKS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace loupegrpc {

/// Pixels, from the top left; empty where there are none.
struct Box {
  std::int64_t x = 0, y = 0, width = 0, height = 0;
  bool operator==(const Box&) const = default;
};

struct Bitmap;

/// A mask as COCO's compressed run lengths, byte-identical to pycocotools: column by column, the first run of zeros. What is no mask throws MaskError.
struct RleMask {
  std::int64_t height = 0, width = 0;
  std::string counts;

  /// The lengths of the runs, the first of zeros. They fill the picture exactly.
  std::vector<std::int64_t> Runs() const;
  Bitmap Decode() const;
  /// The number of forged pixels.
  std::int64_t Area() const;
  /// The smallest box around the forged pixels.
  Box BoundingBox() const;
  bool operator==(const RleMask&) const = default;
};

/// A mask's pixels row by row, a byte a pixel: 1 where forged, else 0.
struct Bitmap {
  std::int64_t height = 0, width = 0;
  std::vector<std::uint8_t> pixels;

  /// Forged is what is not 0. MaskError where the pixels are not height times width.
  RleMask Encode() const;
};

/// How sure the model is of each pixel, row by row, 0 to 255.
struct SoftMask {
  std::int64_t height = 0, width = 0;
  std::vector<std::uint8_t> pixels;
};

/// Says where a picture was forged, in stored pixels.
class Mask {
 public:
  /// Of an encoding that this client does not know.
  Mask() = default;
  Mask(RleMask rle, std::uint64_t area) : encoding_(Encoding::kRle), rle_(std::move(rle)), area_(area) {}
  /// A PNG's bytes, 8 bits of gray.
  Mask(std::string png, std::uint64_t area) : encoding_(Encoding::kPng), png_(std::move(png)), area_(area) {}

  /// The number of forged pixels, as the server counted them.
  std::uint64_t area() const { return area_; }
  /// The PNG's bytes; empty where another encoding was asked for.
  const std::string& png() const { return png_; }
  /// MaskError where another encoding was asked for.
  const RleMask& Rle() const;
  /// Decodes, whatever the encoding. MaskError where it is damaged.
  Bitmap Decode() const;
  /// The soft map where MaskEncoding::kSoftPng was asked for; of other masks 0 and 255.
  SoftMask Soft() const;
  /// The smallest box around the forged pixels.
  Box BoundingBox() const;

 private:
  enum class Encoding { kUnknown, kRle, kPng };

  Encoding encoding_ = Encoding::kUnknown;
  RleMask rle_;
  std::string png_;
  std::uint64_t area_ = 0;
};

}  // namespace loupegrpc

#endif  // LOUPEGRPC_MASKS_H_
