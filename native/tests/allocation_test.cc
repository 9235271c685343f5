// Counts allocations by replacing the global operator new of this program.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

#include "loupe_native.h"
#include "test_data.h"

namespace {

thread_local int64_t allocations = 0;

void* Counted(size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(size_t size) { return Counted(size); }
void* operator new[](size_t size) { return Counted(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t /*size*/) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t /*size*/) noexcept { std::free(memory); }

namespace loupe {
namespace {

TEST(AllocationTest, AWarmHandleAllocatesNothing) {
  const loupe_preprocessor_options options{sizeof(options), 112, {0.5f, 0.5f, 0.5f}, {0.5f, 0.5f, 0.5f}};
  loupe_preprocessor* preprocessor = nullptr;
  ASSERT_EQ(LOUPE_OK, loupe_preprocessor_create(&options, &preprocessor));
  loupe_mask_decoder* decoder = nullptr;
  ASSERT_EQ(LOUPE_OK, loupe_mask_decoder_create(384, &decoder));

  NoisePicture large(LOUPE_NV12, 640, 480, 0, 1);
  NoisePicture small(LOUPE_BGR24, 321, 241, 0, 2);
  std::vector<float> input(3 * 112 * 112);
  const auto mask_logits = RandomFloats(5 * 16 * 16, 3.0f, 1);
  const auto class_logits = RandomFloats(10, 1.0f, 2);
  std::vector<uint8_t> mask(640 * 480);
  std::vector<uint8_t> counts(640 * 480);

  const auto frame = [&](loupe_image& image) {
    int64_t area = 0;
    int64_t written = 0;
    int32_t box[4];
    const loupe_mask_request request{sizeof(request),
                                     5,
                                     16,
                                     16,
                                     image.width,
                                     image.height,
                                     0.5f,
                                     0,
                                     mask_logits.data(),
                                     class_logits.data(),
                                     mask.data(),
                                     image.width,
                                     nullptr,
                                     0};
    return loupe_preprocess_to_nchw(preprocessor, &image, input.data(), static_cast<int64_t>(input.size())) +
           loupe_mask_decode(decoder, &request, &area) +
           loupe_rle_encode(mask.data(), static_cast<int64_t>(mask.size()), image.width, image.width, image.height,
                            counts.data(), static_cast<int64_t>(counts.size()), &written) +
           loupe_rle_bounding_box({counts.data(), written}, image.width, image.height, box);
  };
  ASSERT_EQ(0, frame(large.image()));

  // The same picture again, then a smaller one and back: workspaces only ever grow.
  const int64_t before = allocations;
  const int failures = frame(large.image()) + frame(small.image()) + frame(large.image());
  const int64_t after = allocations;
  EXPECT_EQ(0, failures);
  EXPECT_EQ(before, after);

  loupe_preprocessor_destroy(preprocessor);
  loupe_mask_decoder_destroy(decoder);
}

}  // namespace
}  // namespace loupe
