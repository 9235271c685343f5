#ifndef LOUPE_NATIVE_SRC_MAPPED_FILE_H_
#define LOUPE_NATIVE_SRC_MAPPED_FILE_H_

#include <cstdint>

namespace loupe {

// Puts memory with the same content in the place of every mapping of the file in this process. Returns the bytes; throws
// Failure where they cannot be read any more or there is no memory. Meanwhile nobody may unmap any of the file.
int64_t DetachMappings(const char* path);

}  // namespace loupe

#endif  // LOUPE_NATIVE_SRC_MAPPED_FILE_H_
