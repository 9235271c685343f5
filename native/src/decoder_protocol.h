// What the library and the program loupe_decoder say to each other over a socket, one message each way for a picture. Both are built from one checkout
// and lie beside each other; the version is checked all the same.
#ifndef LOUPE_NATIVE_SRC_DECODER_PROTOCOL_H_
#define LOUPE_NATIVE_SRC_DECODER_PROTOCOL_H_

#include <cstdint>

#include "loupe_decoding.h"

namespace loupe::decoder {

inline constexpr uint32_t kVersion = 1;

// Descriptors of the program, put there by whoever starts it.
inline constexpr int kSocket = 3;
inline constexpr int kMemory = 4;

// OpenCV allocates a picture with so much around it.
inline constexpr int64_t kPixelSlack = 4096;

struct Request {
  int32_t flags;
  int32_t format;       // loupe_decode_format
  int64_t memory_size;  // of the shared memory, which grows and shrinks
  int64_t input_bytes;  // at its beginning
  int64_t pixel_offset;
  int64_t pixel_bytes;  // expected
  int64_t memory_limit;
  int64_t processor_ns;
};

struct Reply {
  uint32_t version;
  int32_t state;  // loupe_decode_state
  int32_t width;
  int32_t height;
  int32_t type;
  int32_t reserved;
  int64_t step_bytes;
  int64_t pixel_offset;
  char text
      [LOUPE_MAX_COMPLAINT];  // the complaint; in the first message, which says that the program is ready, why it is not
};

}  // namespace loupe::decoder

#endif  // LOUPE_NATIVE_SRC_DECODER_PROTOCOL_H_
