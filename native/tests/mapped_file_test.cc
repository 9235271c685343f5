#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "loupe_native.h"

namespace loupe {
namespace {

constexpr size_t kPages = 3;

class MappedFileTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = testing::TempDir() + "loupe mapped\nXXXXXX";
    file_ = mkstemp(path_.data());
    ASSERT_GE(file_, 0);
    std::string content(size(), 'a');
    content.back() = 'z';
    ASSERT_EQ(static_cast<ssize_t>(size()), write(file_, content.data(), size()));
  }

  void TearDown() override {
    close(file_);
    unlink(path_.c_str());
  }

  static size_t page() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }
  static size_t size() { return kPages * page(); }

  const char* Map(size_t first, size_t pages) const {
    void* const mapped =
        mmap(nullptr, pages * page(), PROT_READ, MAP_PRIVATE, file_, static_cast<off_t>(first * page()));
    EXPECT_NE(MAP_FAILED, mapped);
    return static_cast<const char*>(mapped);
  }

  std::string path_;
  int file_ = -1;
};

TEST_F(MappedFileTest, WhatIsDetachedOutlivesItsFile) {
  const char* const all = Map(0, kPages);
  const char* const last = Map(kPages - 1, 1);
  int64_t bytes = 0;

  ASSERT_EQ(LOUPE_OK, loupe_detach_file(path_.c_str(), &bytes)) << loupe_last_error();
  ASSERT_EQ(0, ftruncate(file_, 0));

  EXPECT_EQ(static_cast<int64_t>(size() + page()), bytes);
  EXPECT_EQ('a', all[0]);
  EXPECT_EQ('z', all[size() - 1]);
  EXPECT_EQ('z', last[page() - 1]);
  // Nothing is mapped any more.
  ASSERT_EQ(LOUPE_OK, loupe_detach_file(path_.c_str(), &bytes));
  EXPECT_EQ(0, bytes);
}

TEST_F(MappedFileTest, AFileThatBecameShorterBeforeIsAnError) {
  Map(0, kPages);
  ASSERT_EQ(0, ftruncate(file_, static_cast<off_t>(page())));
  int64_t bytes = 0;
  EXPECT_EQ(LOUPE_MALFORMED, loupe_detach_file(path_.c_str(), &bytes));
  EXPECT_STREQ("the file became shorter while it was read", loupe_last_error());
}

TEST_F(MappedFileTest, AFileThatIsNotThereIsRefused) {
  int64_t bytes = 0;
  EXPECT_EQ(LOUPE_INVALID_ARGUMENT, loupe_detach_file("/nowhere/at/all", &bytes));
  EXPECT_EQ(LOUPE_INVALID_ARGUMENT, loupe_detach_file(nullptr, &bytes));
  EXPECT_EQ(LOUPE_INVALID_ARGUMENT, loupe_detach_file(path_.c_str(), nullptr));
}

}  // namespace
}  // namespace loupe
