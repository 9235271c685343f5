// libFuzzer's entry for the target that LOUPE_FUZZ_TARGET names.
#include "fuzz_targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  loupe::fuzz::LOUPE_FUZZ_TARGET(data, size);
  return 0;
}
