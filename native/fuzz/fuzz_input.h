// Takes an input apart. What is missing at its end reads as zeros.
#ifndef LOUPE_NATIVE_FUZZ_INPUT_H_
#define LOUPE_NATIVE_FUZZ_INPUT_H_

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace loupe::fuzz {

class Input {
 public:
  Input(const uint8_t* data, size_t size) : next_(data), left_(size) {}

  size_t left() const { return left_; }

  template <class T>
  T Take() {
    T value{};
    const size_t taken = std::min(left_, sizeof(T));
    if (taken != 0) std::memcpy(&value, next_, taken);
    next_ += taken;
    left_ -= taken;
    return value;
  }

  // A number that is mostly in a range that is worth the time, and at times anything.
  int32_t TakeSide(int32_t usual) {
    const auto raw = Take<uint16_t>();
    if (raw >= 0xFFF0) return Take<int32_t>();
    return 1 + raw % usual;
  }

  std::vector<uint8_t> TakeBytes(size_t count) {
    std::vector<uint8_t> bytes(count);
    const size_t taken = std::min(left_, count);
    if (taken != 0) std::memcpy(bytes.data(), next_, taken);
    next_ += taken;
    left_ -= taken;
    return bytes;
  }

 private:
  const uint8_t* next_;
  size_t left_;
};

inline void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

}  // namespace loupe::fuzz

#endif  // LOUPE_NATIVE_FUZZ_INPUT_H_
