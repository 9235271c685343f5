#include "image.h"

#include <string>

#include "failure.h"

namespace loupe {
namespace {

void RequireSide(const char* name, int32_t value) {
  if (value < 1 || value > LOUPE_MAX_SIDE) {
    RefuseArgument(std::string(name) + " is " + std::to_string(value) + ", must be 1 to " +
                   std::to_string(LOUPE_MAX_SIDE));
  }
}

}  // namespace

int PlaneCount(int32_t format) {
  switch (format) {
    case LOUPE_BGR24:
    case LOUPE_RGB24:
    case LOUPE_BGRA32:
    case LOUPE_GRAY8:
    case LOUPE_YUYV:
      return 1;
    case LOUPE_NV12:
      return 2;
    case LOUPE_I420:
      return 3;
    default:
      RefuseArgument("pixel format " + std::to_string(format) + " does not exist");
  }
}

bool IsYuv(int32_t format) { return format == LOUPE_NV12 || format == LOUPE_I420 || format == LOUPE_YUYV; }

PlaneLayout LayoutOf(int32_t format, int32_t width, int32_t height, int plane) {
  RequireSide("width", width);
  RequireSide("height", height);
  if (plane < 0 || plane > 2) RefuseArgument("plane " + std::to_string(plane) + " does not exist");
  if (plane >= PlaneCount(format)) return {0, 0};

  const int64_t groups = (int64_t{width} + 1) / 2;
  switch (format) {
    case LOUPE_GRAY8:
      return {width, height};
    case LOUPE_BGRA32:
      return {int64_t{width} * 4, height};
    case LOUPE_YUYV:
      return {groups * 4, height};
    case LOUPE_NV12:
    case LOUPE_I420:
      if (plane == 0) return {width, height};
      return {format == LOUPE_NV12 ? groups * 2 : groups, (height + 1) / 2};
    default:
      return {int64_t{width} * 3, height};
  }
}

void Validate(const loupe_image* image) {
  if (image == nullptr) RefuseArgument("the picture is null");
  if (image->struct_size != sizeof(loupe_image)) {
    RefuseArgument("loupe_image has " + std::to_string(image->struct_size) + " bytes, this library's has " +
                   std::to_string(sizeof(loupe_image)));
  }

  const int planes = PlaneCount(image->format);
  for (int i = 0; i < planes; ++i) {
    const PlaneLayout layout = LayoutOf(image->format, image->width, image->height, i);
    const loupe_plane& plane = image->planes[i];
    const std::string name = "plane " + std::to_string(i);
    if (plane.data == nullptr || plane.size_bytes <= 0) RefuseArgument(name + " is missing");
    if (plane.stride_bytes < layout.row_bytes) {
      RefuseArgument("the stride of " + name + " is " + std::to_string(plane.stride_bytes) + " bytes, a row of " +
                     std::to_string(image->width) + " pixels takes " + std::to_string(layout.row_bytes));
    }
    // In this form so that no stride, however large, overflows.
    const int64_t gaps = layout.rows - 1;
    const int64_t left = plane.size_bytes - layout.row_bytes;
    if (left < 0 || (gaps > 0 && plane.stride_bytes > left / gaps)) {
      RefuseArgument(name + " has " + std::to_string(plane.size_bytes) + " bytes, " + std::to_string(layout.rows) +
                     " rows with a stride of " + std::to_string(plane.stride_bytes) + " take more");
    }
  }

  if (IsYuv(image->format)) {
    if (image->matrix != LOUPE_BT601 && image->matrix != LOUPE_BT709) {
      RefuseArgument("YUV matrix " + std::to_string(image->matrix) + " does not exist");
    }
    if (image->range != LOUPE_LIMITED && image->range != LOUPE_FULL) {
      RefuseArgument("YUV range " + std::to_string(image->range) + " does not exist");
    }
  }
}

}  // namespace loupe
