// The fuzzers' targets without a fuzzer: their corpus, and inputs made of it by a few thousand random changes that are the same each time.
// native/fuzz.sh runs them with coverage.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "fuzz_targets.h"

namespace loupe {
namespace {

constexpr int kMutations = 3000;
constexpr size_t kMaxChanges = 8;

using Bytes = std::vector<uint8_t>;

std::vector<Bytes> Corpus(const std::string& target) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(LOUPE_NATIVE_FUZZ_CORPUS) + "/" + target)) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Bytes> corpus;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return corpus;
}

class FuzzTest : public testing::TestWithParam<fuzz::Target> {};

INSTANTIATE_TEST_SUITE_P(, FuzzTest, testing::ValuesIn(fuzz::kTargets),
                         [](const auto& target) { return std::string(target.param.name); });

TEST_P(FuzzTest, CorpusAndMutationsKeepToTheHeader) {
  const std::vector<Bytes> corpus = Corpus(GetParam().name);
  ASSERT_FALSE(corpus.empty());
  for (const Bytes& input : corpus) GetParam().run(input.data(), input.size());

  std::mt19937 random(20250131);
  for (int i = 0; i < kMutations; ++i) {
    Bytes input = corpus[random() % corpus.size()];
    for (size_t change = random() % kMaxChanges; change-- > 0 && !input.empty();) {
      const size_t at = random() % input.size();
      switch (random() % 4) {
        case 0:
          input[at] = static_cast<uint8_t>(random());
          break;
        case 1:
          input[at] ^= static_cast<uint8_t>(1u << (random() % 8));
          break;
        case 2:
          input.erase(input.begin() + static_cast<std::ptrdiff_t>(at));
          break;
        default:
          input.insert(input.begin() + static_cast<std::ptrdiff_t>(at), static_cast<uint8_t>(random()));
      }
    }
    GetParam().run(input.data(), input.size());
  }
}

}  // namespace
}  // namespace loupe
