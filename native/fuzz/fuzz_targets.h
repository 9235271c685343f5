// What the fuzzers run. Each takes any bytes and aborts where the library does what its header rules out;
// reading or writing past a buffer is for AddressSanitizer to find, which is why every buffer here has exactly the stated size.
#ifndef LOUPE_NATIVE_FUZZ_TARGETS_H_
#define LOUPE_NATIVE_FUZZ_TARGETS_H_

#include <cstddef>
#include <cstdint>

namespace loupe::fuzz {

// Width, height, then run-length counts of one or two masks.
void RunLength(const uint8_t* data, size_t size);

// A mask request, then logits.
void MaskDecode(const uint8_t* data, size_t size);

// A picture's description, then its planes.
void Preprocess(const uint8_t* data, size_t size);

struct Target {
  const char* name;  // also of its corpus
  void (*run)(const uint8_t* data, size_t size);
};

inline constexpr Target kTargets[] = {
    {"run_length", RunLength}, {"mask_decode", MaskDecode}, {"preprocess", Preprocess}};

}  // namespace loupe::fuzz

#endif  // LOUPE_NATIVE_FUZZ_TARGETS_H_
