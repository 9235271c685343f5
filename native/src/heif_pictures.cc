#include "heif_pictures.h"

#include <dlfcn.h>

#include <memory>

namespace loupe {
namespace {

// Of heif.h.
constexpr int kCompressionHevc = 1;
constexpr int kCompressionAv1 = 4;
constexpr int kColorspaceRgb = 1;
constexpr int kChromaInterleavedRgb = 10;
constexpr int kChannelInterleaved = 10;
// struct heif_decoding_options: a version, then this; and behind four pointers this, from its version 2 on.
constexpr int kIgnoreTransformations = 1;
constexpr int kConvertHdrTo8Bit = 40;

constexpr char kLibrary[] = "libheif.so.1";

template <class Function>
bool Find(void* library, const char* name, Function* function, std::string* missing) {
  *function = reinterpret_cast<Function>(dlsym(library, name));
  if (*function == nullptr && missing != nullptr) *missing = std::string(kLibrary) + " has no " + name;
  return *function != nullptr;
}

template <class Free>
std::unique_ptr<void, Free> Own(void* object, Free free) {
  return std::unique_ptr<void, Free>(object, free);
}

}  // namespace

std::string HeifPictures::Load() {
  if (loaded_) return missing_;
  loaded_ = true;
  void* const library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread loads libraries.
    missing_ = dlerror();
    return missing_;
  }
  const bool found = Find(library, "heif_context_alloc", &context_alloc_, &missing_) &&
                     Find(library, "heif_context_free", &context_free_, &missing_) &&
                     Find(library, "heif_context_read_from_memory_without_copy", &read_, &missing_) &&
                     Find(library, "heif_context_get_primary_image_handle", &primary_, &missing_) &&
                     Find(library, "heif_image_handle_release", &handle_release_, &missing_) &&
                     Find(library, "heif_decoding_options_alloc", &options_alloc_, &missing_) &&
                     Find(library, "heif_decoding_options_free", &options_free_, &missing_) &&
                     Find(library, "heif_decode_image", &decode_, &missing_) &&
                     Find(library, "heif_image_get_width", &image_width_, &missing_) &&
                     Find(library, "heif_image_get_height", &image_height_, &missing_) &&
                     Find(library, "heif_image_get_plane_readonly", &plane_, &missing_) &&
                     Find(library, "heif_image_release", &image_release_, &missing_) &&
                     Find(library, "heif_have_decoder_for_format", &have_decoder_, &missing_);
  if (found) {
    // Newer than the rest.
    Find(library, "heif_context_set_max_decoding_threads", &set_threads_, nullptr);
    Find(library, "heif_image_get_decoding_warnings", &warnings_, nullptr);
  }
  return missing_;
}

bool HeifPictures::Decodes(bool av1) const { return have_decoder_(av1 ? kCompressionAv1 : kCompressionHevc) != 0; }

bool HeifPictures::Decode(const uint8_t* file, int64_t size, uint8_t* pixels, int64_t capacity, int32_t* width,
                          int32_t* height, int64_t* step_bytes, std::string* warning) const {
  const auto context = Own(context_alloc_(), context_free_);
  if (context == nullptr) return false;
  if (set_threads_ != nullptr) set_threads_(context.get(), 0);
  if (read_(context.get(), file, static_cast<size_t>(size), nullptr).code != 0) return false;
  void* found = nullptr;
  if (primary_(context.get(), &found).code != 0) return false;
  const auto handle = Own(found, handle_release_);
  const std::unique_ptr<uint8_t, decltype(options_free_)> options(options_alloc_(), options_free_);
  if (options == nullptr) return false;
  options.get()[kIgnoreTransformations] = 1;
  if (options.get()[0] >= 2) options.get()[kConvertHdrTo8Bit] = 1;
  void* decoded = nullptr;
  if (decode_(handle.get(), &decoded, kColorspaceRgb, kChromaInterleavedRgb, options.get()).code != 0) return false;
  const auto image = Own(decoded, image_release_);

  int stride = 0;
  const uint8_t* const plane = plane_(image.get(), kChannelInterleaved, &stride);
  *width = image_width_(image.get(), kChannelInterleaved);
  *height = image_height_(image.get(), kChannelInterleaved);
  *step_bytes = int64_t{3} * *width;
  if (plane == nullptr || *width <= 0 || *height <= 0 || *step_bytes > capacity / *height) return false;
  for (int32_t y = 0; y < *height; ++y) {
    const uint8_t* from = plane + int64_t{stride} * y;
    uint8_t* to = pixels + *step_bytes * y;
    for (int32_t x = 0; x < *width; ++x, from += 3, to += 3) {
      to[0] = from[2];
      to[1] = from[1];
      to[2] = from[0];
    }
  }
  Error error{};
  if (warnings_ != nullptr && warnings_(image.get(), 0, &error, 1) > 0 && error.message != nullptr)
    *warning = error.message;
  return true;
}

}  // namespace loupe
