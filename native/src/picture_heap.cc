#include "picture_heap.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

extern "C" {
// glibc's own, which its malloc is an alias of.
// NOLINTBEGIN(bugprone-reserved-identifier)
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* block, size_t size);
void __libc_free(void* block);
// NOLINTEND(bugprone-reserved-identifier)
}

namespace {

// cv::fastMalloc adds a pointer and an alignment.
constexpr int64_t kAround = 256;
// Below it many blocks have the size of a picture, and a copy costs nothing.
constexpr int64_t kSmallPicture = 64 << 10;

uint8_t* lent = nullptr;
int64_t smallest = 0;
int64_t largest = -1;
bool taken = false;
bool ran_out = false;

}  // namespace

namespace loupe {

void LendPictureHeap(uint8_t* memory, int64_t capacity, int64_t picture_bytes) {
  lent = memory;
  smallest = picture_bytes;
  largest = picture_bytes < kSmallPicture ? -1 : std::min(capacity, picture_bytes + kAround);
  taken = false;
  ran_out = false;
}

bool PictureHeapRanOut() { return ran_out; }

bool TakePictureHeapBack() {
  largest = -1;
  if (taken) return false;
  lent = nullptr;
  return true;
}

}  // namespace loupe

// AddressSanitizer has a malloc of its own.
#ifndef __SANITIZE_ADDRESS__

static void* Note(void* block, size_t size) {
  if (block == nullptr && size != 0) ran_out = true;
  return block;
}

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): the names of glibc's are reserved.

extern "C" void* malloc(size_t size) {
  const auto wanted = static_cast<int64_t>(size);
  if (wanted >= smallest && wanted <= largest && !taken) {
    taken = true;
    return lent;
  }
  return Note(__libc_malloc(size), size);
}

extern "C" void* calloc(size_t count, size_t size) { return Note(__libc_calloc(count, size), count * size); }

extern "C" void free(void* block) {
  if (block != nullptr && block == lent) {
    taken = false;
  } else {
    __libc_free(block);
  }
}

extern "C" void* realloc(void* block, size_t size) {
  if (block == nullptr || block != lent) return Note(__libc_realloc(block, size), size);
  void* const moved = __libc_malloc(size);
  if (Note(moved, size) != nullptr) {
    std::memcpy(moved, block, std::min(size, static_cast<size_t>(largest)));
    taken = false;
  }
  return moved;
}

// NOLINTEND(readability-inconsistent-declaration-parameter-name)

#endif
