// The exported functions: arguments checked, exceptions turned into a status and a message.

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <new>
#include <string>

#include "complaints.h"
#include "decoder_process.h"
#include "failure.h"
#include "image.h"
#include "loupe_decoding.h"
#include "loupe_native.h"
#include "mapped_file.h"
#include "mask_decoder.h"
#include "preprocessor.h"
#include "row_converter.h"
#include "run_length.h"

// A handle: the object and the flag that keeps a second caller out.
struct loupe_preprocessor {
  explicit loupe_preprocessor(const loupe_preprocessor_options& options) : value(options) {}
  loupe::Preprocessor value;
  std::atomic_flag busy;
};

struct loupe_mask_decoder {
  explicit loupe_mask_decoder(int32_t decode_size) : value(decode_size) {}
  loupe::MaskDecoder value;
  std::atomic_flag busy;
};

struct loupe_decoder {
  explicit loupe_decoder(const loupe_decoder_options& options) : value(options.program, options.opencv) {}
  loupe::DecoderProcess value;
  std::atomic_flag busy;
};

namespace {

using loupe::Failure;
using loupe::RefuseArgument;

// Of shared memory: a picture of the largest sides with four samples of two bytes.
constexpr int64_t kLargestArea = int64_t{LOUPE_MAX_SIDE} * LOUPE_MAX_SIDE * 8;

// A fixed size, so that a failure can be told when memory has run out; longer messages are cut.
thread_local std::array<char, 512> last_error{};

loupe_status Fail(loupe_status status, const char* message) noexcept {
  const size_t length = std::min(std::strlen(message), last_error.size() - 1);
  std::memcpy(last_error.data(), message, length);
  last_error[length] = '\0';
  return status;
}

template <class Body>
loupe_status Guarded(Body body) noexcept {
  try {
    body();
    return LOUPE_OK;
  } catch (const Failure& failure) {
    return Fail(failure.status(), failure.what());
  } catch (const std::bad_alloc&) {
    return Fail(LOUPE_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception& exception) {
    return Fail(LOUPE_INTERNAL, exception.what());
  } catch (...) {
    return Fail(LOUPE_INTERNAL, "unknown failure");
  }
}

template <class Handle>
class Turn {
 public:
  explicit Turn(Handle* handle) : handle_(handle) {
    if (handle == nullptr) RefuseArgument("the handle is null");
    if (handle->busy.test_and_set(std::memory_order_acquire)) {
      throw Failure(LOUPE_BUSY, "the handle is in another call: it serves one at a time");
    }
  }
  ~Turn() { handle_->busy.clear(std::memory_order_release); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  Handle* const handle_;
};

template <class T>
void RequirePointer(const char* name, const T* pointer) {
  if (pointer == nullptr) RefuseArgument(std::string(name) + " is null");
}

void RequireStructSize(const char* name, uint32_t theirs, size_t ours) {
  if (theirs != ours) {
    RefuseArgument(std::string(name) + " has " + std::to_string(theirs) + " bytes, this library's has " +
                   std::to_string(ours));
  }
}

void RequireResult(const loupe::Preprocessor& preprocessor, const void* destination, int64_t count) {
  RequirePointer("the destination", destination);
  const int64_t side = preprocessor.image_size();
  if (count < 3 * side * side) {
    throw Failure(LOUPE_BUFFER_TOO_SMALL, "the destination holds " + std::to_string(count) + " elements, 3x" +
                                              std::to_string(side) + "x" + std::to_string(side) + " take " +
                                              std::to_string(3 * side * side));
  }
}

void RequireCounts(loupe_counts counts) {
  if (counts.size_bytes < 0 || (counts.data == nullptr && counts.size_bytes != 0)) {
    RefuseArgument("the counts are null or their size is negative");
  }
}

// That `size` bytes at `mask` hold `height` rows.
void RequireMask(const uint8_t* mask, int64_t size, int64_t stride, int32_t width, int32_t height) {
  loupe::MaskPixels(width, height);
  RequirePointer("the mask", mask);
  if (stride < width) {
    RefuseArgument("the mask's stride is " + std::to_string(stride) + " bytes, a row takes " + std::to_string(width));
  }
  const int64_t gaps = height - 1;
  if (size < width || (gaps > 0 && stride > (size - width) / gaps)) {
    RefuseArgument("the mask has " + std::to_string(size) + " bytes, " + std::to_string(height) +
                   " rows with a stride of " + std::to_string(stride) + " take more");
  }
}

void RequireDestination(const uint8_t* destination, int64_t capacity, const int64_t* written) {
  RequirePointer("the written size", written);
  if (capacity < 0 || (destination == nullptr && capacity != 0)) {
    RefuseArgument("the destination is null or its capacity is negative");
  }
}

void ReportWritten(int64_t size, int64_t capacity, int64_t* written) {
  *written = size;
  if (size > capacity) {
    throw Failure(LOUPE_BUFFER_TOO_SMALL, "the counts take " + std::to_string(size) + " bytes, the destination has " +
                                              std::to_string(capacity));
  }
}

}  // namespace

uint32_t loupe_abi_version(void) noexcept { return LOUPE_ABI_VERSION; }

const char* loupe_version(void) noexcept { return LOUPE_NATIVE_VERSION; }

const char* loupe_last_error(void) noexcept { return last_error.data(); }

loupe_status loupe_plane_layout(int32_t format, int32_t width, int32_t height, int32_t plane, int64_t* row_bytes,
                                int32_t* rows) noexcept {
  return Guarded([&] {
    RequirePointer("the row size", row_bytes);
    RequirePointer("the number of rows", rows);
    const loupe::PlaneLayout layout = loupe::LayoutOf(format, width, height, plane);
    *row_bytes = layout.row_bytes;
    *rows = layout.rows;
  });
}

loupe_status loupe_image_validate(const loupe_image* image) noexcept {
  return Guarded([&] { loupe::Validate(image); });
}

loupe_status loupe_image_to_bgr(const loupe_image* image, uint8_t* destination, int64_t stride_bytes,
                                int64_t count) noexcept {
  return Guarded([&] {
    loupe::Validate(image);
    RequirePointer("the destination", destination);
    const int64_t row = 3 * int64_t{image->width};
    if (stride_bytes < row) {
      RefuseArgument("rows of " + std::to_string(stride_bytes) + " bytes do not hold " + std::to_string(row));
    }
    // Divided, since the product may not fit.
    if (count < row || (image->height > 1 && (count - row) / (image->height - 1) < stride_bytes)) {
      throw Failure(LOUPE_BUFFER_TOO_SMALL, "the destination holds " + std::to_string(count) +
                                                " bytes, which are not " + std::to_string(image->height) + " rows of " +
                                                std::to_string(stride_bytes));
    }
    loupe::ToBgr(*image, destination, stride_bytes);
  });
}

loupe_status loupe_preprocessor_create(const loupe_preprocessor_options* options,
                                       loupe_preprocessor** preprocessor) noexcept {
  return Guarded([&] {
    RequirePointer("the options", options);
    RequirePointer("the handle", preprocessor);
    RequireStructSize("loupe_preprocessor_options", options->struct_size, sizeof(loupe_preprocessor_options));
    *preprocessor = new loupe_preprocessor(*options);
  });
}

void loupe_preprocessor_destroy(loupe_preprocessor* preprocessor) noexcept { delete preprocessor; }

loupe_status loupe_preprocess_to_nchw(loupe_preprocessor* preprocessor, const loupe_image* image, float* destination,
                                      int64_t count) noexcept {
  return Guarded([&] {
    Turn turn(preprocessor);
    loupe::Validate(image);
    RequireResult(preprocessor->value, destination, count);
    preprocessor->value.ToNchw(*image, destination);
  });
}

loupe_status loupe_preprocess_to_chw(loupe_preprocessor* preprocessor, const loupe_image* image, uint8_t* destination,
                                     int64_t count) noexcept {
  return Guarded([&] {
    Turn turn(preprocessor);
    loupe::Validate(image);
    RequireResult(preprocessor->value, destination, count);
    preprocessor->value.ToChw(*image, destination);
  });
}

loupe_status loupe_mask_decoder_create(int32_t decode_size, loupe_mask_decoder** decoder) noexcept {
  return Guarded([&] {
    RequirePointer("the handle", decoder);
    *decoder = new loupe_mask_decoder(decode_size);
  });
}

void loupe_mask_decoder_destroy(loupe_mask_decoder* decoder) noexcept { delete decoder; }

loupe_status loupe_mask_decode(loupe_mask_decoder* decoder, const loupe_mask_request* request, int64_t* area) noexcept {
  return Guarded([&] {
    Turn turn(decoder);
    RequirePointer("the request", request);
    RequirePointer("the area", area);
    RequireStructSize("loupe_mask_request", request->struct_size, sizeof(loupe_mask_request));
    *area = decoder->value.Decode(*request);
  });
}

loupe_status loupe_rle_encode(const uint8_t* mask, int64_t mask_size_bytes, int64_t mask_stride_bytes, int32_t width,
                              int32_t height, uint8_t* destination, int64_t capacity, int64_t* written) noexcept {
  return Guarded([&] {
    RequireMask(mask, mask_size_bytes, mask_stride_bytes, width, height);
    RequireDestination(destination, capacity, written);
    ReportWritten(loupe::EncodeMask(mask, mask_stride_bytes, width, height, destination, capacity), capacity, written);
  });
}

loupe_status loupe_rle_decode(loupe_counts counts, int32_t width, int32_t height, uint8_t* mask,
                              int64_t mask_size_bytes, int64_t mask_stride_bytes) noexcept {
  return Guarded([&] {
    RequireCounts(counts);
    RequireMask(mask, mask_size_bytes, mask_stride_bytes, width, height);
    loupe::DecodeMask(counts, width, height, mask, mask_stride_bytes);
  });
}

loupe_status loupe_rle_area(loupe_counts counts, int32_t width, int32_t height, int64_t* area) noexcept {
  return Guarded([&] {
    RequireCounts(counts);
    RequirePointer("the area", area);
    *area = loupe::MaskArea(counts, width, height);
  });
}

loupe_status loupe_rle_bounding_box(loupe_counts counts, int32_t width, int32_t height, int32_t box[4]) noexcept {
  return Guarded([&] {
    RequireCounts(counts);
    RequirePointer("the box", box);
    loupe::MaskBoundingBox(counts, width, height, box);
  });
}

loupe_status loupe_rle_merge(loupe_counts first, loupe_counts second, int32_t width, int32_t height, int32_t operation,
                             uint8_t* destination, int64_t capacity, int64_t* written) noexcept {
  return Guarded([&] {
    RequireCounts(first);
    RequireCounts(second);
    RequireDestination(destination, capacity, written);
    if (operation != LOUPE_UNION && operation != LOUPE_INTERSECTION) {
      RefuseArgument("mask operation " + std::to_string(operation) + " does not exist");
    }
    ReportWritten(
        loupe::MergeMasks(first, second, width, height, operation == LOUPE_INTERSECTION, destination, capacity),
        capacity, written);
  });
}

loupe_status loupe_rle_iou(loupe_counts first, loupe_counts second, int32_t width, int32_t height,
                           double* iou) noexcept {
  return Guarded([&] {
    RequireCounts(first);
    RequireCounts(second);
    RequirePointer("the result", iou);
    *iou = loupe::MaskIou(first, second, width, height);
  });
}

loupe_status loupe_detach_file(const char* path, int64_t* bytes) noexcept {
  return Guarded([&] {
    RequirePointer("the path", path);
    RequirePointer("the number of bytes", bytes);
    *bytes = loupe::DetachMappings(path);
  });
}

void loupe_complaints_install(void) noexcept { loupe::InstallComplaints(); }

void loupe_complaints_begin(void) noexcept { loupe::BeginComplaints(); }

void loupe_complaints_end(char complaint[LOUPE_MAX_COMPLAINT]) noexcept { loupe::EndComplaints(complaint); }

loupe_status loupe_decoder_create(const loupe_decoder_options* options, loupe_decoder** decoder) noexcept {
  return Guarded([&] {
    RequirePointer("the options", options);
    RequirePointer("the decoder", decoder);
    RequireStructSize("loupe_decoder_options", options->struct_size, sizeof(*options));
    RequirePointer("the program's path", options->program);
    RequirePointer("OpenCV's path", options->opencv);
    *decoder = new loupe_decoder(*options);
  });
}

void loupe_decoder_destroy(loupe_decoder* decoder) noexcept { delete decoder; }

loupe_status loupe_decoder_room(loupe_decoder* decoder, int64_t input_bytes, int64_t pixel_bytes,
                                uint8_t** input) noexcept {
  return Guarded([&] {
    const Turn<loupe_decoder> turn(decoder);
    RequirePointer("the input", input);
    if (input_bytes < 0 || pixel_bytes < 0 || input_bytes > kLargestArea || pixel_bytes > kLargestArea) {
      RefuseArgument("room for " + std::to_string(input_bytes) + " and " + std::to_string(pixel_bytes) +
                     " bytes is not given");
    }
    *input = decoder->value.Room(input_bytes, pixel_bytes);
  });
}

loupe_status loupe_decoder_start(loupe_decoder* decoder, const loupe_decode_request* request) noexcept {
  return Guarded([&] {
    const Turn<loupe_decoder> turn(decoder);
    RequirePointer("the request", request);
    RequireStructSize("loupe_decode_request", request->struct_size, sizeof(*request));
    decoder->value.Start(*request);
  });
}

loupe_status loupe_decoder_wait(loupe_decoder* decoder, int32_t milliseconds, loupe_decode_result* result) noexcept {
  return Guarded([&] {
    const Turn<loupe_decoder> turn(decoder);
    RequirePointer("the result", result);
    RequireStructSize("loupe_decode_result", result->struct_size, sizeof(*result));
    decoder->value.Wait(milliseconds, result);
  });
}

loupe_status loupe_decoder_trim(loupe_decoder* decoder) noexcept {
  return Guarded([&] {
    const Turn<loupe_decoder> turn(decoder);
    decoder->value.Trim();
  });
}

loupe_status loupe_decoder_process_id(loupe_decoder* decoder, int32_t* id) noexcept {
  return Guarded([&] {
    const Turn<loupe_decoder> turn(decoder);
    RequirePointer("the id", id);
    *id = decoder->value.process_id();
  });
}

loupe_status loupe_decoder_stop(loupe_decoder* decoder) noexcept {
  return Guarded([&] {
    const Turn<loupe_decoder> turn(decoder);
    decoder->value.Stop();
  });
}
