#ifndef LOUPE_NATIVE_SRC_PICTURE_HEAP_H_
#define LOUPE_NATIVE_SRC_PICTURE_HEAP_H_

#include <cstdint>

namespace loupe {

// OpenCV allocates the picture that it decodes to by malloc and takes no memory of the caller's. So that it need not be copied, malloc in this program
// answers the first request of a picture's size with memory that was lent for it. Where another block got it the picture is copied: nothing depends on
// the guess but time. Only the thread that decodes may allocate.
void LendPictureHeap(uint8_t* memory, int64_t capacity, int64_t picture_bytes);

// Whether malloc or one of its kind has failed since memory was lent.
bool PictureHeapRanOut();

// False where somebody still has the memory: then this process must not go on.
bool TakePictureHeapBack();

}  // namespace loupe

#endif  // LOUPE_NATIVE_SRC_PICTURE_HEAP_H_
