#ifndef LOUPE_NATIVE_SRC_HEIF_PICTURES_H_
#define LOUPE_NATIVE_SRC_HEIF_PICTURES_H_

#include <cstdint>
#include <string>

namespace loupe {

// HEIC and AVIF by the system's libheif, where there is one. It is loaded at run time: no build needs it, and its functions have had the same form since
// version 1.12.
class HeifPictures {
 public:
  // Once; what is missing, for people, or empty.
  std::string Load();

  // The primary picture as stored, without what the file asks to be turned or cropped, as 8-bit BGR of `step_bytes` a row. False where the decoder makes
  // nothing of it, or the picture does not fit. `warning`: what the decoder found wrong and went on from; empty where there is nothing.
  bool Decode(const uint8_t* file, int64_t size, uint8_t* pixels, int64_t capacity, int32_t* width, int32_t* height,
              int64_t* step_bytes, std::string* warning) const;

  // Whether a decoder for what `av1` says is in the library.
  bool Decodes(bool av1) const;

 private:
  struct Error {
    int code;
    int subcode;
    const char* message;
  };

  bool loaded_ = false;
  std::string missing_;
  void* (*context_alloc_)() = nullptr;
  void (*context_free_)(void*) = nullptr;
  void (*set_threads_)(void*, int) = nullptr;
  Error (*read_)(void*, const void*, size_t, const void*) = nullptr;
  Error (*primary_)(void*, void**) = nullptr;
  void (*handle_release_)(const void*) = nullptr;
  uint8_t* (*options_alloc_)() = nullptr;
  void (*options_free_)(uint8_t*) = nullptr;
  Error (*decode_)(const void*, void**, int, int, const uint8_t*) = nullptr;
  int (*image_width_)(const void*, int) = nullptr;
  int (*image_height_)(const void*, int) = nullptr;
  const uint8_t* (*plane_)(const void*, int, int*) = nullptr;
  int (*warnings_)(void*, int, Error*, int) = nullptr;
  void (*image_release_)(const void*) = nullptr;
  int (*have_decoder_)(int) = nullptr;
};

}  // namespace loupe

#endif  // LOUPE_NATIVE_SRC_HEIF_PICTURES_H_
