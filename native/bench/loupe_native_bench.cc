// Times what runs for every frame under each instruction set this machine has. The column `vs_scalar` is the ratio to
// the plain reference of the tests, timed in the same run: absolute times of different machines do not compare.
//
//   native/build.sh DIRECTORY -DLOUPE_NATIVE_BENCHMARKS=ON && DIRECTORY/bench/loupe_native_bench

#include <benchmark/benchmark.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "loupe_native.h"
#include "reference.h"
#include "test_data.h"

namespace loupe {
namespace {

// Processor time, as the benchmarks' own rates are.
double SecondsOf(const std::function<void()>& body) {
  double best = 1e9;
  for (int i = 0; i < 3; ++i) {
    const std::clock_t start = std::clock();
    body();
    best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  }
  return best;
}

void Register(const std::string& name, const std::function<void()>& body, const std::function<void()>& reference) {
  const double scalar = SecondsOf(reference);
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    benchmark::RegisterBenchmark((name + "/" + hwy::TargetName(target)).c_str(), [=](benchmark::State& state) {
      hwy::SetSupportedTargetsForTest(target);
      for (auto _ : state) body();
      hwy::SetSupportedTargetsForTest(0);
      state.counters["vs_scalar"] = benchmark::Counter(scalar, benchmark::Counter::kIsIterationInvariantRate);
    })->Unit(benchmark::kMillisecond);
  }
}

void RegisterPreprocessing(const std::string& name, int32_t format, int32_t width, int32_t height) {
  constexpr int32_t kSide = 336;
  static const float kHalf[3] = {0.5f, 0.5f, 0.5f};
  const loupe_preprocessor_options options{sizeof(options), kSide, {0.5f, 0.5f, 0.5f}, {0.5f, 0.5f, 0.5f}};
  loupe_preprocessor* handle = nullptr;
  loupe_preprocessor_create(&options, &handle);
  const std::shared_ptr<loupe_preprocessor> preprocessor(handle, loupe_preprocessor_destroy);
  const auto picture = std::make_shared<NoisePicture>(format, width, height, 0, 1);
  const auto output = std::make_shared<std::vector<float>>(3 * kSide * kSide);
  Register(
      "preprocess/" + name,
      [=] {
        loupe_preprocess_to_nchw(preprocessor.get(), &picture->image(), output->data(),
                                 static_cast<int64_t>(output->size()));
      },
      [=] {
        benchmark::DoNotOptimize(reference::Normalize(
            reference::ToChannels(reference::Resize(reference::ToRgb(picture->image()), kSide)), kHalf, kHalf));
      });
}

constexpr int32_t kQueries = 20;
constexpr int32_t kGrid = 96;

// One query sees a region of a tenth of the picture, as masks are in life.
std::vector<float> OneRegion() {
  std::vector<float> logits(kQueries * kGrid * kGrid, -7.0f);
  for (int32_t y = 30; y < 60; ++y) {
    for (int32_t x = 40; x < 70; ++x) logits[static_cast<size_t>(y) * kGrid + x] = 4.0f;
  }
  return logits;
}

// `extent`: of the soft map; -1: there is none.
void RegisterMaskDecoding(const std::string& name, int32_t width, int32_t height, std::vector<float> logits,
                          int32_t extent) {
  constexpr int32_t kDecodeSize = 384;
  loupe_mask_decoder* handle = nullptr;
  loupe_mask_decoder_create(kDecodeSize, &handle);
  const std::shared_ptr<loupe_mask_decoder> decoder(handle, loupe_mask_decoder_destroy);
  const auto mask_logits = std::make_shared<std::vector<float>>(std::move(logits));
  const auto class_logits = std::make_shared<std::vector<float>>(RandomFloats(kQueries * 2, 1.0f, 2));
  const auto mask = std::make_shared<std::vector<uint8_t>>(static_cast<size_t>(width) * height);
  const auto soft = std::make_shared<std::vector<float>>(static_cast<size_t>(width) * height);
  Register(
      "decode_mask/" + name,
      [=] {
        const loupe_mask_request request{sizeof(request),
                                         kQueries,
                                         kGrid,
                                         kGrid,
                                         width,
                                         height,
                                         0.5f,
                                         std::max(extent, 0),
                                         mask_logits->data(),
                                         class_logits->data(),
                                         mask->data(),
                                         width,
                                         extent < 0 ? nullptr : soft->data(),
                                         width};
        int64_t area = 0;
        loupe_mask_decode(decoder.get(), &request, &area);
      },
      [=] {
        benchmark::DoNotOptimize(
            reference::SoftMap(*mask_logits, *class_logits, kQueries, kGrid, kGrid, kDecodeSize, width, height));
      });
}

// The same runs down the columns, which is the way they are counted.
std::vector<uint8_t> Transposed(const std::vector<uint8_t>& mask, int32_t width, int32_t height) {
  std::vector<uint8_t> transposed(mask.size());
  for (int32_t y = 0; y < height; ++y) {
    for (int32_t x = 0; x < width; ++x) {
      transposed[static_cast<size_t>(x) * height + y] = mask[static_cast<size_t>(y) * width + x];
    }
  }
  return transposed;
}

void RegisterEncoding(const std::string& name, int32_t width, int32_t height, std::vector<uint8_t> pixels) {
  const auto mask = std::make_shared<std::vector<uint8_t>>(std::move(pixels));
  const auto counts = std::make_shared<std::vector<uint8_t>>(static_cast<size_t>(width) * height);
  Register(
      "encode_rle/" + name,
      [=] {
        int64_t written = 0;
        loupe_rle_encode(mask->data(), static_cast<int64_t>(mask->size()), width, width, height, counts->data(),
                         static_cast<int64_t>(counts->size()), &written);
      },
      [=] { benchmark::DoNotOptimize(reference::Counts(reference::Runs(*mask, width, height))); });
}

}  // namespace
}  // namespace loupe

int main(int argc, char** argv) {
  loupe::RegisterPreprocessing("bgr24_640x480", LOUPE_BGR24, 640, 480);
  loupe::RegisterPreprocessing("bgr24_1920x1080", LOUPE_BGR24, 1920, 1080);
  loupe::RegisterPreprocessing("nv12_1920x1080", LOUPE_NV12, 1920, 1080);
  const auto noise = loupe::RandomFloats(loupe::kQueries * loupe::kGrid * loupe::kGrid, 4.0f, 1);
  loupe::RegisterMaskDecoding("640x480_noise", 640, 480, noise, -1);
  loupe::RegisterMaskDecoding("1920x1080_noise", 1920, 1080, noise, -1);
  loupe::RegisterMaskDecoding("1920x1080_region", 1920, 1080, loupe::OneRegion(), -1);
  loupe::RegisterMaskDecoding("1920x1080_region_soft", 1920, 1080, loupe::OneRegion(), LOUPE_SOFT_EVERYWHERE);
  loupe::RegisterMaskDecoding("1920x1080_region_soft_within", 1920, 1080, loupe::OneRegion(), LOUPE_SOFT_WITHIN_MASK);
  loupe::RegisterEncoding("1920x1080_few_runs", 1920, 1080, loupe::RandomMask(1920, 1080, 100000, 1));
  // One or two pixels each, which take one character; and up to 60, which take one or two at random.
  loupe::RegisterEncoding("1920x1080_many_runs", 1920, 1080, loupe::RandomMask(1920, 1080, 30, 1));
  loupe::RegisterEncoding("1920x1080_mixed_runs", 1920, 1080,
                          loupe::Transposed(loupe::RandomMask(1080, 1920, 60, 1), 1080, 1920));

  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
