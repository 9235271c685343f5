#include "reference.h"

#include <algorithm>
#include <cmath>

namespace loupe::reference {
namespace {

uint8_t Clamp(int64_t value) { return static_cast<uint8_t>(std::clamp<int64_t>(value, 0, 255)); }

struct Pixel {
  uint8_t r, g, b;
};

Pixel FromYuv(const loupe_image& image, int64_t y, int64_t u, int64_t v) {
  struct Row {
    int64_t offset, cy, cvr, cug, cvg, cub;
  };
  const bool hd = image.matrix == LOUPE_BT709;
  Row row;
  if (image.range == LOUPE_FULL) {
    row =
        hd ? Row{0, 1048576, 1651297, -196424, -490864, 1945738} : Row{0, 1048576, 1470104, -360853, -748826, 1858077};
  } else {
    row = hd ? Row{16, 1220945, 1879825, -223607, -558796, 2215014}
             : Row{16, 1220542, 1673527, -409993, -852492, 2116026};
  }
  const int64_t luma = std::max<int64_t>(0, y - row.offset) * row.cy;
  const int64_t half = int64_t{1} << 19;
  u -= 128;
  v -= 128;
  return {Clamp((luma + row.cvr * v + half) >> 20), Clamp((luma + row.cug * u + row.cvg * v + half) >> 20),
          Clamp((luma + row.cub * u + half) >> 20)};
}

Pixel At(const loupe_image& image, int32_t x, int32_t y) {
  const auto row = [&](int plane, int32_t at) {
    return image.planes[plane].data + at * image.planes[plane].stride_bytes;
  };
  switch (image.format) {
    case LOUPE_BGR24: {
      const uint8_t* p = row(0, y) + 3 * x;
      return {p[2], p[1], p[0]};
    }
    case LOUPE_RGB24: {
      const uint8_t* p = row(0, y) + 3 * x;
      return {p[0], p[1], p[2]};
    }
    case LOUPE_BGRA32: {
      const uint8_t* p = row(0, y) + 4 * x;
      return {p[2], p[1], p[0]};
    }
    case LOUPE_GRAY8: {
      const uint8_t value = row(0, y)[x];
      return {value, value, value};
    }
    case LOUPE_NV12: {
      const uint8_t* uv = row(1, y / 2) + x / 2 * 2;
      return FromYuv(image, row(0, y)[x], uv[0], uv[1]);
    }
    case LOUPE_I420:
      return FromYuv(image, row(0, y)[x], row(1, y / 2)[x / 2], row(2, y / 2)[x / 2]);
    default: {
      const uint8_t* group = row(0, y) + x / 2 * 4;
      return FromYuv(image, group[x % 2 * 2], group[1], group[3]);
    }
  }
}

// One axis of Pillow's resize: `lines` lines whose elements are `step` apart, all three channels of each.
struct Weights {
  int32_t first;
  std::vector<int64_t> fixed;
};

std::vector<Weights> PillowWeights(int32_t input, int32_t output) {
  std::vector<Weights> all;
  const double scale = static_cast<double>(input) / output;
  const double width = std::max(scale, 1.0);
  for (int32_t i = 0; i < output; ++i) {
    const double center = (i + 0.5) * scale;
    const int32_t first = std::max(0, static_cast<int32_t>(center - width + 0.5));
    const int32_t last = std::min(input, static_cast<int32_t>(center + width + 0.5));
    std::vector<double> exact;
    double sum = 0;
    for (int32_t k = first; k < last; ++k) {
      const double distance = std::abs((k - center + 0.5) * (1.0 / width));
      exact.push_back(distance < 1 ? 1 - distance : 0);
      sum += exact.back();
    }
    Weights weights{first, {}};
    for (const double value : exact) {
      weights.fixed.push_back(static_cast<int64_t>(std::floor(value / sum * (1 << 22) + 0.5)));
    }
    all.push_back(weights);
  }
  return all;
}

struct Taps {
  int32_t lower, upper;
  float lower_weight, upper_weight;
};

// torch.nn.functional.interpolate(mode="bilinear", align_corners=False)
Taps TorchTaps(int32_t input, int32_t output, int32_t at) {
  const float scale = static_cast<float>(input) / static_cast<float>(output);
  const float position = std::max(0.0f, scale * (static_cast<float>(at) + 0.5f) - 0.5f);
  const auto lower = std::min(input - 1, static_cast<int32_t>(std::floor(position)));
  const float fraction = position - static_cast<float>(lower);
  return {lower, std::min(input - 1, lower + 1), 1.0f - fraction, fraction};
}

std::vector<float> TorchResize(const float* map, int32_t width, int32_t height, int32_t to_width, int32_t to_height) {
  std::vector<float> result;
  for (int32_t y = 0; y < to_height; ++y) {
    const Taps v = TorchTaps(height, to_height, y);
    for (int32_t x = 0; x < to_width; ++x) {
      const Taps h = TorchTaps(width, to_width, x);
      const float* upper = map + int64_t{v.lower} * width;
      const float* lower = map + int64_t{v.upper} * width;
      const float a = h.lower_weight * upper[h.lower] + h.upper_weight * upper[h.upper];
      const float b = h.lower_weight * lower[h.lower] + h.upper_weight * lower[h.upper];
      result.push_back(v.lower_weight * a + v.upper_weight * b);
    }
  }
  return result;
}

}  // namespace

Rgb ToRgb(const loupe_image& image) {
  Rgb rgb{image.width, image.height, {}};
  for (int32_t y = 0; y < image.height; ++y) {
    for (int32_t x = 0; x < image.width; ++x) {
      const Pixel pixel = At(image, x, y);
      rgb.pixels.insert(rgb.pixels.end(), {pixel.r, pixel.g, pixel.b});
    }
  }
  return rgb;
}

Rgb Resize(const Rgb& picture, int32_t side) {
  Rgb wide = picture;
  if (picture.width != side) {
    const auto weights = PillowWeights(picture.width, side);
    wide = {side, picture.height, std::vector<uint8_t>(static_cast<size_t>(side) * picture.height * 3)};
    for (int32_t y = 0; y < picture.height; ++y) {
      for (int32_t x = 0; x < side; ++x) {
        for (int32_t channel = 0; channel < 3; ++channel) {
          const Weights& w = weights[x];
          int64_t sum = 1 << 21;
          for (size_t k = 0; k < w.fixed.size(); ++k) {
            sum += w.fixed[k] * picture.pixels[(int64_t{y} * picture.width + w.first + k) * 3 + channel];
          }
          wide.pixels[(int64_t{y} * side + x) * 3 + channel] = Clamp(sum >> 22);
        }
      }
    }
  }
  if (picture.height == side) return wide;

  const auto weights = PillowWeights(picture.height, side);
  Rgb result{side, side, std::vector<uint8_t>(static_cast<size_t>(side) * side * 3)};
  for (int32_t y = 0; y < side; ++y) {
    for (int32_t i = 0; i < side * 3; ++i) {
      const Weights& w = weights[y];
      int64_t sum = 1 << 21;
      for (size_t k = 0; k < w.fixed.size(); ++k)
        sum += w.fixed[k] * wide.pixels[static_cast<int64_t>(w.first + k) * side * 3 + i];
      result.pixels[int64_t{y} * side * 3 + i] = Clamp(sum >> 22);
    }
  }
  return result;
}

std::vector<uint8_t> ToChannels(const Rgb& picture) {
  std::vector<uint8_t> channels;
  for (size_t channel = 0; channel < 3; ++channel) {
    for (size_t i = channel; i < picture.pixels.size(); i += 3) channels.push_back(picture.pixels[i]);
  }
  return channels;
}

std::vector<float> Normalize(const std::vector<uint8_t>& channels, const float mean[3], const float std[3]) {
  std::vector<float> values;
  const size_t plane = channels.size() / 3;
  for (size_t i = 0; i < channels.size(); ++i) {
    const auto scaled = static_cast<float>(channels[i] * (1.0 / 255.0));
    const float centred = scaled - mean[i / plane];
    values.push_back(centred / std[i / plane]);
  }
  return values;
}

std::vector<float> SoftMap(const std::vector<float>& mask_logits, const std::vector<float>& class_logits,
                           int32_t queries, int32_t grid_width, int32_t grid_height, int32_t decode_size, int32_t width,
                           int32_t height) {
  std::vector<float> combined(static_cast<size_t>(decode_size) * decode_size);
  for (int32_t query = 0; query < queries; ++query) {
    const float* logits = class_logits.data() + 2 * query;
    const float most = std::max(logits[0], logits[1]);
    const float forged = std::exp(logits[0] - most) / (std::exp(logits[0] - most) + std::exp(logits[1] - most));
    const auto map = TorchResize(mask_logits.data() + int64_t{query} * grid_width * grid_height, grid_width,
                                 grid_height, decode_size, decode_size);
    for (size_t i = 0; i < map.size(); ++i) combined[i] += forged * (1.0f / (1.0f + std::exp(-map[i])));
  }
  return TorchResize(combined.data(), decode_size, decode_size, width, height);
}

std::vector<double> Deformable(const std::vector<float>& values, const std::vector<float>& logits,
                               const std::vector<float>& offsets, const std::vector<int32_t>& sides, int32_t points,
                               int32_t heads, int32_t depth) {
  const auto levels = static_cast<int32_t>(sides.size());
  const int32_t columns = heads * levels * points;
  const int64_t width = int64_t{heads} * depth;
  int64_t cells = 0;
  for (const int32_t side : sides) cells += int64_t{side} * side;
  std::vector<double> result(values.size());
  if (cells == 0) return result;
  const int64_t queries = static_cast<int64_t>(values.size()) / width;
  for (int64_t query = 0; query < queries; ++query) {
    // The level that the query is a cell of, and the middle of that cell as a share of the map.
    int64_t at = query % cells;
    size_t own = 0;
    for (; at >= int64_t{sides[own]} * sides[own]; ++own) at -= int64_t{sides[own]} * sides[own];
    const int64_t own_column = at % sides[own];
    const int64_t own_row = at / sides[own];
    const double x = (static_cast<double>(own_column) + 0.5) / sides[own];
    const double y = (static_cast<double>(own_row) + 0.5) / sides[own];
    for (int32_t head = 0; head < heads; ++head) {
      double sum = 0;
      for (int32_t k = 0; k < levels * points; ++k) {
        sum += std::exp(static_cast<double>(logits[static_cast<size_t>(query * columns + head * levels * points + k)]));
      }
      int64_t start = query / cells * cells;
      for (int32_t level = 0; level < levels; ++level) {
        const int32_t side = sides[static_cast<size_t>(level)];
        for (int32_t point = 0; point < points; ++point) {
          const int64_t column = (int64_t{head} * levels + level) * points + point;
          const double attention =
              std::exp(static_cast<double>(logits[static_cast<size_t>(query * columns + column)])) / sum;
          const double px = x * side - 0.5 + offsets[static_cast<size_t>(2 * query * columns + column)];
          const double py = y * side - 0.5 + offsets[static_cast<size_t>((2 * query + 1) * columns + column)];
          for (int32_t corner = 0; corner < 4; ++corner) {
            const int32_t right = corner % 2;
            const int32_t below = corner / 2;
            const double cx = std::floor(px) + right;
            const double cy = std::floor(py) + below;
            if (!(cx >= 0 && cy >= 0 && cx < side && cy < side)) continue;
            const double weight = attention * (1 - std::abs(px - cx)) * (1 - std::abs(py - cy));
            const auto cell = start + static_cast<int64_t>(cy) * side + static_cast<int64_t>(cx);
            for (int32_t i = 0; i < depth; ++i) {
              const int64_t value = int64_t{head} * depth + i;
              result[static_cast<size_t>(query * width + value)] +=
                  weight * values[static_cast<size_t>(cell * width + value)];
            }
          }
        }
        start += int64_t{side} * side;
      }
    }
  }
  return result;
}

std::vector<int64_t> Runs(const std::vector<uint8_t>& mask, int32_t width, int32_t height) {
  std::vector<int64_t> runs{0};
  bool value = false;
  for (int32_t x = 0; x < width; ++x) {
    for (int32_t y = 0; y < height; ++y) {
      if ((mask[int64_t{y} * width + x] != 0) != value) {
        runs.push_back(0);
        value = !value;
      }
      ++runs.back();
    }
  }
  return runs;
}

std::string Counts(const std::vector<int64_t>& runs) {
  std::string counts;
  for (size_t i = 0; i < runs.size(); ++i) {
    int64_t value = runs[i] - (i > 2 ? runs[i - 2] : 0);
    for (bool more = true; more;) {
      int64_t group = value & 31;
      value >>= 5;
      more = (group & 16) != 0 ? value != -1 : value != 0;
      counts.push_back(static_cast<char>(48 + group + (more ? 32 : 0)));
    }
  }
  return counts;
}

}  // namespace loupe::reference
