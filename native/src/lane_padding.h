#ifndef LOUPE_NATIVE_SRC_LANE_PADDING_H_
#define LOUPE_NATIVE_SRC_LANE_PADDING_H_

#include <cstdint>

namespace loupe {

// The widest vector that kernels use, in bytes. Rows are padded to a multiple of this many elements, so that kernels
// need no loop for what is left over.
inline constexpr int32_t kLanePadding = 64;

inline constexpr int32_t PadToLanes(int32_t size) { return (size + kLanePadding - 1) / kLanePadding * kLanePadding; }

}  // namespace loupe

#endif  // LOUPE_NATIVE_SRC_LANE_PADDING_H_
