/// Frames from cv::Mat, and masks as cv::Mat. Needs OpenCV's core alone, which who includes this links.
#ifndef LOUPEGRPC_OPENCV_H_
#define LOUPEGRPC_OPENCV_H_

#include <algorithm>
#include <memory>
#include <opencv2/core/mat.hpp>
#include <stdexcept>

#include "loupegrpc/frames.h"
#include "loupegrpc/masks.h"

namespace loupegrpc {

/// The pixels of a cv::Mat of 8 bits: one channel is GRAY8, three are BGR24, four BGRA32, as OpenCV has them. With `format` they are what it says:
/// kRgb24 of three channels; kNv12 and kI420 of one channel and height * 3 / 2 rows, kYuyv of two channels, as cv::VideoCapture gives them without
/// CAP_PROP_CONVERT_RGB. They are not copied but where rows have gaps between them: what is written into the Mat's memory before the frame was sent is
/// sent. std::invalid_argument for what has no such pixels.
inline Raw FromMat(const cv::Mat& mat, PixelFormat format = PixelFormat::kUnspecified) {
  if (format == PixelFormat::kUnspecified && mat.dims == 2) {
    if (mat.type() == CV_8UC1) format = PixelFormat::kGray8;
    if (mat.type() == CV_8UC3) format = PixelFormat::kBgr24;
    if (mat.type() == CV_8UC4) format = PixelFormat::kBgra32;
  }
  const bool planes = format == PixelFormat::kNv12 || format == PixelFormat::kI420;
  int type = -1;
  if (format == PixelFormat::kGray8 || planes) type = CV_8UC1;
  if (format == PixelFormat::kYuyv) type = CV_8UC2;
  if (format == PixelFormat::kBgr24 || format == PixelFormat::kRgb24) type = CV_8UC3;
  if (format == PixelFormat::kBgra32) type = CV_8UC4;
  if (mat.dims != 2 || mat.empty() || mat.type() != type || (planes && mat.rows % 3 != 0)) {
    throw std::invalid_argument("the cv::Mat has no pixels of that format: " + std::to_string(mat.cols) + "x" +
                                std::to_string(mat.rows) + ", type " + std::to_string(mat.type()));
  }
  auto owner = std::make_shared<const cv::Mat>(mat.isContinuous() ? mat : mat.clone());
  FrameFormat layout;
  layout.pixel_format = format;
  layout.width = static_cast<std::uint32_t>(mat.cols);
  layout.height = static_cast<std::uint32_t>(planes ? mat.rows / 3 * 2 : mat.rows);
  const std::size_t size = owner->total() * owner->elemSize();
  const void* pixels = owner->data;
  return Raw{Bytes::Shared(std::move(owner), pixels, size), layout};
}

/// A mask as CV_8UC1 for OpenCV's functions: 255 where forged. The pixels are copied.
inline cv::Mat ToMat(const Bitmap& bitmap) {
  cv::Mat mat(static_cast<int>(bitmap.height), static_cast<int>(bitmap.width), CV_8UC1);
  std::transform(bitmap.pixels.begin(), bitmap.pixels.end(), mat.data,
                 [](std::uint8_t pixel) { return static_cast<std::uint8_t>(pixel != 0 ? 255 : 0); });
  return mat;
}

/// A soft mask as CV_8UC1. The pixels are copied.
inline cv::Mat ToMat(const SoftMask& soft) {
  cv::Mat mat(static_cast<int>(soft.height), static_cast<int>(soft.width), CV_8UC1);
  std::copy(soft.pixels.begin(), soft.pixels.end(), mat.data);
  return mat;
}

inline cv::Rect ToRect(const Box& box) {
  return {static_cast<int>(box.x), static_cast<int>(box.y), static_cast<int>(box.width), static_cast<int>(box.height)};
}

}  // namespace loupegrpc

#endif  // LOUPEGRPC_OPENCV_H_
