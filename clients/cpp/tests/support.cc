#include "support.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

std::filesystem::path Root() {
  const char* root = std::getenv("LOUPE_ROOT");
  return root != nullptr ? root : "../../..";
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::filesystem::path TestFolder() {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  auto folder = std::filesystem::path(testing::TempDir()) /
                (std::string("loupegrpc-") + test->test_suite_name() + "-" + test->name());
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

loupegrpc::Options At(const std::string& address) {
  loupegrpc::Options options;
  options.address = address;
  return options;
}

loupegrpc::Frame TextFrame(std::uint64_t id) { return {loupegrpc::Encoded{std::string("x")}, id}; }

std::vector<loupegrpc::Outcome> Rest(loupegrpc::Session* session) {
  std::vector<loupegrpc::Outcome> outcomes;
  while (auto outcome = session->Receive(kPatience)) outcomes.push_back(std::move(*outcome));
  return outcomes;
}
