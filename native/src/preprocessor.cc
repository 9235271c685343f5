#include "preprocessor.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "failure.h"
#include "lane_padding.h"
#include "preprocess_kernels.h"

namespace loupe {
namespace {

constexpr int32_t kMaxImageSize = 16384;

int32_t ValidImageSize(const loupe_preprocessor_options& options) {
  if (options.image_size < 1 || options.image_size > kMaxImageSize) {
    RefuseArgument("the model's image size is " + std::to_string(options.image_size) + ", must be 1 to " +
                   std::to_string(kMaxImageSize));
  }
  return options.image_size;
}

void GrowTo(std::vector<uint8_t>* buffer, int64_t size) {
  if (buffer->size() < static_cast<size_t>(size)) buffer->resize(static_cast<size_t>(size));
}

}  // namespace

Preprocessor::Preprocessor(const loupe_preprocessor_options& options) : image_size_(ValidImageSize(options)) {
  for (size_t channel = 0; channel < 3; ++channel) {
    const float mean = options.mean[channel];
    const float std = options.std[channel];
    if (!std::isfinite(mean) || !std::isfinite(std) || std == 0.0f) {
      RefuseArgument("mean and standard deviation of channel " + std::to_string(channel) +
                     " must be finite, the latter not 0");
    }
    for (int value = 0; value < 256; ++value) {
      // Rounded where the authors' processor rounds: after the product in double, and after each step in float.
      const auto scaled = static_cast<float>(value * (1.0 / 255.0));
      const float centred = scaled - mean;
      tables_[channel][static_cast<size_t>(value)] = centred / std;
    }
  }
}

void Preprocessor::Prepare(const loupe_image& image) {
  horizontal_.Configure(image.width, image_size_);
  vertical_.Configure(image.height, image_size_);
  channels_ = RowConverter::Channels(image);
  converter_.Begin(image);

  // Rows are written up to kLanePadding beyond their width.
  row_stride_ = PadToLanes(image.width + kLanePadding + (horizontal_.needed() ? ResampleMargin(horizontal_) : 0));
  ring_rows_ = vertical_.needed() ? vertical_.taps() : 1;
  ring_stride_ = int64_t{channels_} * PadToLanes(image_size_);

  GrowTo(&converted_, channels_ * row_stride_);
  GrowTo(&ring_, ring_rows_ * ring_stride_);
  GrowTo(&blended_, ring_stride_);
  if (window_.size() < static_cast<size_t>(ring_rows_)) window_.resize(static_cast<size_t>(ring_rows_));
}

void Preprocessor::FillRing(const loupe_image& image, int32_t y) {
  RowConverter::Rows converted;
  for (int channel = 0; channel < 3; ++channel) {
    converted[static_cast<size_t>(channel)] = converted_.data() + std::min(channel, channels_ - 1) * row_stride_;
  }
  converter_.Convert(image, y, converted);

  uint8_t* const ring = RingRow(y);
  const int32_t padded = PadToLanes(image_size_);
  for (int channel = 0; channel < channels_; ++channel) {
    const uint8_t* const row = converted[static_cast<size_t>(channel)];
    if (horizontal_.needed()) {
      ResampleRow(row, horizontal_, ring + int64_t{channel} * padded);
    } else {
      std::memcpy(ring + int64_t{channel} * padded, row, static_cast<size_t>(image_size_));
    }
  }
}

template <class Sink>
void Preprocessor::Run(const loupe_image& image, Sink sink) {
  Prepare(image);
  const int32_t padded = PadToLanes(image_size_);
  int32_t next = 0;
  for (int32_t y = 0; y < image_size_; ++y) {
    uint8_t* result;
    if (vertical_.needed()) {
      const int32_t first = vertical_.first()[y];
      const int32_t count = vertical_.count(y);
      for (next = std::max(next, first); next < first + count; ++next) FillRing(image, next);
      for (int32_t k = 0; k < count; ++k) window_[static_cast<size_t>(k)] = RingRow(first + k);
      result = blended_.data();
      BlendRows(window_.data(), vertical_.weights_of(y), count, static_cast<int32_t>(ring_stride_), result);
    } else {
      FillRing(image, y);
      result = RingRow(y);
    }

    RowConverter::Rows rows;
    for (int channel = 0; channel < 3; ++channel) {
      rows[static_cast<size_t>(channel)] = result + int64_t{std::min(channel, channels_ - 1)} * padded;
    }
    sink(y, rows);
  }
}

void Preprocessor::ToNchw(const loupe_image& image, float* destination) {
  const int64_t side = image_size_;
  Run(image, [&](int32_t y, const RowConverter::Rows& rows) {
    for (size_t channel = 0; channel < 3; ++channel) {
      LookUpRow(rows[channel], tables_[channel].data(), image_size_,
                destination + (static_cast<int64_t>(channel) * side + y) * side);
    }
  });
}

void Preprocessor::ToChw(const loupe_image& image, uint8_t* destination) {
  const int64_t side = image_size_;
  Run(image, [&](int32_t y, const RowConverter::Rows& rows) {
    for (size_t channel = 0; channel < 3; ++channel) {
      std::memcpy(destination + (static_cast<int64_t>(channel) * side + y) * side, rows[channel],
                  static_cast<size_t>(side));
    }
  });
}

}  // namespace loupe
