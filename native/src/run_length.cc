#include "run_length.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <memory>
#include <string>

#include "failure.h"
#include "run_length_kernels.h"

namespace loupe {
namespace {

constexpr uint8_t kSignBit = 0x10;
// Differences of runs below 2^31 take 32 bits and a sign.
constexpr int kMaxGroups = 7;

[[noreturn]] void RefuseCounts(const std::string& message) { throw Failure(LOUPE_MALFORMED, message); }

// Reads two masks side by side, in stretches over which neither changes.
class PairReader {
 public:
  PairReader(loupe_counts first, loupe_counts second, int64_t total) : first_(first, total), second_(second, total) {
    more_first_ = first_.Next(&left_first_);
    more_second_ = second_.Next(&left_second_);
  }

  // False when both are at their end, which is the same position because each completes the whole.
  bool Next(int64_t* length, bool* first, bool* second) {
    if (!more_first_ || !more_second_) return false;
    *first = first_.forged();
    *second = second_.forged();
    *length = std::min(left_first_, left_second_);
    left_first_ -= *length;
    left_second_ -= *length;
    if (left_first_ == 0) more_first_ = first_.Next(&left_first_);
    if (left_second_ == 0) more_second_ = second_.Next(&left_second_);
    return true;
  }

  // Reads what is left: empty runs that one of the two may have at its end, and anything malformed.
  void Drain() {
    while (more_first_) more_first_ = first_.Next(&left_first_);
    while (more_second_) more_second_ = second_.Next(&left_second_);
  }

 private:
  RunReader first_;
  RunReader second_;
  int64_t left_first_ = 0;
  int64_t left_second_ = 0;
  bool more_first_;
  bool more_second_;
};

}  // namespace

RunReader::RunReader(loupe_counts counts, int64_t total)
    : begin_(counts.data), next_(counts.data), end_(counts.data + counts.size_bytes), left_(total) {}

bool RunReader::Next(int64_t* run) {
  if (next_ == end_) {
    if (left_ != 0) RefuseCounts("the counts end " + std::to_string(left_) + " pixels before the mask does");
    return false;
  }

  uint64_t value = 0;
  int groups = 0;
  uint8_t group;
  do {
    if (next_ == end_) RefuseCounts("the counts end within a run");
    if (groups == kMaxGroups) RefuseCounts("run " + std::to_string(index_) + " is longer than any mask");
    group = static_cast<uint8_t>(*next_ - kFirstCharacter);  // below the first character wraps to a large value
    if (group > (kMoreFollows | kGroupMask)) {
      RefuseCounts("byte " + std::to_string(next_ - begin_) + " of the counts is " + std::to_string(*next_) +
                   ", must be 48 to 111");
    }
    value |= uint64_t{static_cast<uint8_t>(group & kGroupMask)} << (kGroupBits * groups);
    ++groups;
    ++next_;
  } while ((group & kMoreFollows) != 0);
  if ((group & kSignBit) != 0) value |= ~uint64_t{0} << (kGroupBits * groups);

  auto length = static_cast<int64_t>(value);
  if (index_ > 2) length += previous_[1];
  if (length < 0) RefuseCounts("run " + std::to_string(index_) + " is negative");
  if (length > left_) RefuseCounts("run " + std::to_string(index_) + " ends beyond the mask");

  previous_[1] = previous_[0];
  previous_[0] = length;
  left_ -= length;
  ++index_;
  *run = length;
  return true;
}

int64_t RunWriter::AppendGroups(uint8_t* destination, int64_t capacity, int64_t size, int64_t value) {
  bool more = true;
  while (more) {
    auto group = static_cast<uint8_t>(value & kGroupMask);
    value >>= kGroupBits;
    more = (group & kSignBit) != 0 ? value != -1 : value != 0;
    if (more) group |= kMoreFollows;
    if (size < capacity) destination[size] = static_cast<uint8_t>(group + kFirstCharacter);
    ++size;
  }
  return size;
}

int64_t MaskPixels(int32_t width, int32_t height) {
  const int64_t total = int64_t{width} * height;
  if (width < 1 || height < 1 || width > LOUPE_MAX_SIDE || height > LOUPE_MAX_SIDE ||
      total > std::numeric_limits<int32_t>::max()) {
    RefuseArgument("a mask of " + std::to_string(width) + "x" + std::to_string(height) + " is not between 1x1 and " +
                   std::to_string(LOUPE_MAX_SIDE) + " a side and 2^31 - 1 pixels in all");
  }
  return total;
}

int64_t EncodeMask(const uint8_t* mask, int64_t stride, int32_t width, int32_t height, uint8_t* destination,
                   int64_t capacity) {
  const int64_t total = MaskPixels(width, height);

  // The bits of 64 columns, each of words_per_column words. The stack does for what cameras send.
  constexpr int32_t kStackRows = 4096;
  const int64_t words_per_column = (int64_t{height} + kTileSide - 1) / kTileSide;
  std::array<uint64_t, size_t{kTileSide} * (kStackRows / kTileSide)> on_stack;
  std::unique_ptr<uint64_t[]> on_heap;
  uint64_t* bits = on_stack.data();
  if (height > kStackRows) {
    on_heap = std::make_unique_for_overwrite<uint64_t[]>(static_cast<size_t>(kTileSide * words_per_column));
    bits = on_heap.get();
  }

  RunWriter writer(destination, capacity);
  uint64_t previous = 0;
  for (int32_t x = 0; x < width; x += kTileSide) {
    const int32_t columns = std::min(kTileSide, width - x);
    for (int64_t word = 0; word < words_per_column; ++word) {
      const int64_t y = word * kTileSide;
      TransposeTile(mask + y * stride + x, stride, columns,
                    static_cast<int32_t>(std::min<int64_t>(kTileSide, height - y)), bits + word, words_per_column);
    }

    for (int32_t c = 0; c < columns; ++c) {
      const int64_t column_start = (int64_t{x} + c) * height;
      for (int64_t word = 0; word < words_per_column; ++word) {
        const int64_t rows = std::min<int64_t>(kTileSide, height - word * kTileSide);
        const uint64_t pixels = bits[c * words_per_column + word];
        uint64_t changes = pixels ^ ((pixels << 1) | previous);
        if (rows < kTileSide) changes &= (uint64_t{1} << rows) - 1;
        previous = (pixels >> (rows - 1)) & 1;
        for (; changes != 0; changes &= changes - 1) {
          writer.Change(column_start + word * kTileSide + std::countr_zero(changes));
        }
      }
    }
  }
  return writer.Finish(total);
}

void DecodeMask(loupe_counts counts, int32_t width, int32_t height, uint8_t* mask, int64_t stride) {
  MaskArea(counts, width, height);  // refuses before anything is written

  for (int32_t y = 0; y < height; ++y) std::memset(mask + y * stride, 0, static_cast<size_t>(width));

  RunReader reader(counts, MaskPixels(width, height));
  int64_t position = 0;
  for (int64_t run; reader.Next(&run); position += run) {
    if (!reader.forged()) continue;
    int64_t x = position / height;
    int64_t y = position % height;
    for (int64_t i = 0; i < run; ++i) {
      mask[y * stride + x] = 1;
      if (++y == height) {
        y = 0;
        ++x;
      }
    }
  }
}

int64_t MaskArea(loupe_counts counts, int32_t width, int32_t height) {
  RunReader reader(counts, MaskPixels(width, height));
  int64_t area = 0;
  for (int64_t run; reader.Next(&run);) {
    if (reader.forged()) area += run;
  }
  return area;
}

void MaskBoundingBox(loupe_counts counts, int32_t width, int32_t height, int32_t box[4]) {
  RunReader reader(counts, MaskPixels(width, height));
  int64_t left = width;
  int64_t top = height;
  int64_t right = -1;
  int64_t bottom = -1;
  int64_t position = 0;
  for (int64_t run; reader.Next(&run); position += run) {
    if (!reader.forged() || run == 0) continue;
    const int64_t last = position + run - 1;
    const int64_t first_column = position / height;
    const int64_t last_column = last / height;
    left = std::min(left, first_column);
    right = last_column;
    // A run over a column's end touches the last row and the first.
    const bool one_column = first_column == last_column;
    top = std::min(top, one_column ? position % height : 0);
    bottom = std::max(bottom, one_column ? last % height : height - 1);
  }

  const bool empty = right < 0;
  box[0] = empty ? 0 : static_cast<int32_t>(left);
  box[1] = empty ? 0 : static_cast<int32_t>(top);
  box[2] = empty ? 0 : static_cast<int32_t>(right - left + 1);
  box[3] = empty ? 0 : static_cast<int32_t>(bottom - top + 1);
}

int64_t MergeMasks(loupe_counts first, loupe_counts second, int32_t width, int32_t height, bool intersection,
                   uint8_t* destination, int64_t capacity) {
  const int64_t total = MaskPixels(width, height);
  PairReader reader(first, second, total);
  RunWriter writer(destination, capacity);
  int64_t position = 0;
  bool value = false;
  int64_t length;
  bool a;
  bool b;
  while (reader.Next(&length, &a, &b)) {
    const bool merged = intersection ? a && b : a || b;
    if (merged != value && length != 0) {
      writer.Change(position);
      value = merged;
    }
    position += length;
  }
  reader.Drain();
  return writer.Finish(total);
}

double MaskIou(loupe_counts first, loupe_counts second, int32_t width, int32_t height) {
  PairReader reader(first, second, MaskPixels(width, height));
  int64_t intersection = 0;
  int64_t either = 0;
  int64_t length;
  bool a;
  bool b;
  while (reader.Next(&length, &a, &b)) {
    if (a && b) intersection += length;
    if (a || b) either += length;
  }
  reader.Drain();
  return either == 0 ? 0.0 : static_cast<double>(intersection) / static_cast<double>(either);
}

}  // namespace loupe
