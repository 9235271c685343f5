#include "row_converter.h"

#include <algorithm>
#include <cstring>

#include "image.h"
#include "lane_padding.h"
#include "preprocess_kernels.h"

namespace loupe {
namespace {

const YuvCoefficients& CoefficientsOf(const loupe_image& image) {
  // loupe_native.h says where they come from.
  static constexpr YuvCoefficients kTable[2][2] = {
      {{16, 1220542, 1673527, -409993, -852492, 2116026}, {0, 1048576, 1470104, -360853, -748826, 1858077}},
      {{16, 1220945, 1879825, -223607, -558796, 2215014}, {0, 1048576, 1651297, -196424, -490864, 1945738}},
  };
  return kTable[image.matrix][image.range];
}

}  // namespace

void RowConverter::Begin(const loupe_image& image) {
  chroma_row_ = -1;
  if (!IsYuv(image.format)) return;
  stride_ = PadToLanes(image.width + kLanePadding);
  const auto needed = static_cast<size_t>(3 * stride_);
  if (yuv_.size() < needed) yuv_.resize(needed);
}

void RowConverter::Convert(const loupe_image& image, int32_t y, const Rows& rows) {
  const loupe_plane* const planes = image.planes;
  const uint8_t* const first = planes[0].data + y * planes[0].stride_bytes;
  if (!IsYuv(image.format)) {
    SplitRow(static_cast<loupe_pixel_format>(image.format), first, image.width, rows[0], rows[1], rows[2]);
    return;
  }

  uint8_t* const luma = yuv_.data();
  uint8_t* const u = luma + stride_;
  uint8_t* const v = u + stride_;
  if (image.format == LOUPE_YUYV) {
    SplitYuyvRow(first, image.width, luma, u, v);
  } else {
    std::memcpy(luma, first, static_cast<size_t>(image.width));
    if (chroma_row_ != y / 2) {
      chroma_row_ = y / 2;
      const uint8_t* const second = planes[1].data + chroma_row_ * planes[1].stride_bytes;
      if (image.format == LOUPE_NV12) {
        ExpandNv12Chroma(second, image.width, u, v);
      } else {
        ExpandI420Chroma(second, image.width, u);
        ExpandI420Chroma(planes[2].data + chroma_row_ * planes[2].stride_bytes, image.width, v);
      }
    }
  }
  YuvToRgbRow(CoefficientsOf(image), luma, u, v, image.width, rows[0], rows[1], rows[2]);
}

void ToBgr(const loupe_image& image, uint8_t* destination, int64_t stride) {
  if (image.format == LOUPE_BGR24) {
    const loupe_plane& plane = image.planes[0];
    for (int32_t y = 0; y < image.height; ++y) {
      std::memcpy(destination + y * stride, plane.data + y * plane.stride_bytes, 3 * static_cast<size_t>(image.width));
    }
    return;
  }

  RowConverter converter;
  converter.Begin(image);
  const int64_t row_stride = PadToLanes(image.width + kLanePadding);
  const int channels = RowConverter::Channels(image);
  std::vector<uint8_t> planes(static_cast<size_t>(channels * row_stride));
  RowConverter::Rows rows;
  for (int channel = 0; channel < 3; ++channel) {
    rows[static_cast<size_t>(channel)] = planes.data() + std::min(channel, channels - 1) * row_stride;
  }
  for (int32_t y = 0; y < image.height; ++y) {
    converter.Convert(image, y, rows);
    MergeRow(rows[2], rows[1], rows[0], image.width, destination + y * stride);
  }
}

}  // namespace loupe
