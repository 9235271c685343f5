#ifndef LOUPEGRPC_FRAMES_H_
#define LOUPEGRPC_FRAMES_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace loupegrpc {

// Enums of the contract, by its numbers. A value that a newer server sends is a number without an enumerator; Name calls it UNSPECIFIED.

/// How pixels lie, 8 bits a sample.
enum class PixelFormat {
  kUnspecified = 0,
  kBgr24 = 1,
  kRgb24 = 2,
  /// Its alpha is left out.
  kBgra32 = 3,
  kGray8 = 4,
  /// A plane of luma, then one of interleaved chroma, half as wide and high.
  kNv12 = 5,
  /// Three planes, the chroma half as wide and high.
  kI420 = 6,
  kYuyv = 7,
};

/// How YUV was made from RGB. Default: kBt601.
enum class YuvMatrix { kUnspecified = 0, kBt601 = 1, kBt709 = 2 };

/// The range of YUV's samples. Default: kLimited.
enum class YuvRange { kUnspecified = 0, kLimited = 1, kFull = 2 };

/// The contract's name of a value without its prefix: `NV12`.
std::string Name(PixelFormat value);

/// Bytes in memory and who keeps them there. Copies share them.
class Bytes {
 public:
  Bytes() = default;
  /// Takes them over.
  Bytes(std::vector<std::uint8_t> bytes) {  // NOLINT(google-explicit-constructor)
    auto owner = std::make_shared<const std::vector<std::uint8_t>>(std::move(bytes));
    data_ = owner->data();
    size_ = owner->size();
    owner_ = std::move(owner);
  }
  /// Takes them over.
  Bytes(std::string bytes) {  // NOLINT(google-explicit-constructor)
    auto owner = std::make_shared<const std::string>(std::move(bytes));
    data_ = owner->data();
    size_ = owner->size();
    owner_ = std::move(owner);
  }
  /// Somebody else's, who keeps them as they are until the call that was given them has returned; they are not copied here.
  static Bytes View(const void* data, std::size_t size) { return Shared(nullptr, data, size); }
  /// Those that `owner` keeps.
  static Bytes Shared(std::shared_ptr<const void> owner, const void* data, std::size_t size) {
    Bytes bytes;
    bytes.owner_ = std::move(owner);
    bytes.data_ = data;
    bytes.size_ = size;
    return bytes;
  }

  const void* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  std::shared_ptr<const void> owner_;
  const void* data_ = nullptr;
  std::size_t size_ = 0;
};

/// How pixels lie in memory.
struct FrameFormat {
  PixelFormat pixel_format = PixelFormat::kUnspecified;
  /// Pixels.
  std::uint32_t width = 0, height = 0;
  /// Bytes from one row to the next, a number a plane. Default: no padding.
  std::vector<std::uint32_t> strides = {};
  YuvMatrix yuv_matrix = YuvMatrix::kUnspecified;
  YuvRange yuv_range = YuvRange::kUnspecified;
};

/// A picture file: JPEG, PNG, WebP, BMP, TIFF, and what else the server reads. It is read when it is sent.
struct File {
  std::filesystem::path path;
};

/// The bytes of a picture file.
struct Encoded {
  Bytes bytes;
};

/// Uncompressed pixels: the planes one behind the other, each of its stride times its rows. <loupegrpc/opencv.h> makes them of a cv::Mat.
struct Raw {
  Bytes pixels;
  /// Default: the session's SessionOptions::frame_format.
  std::optional<FrameFormat> format = {};
};

using Image = std::variant<File, Encoded, Raw>;

/// A picture with what the session is to know about it.
struct Frame {
  Image image;
  /// The caller's own number, echoed; any 64 bits, duplicates are allowed. Default: how many frames the session was given before.
  std::optional<std::uint64_t> id = {};
  /// For the summary's timeline. Default: not known.
  std::optional<std::chrono::system_clock::time_point> capture_time = {};
  /// How long after its receipt the outcome is of use; later it is Expired. Default (0): for ever.
  std::chrono::nanoseconds deadline{0};
};

}  // namespace loupegrpc

#endif  // LOUPEGRPC_FRAMES_H_
