// What decoders print about pictures is collected for the thread that decodes; everything else goes to descriptor 2.

#include <gtest/gtest.h>
#include <stdio.h>
#include <unistd.h>

#include <iostream>
#include <string>
#include <thread>

#include "loupe_decoding.h"

namespace {

std::string Collect(void (*print)()) {
  char complaint[LOUPE_MAX_COMPLAINT];
  loupe_complaints_begin();
  print();
  loupe_complaints_end(complaint);
  return complaint;
}

// What reaches descriptor 2 meanwhile.
template <class Body>
std::string Descriptor2(Body body) {
  int ends[2];
  EXPECT_EQ(0, pipe(ends));
  const int kept = dup(STDERR_FILENO);
  dup2(ends[1], STDERR_FILENO);
  close(ends[1]);
  body();
  dup2(kept, STDERR_FILENO);
  close(kept);
  std::string all;
  char buffer[256];
  for (ssize_t size; (size = read(ends[0], buffer, sizeof(buffer))) > 0;) all.append(buffer, static_cast<size_t>(size));
  close(ends[0]);
  return all;
}

class Complaints : public testing::Test {
 protected:
  void SetUp() override { loupe_complaints_install(); }
};

TEST_F(Complaints, AreCollectedFromCAndFromCpp) {
  EXPECT_EQ("Corrupt JPEG data: bad Huffman code",
            Collect([] { fprintf(stderr, "%s\n", "Corrupt JPEG data: bad Huffman code"); }));
  EXPECT_EQ("LZWDecode: Not enough data", Collect([] {
              std::cerr << "[ERROR:0@0.1] global grfmt_tiff.cpp:116 TIFF_Error LZWDecode: Not enough data" << std::endl;
            }));
}

TEST_F(Complaints, TheFirstLineAboutPixelsCounts) {
  EXPECT_EQ(
      "JPEGLib: Corrupt JPEG data", Collect([] {
        fputs("[ WARN:0@0.1] global grfmt_tiff.cpp:122 TIFF_Warning TIFFReadDirectory: Unknown field with tag 50000\n",
              stderr);
        fputs("libpng warning: iCCP: known incorrect sRGB profile\n", stderr);
        fputs("[ WARN:0@0.1] global grfmt_tiff.cpp:122 TIFF_Warning JPEGLib: Corrupt JPEG data\n", stderr);
        fputs("another\n", stderr);
      }));
}

TEST_F(Complaints, ALineWithoutAnEndCountsToo) {
  EXPECT_EQ("Premature end of JPEG file", Collect([] { fputs("Premature end of JPEG file", stderr); }));
}

TEST_F(Complaints, ThereAreNoneWhereNothingWasSaid) {
  EXPECT_EQ("", Collect([] {}));
}

TEST_F(Complaints, LinesAreCutAndPrintable) {
  const std::string complaint = Collect([] {
    fputs("\x1b[31m", stderr);
    for (int i = 0; i < 10'000; ++i) fputc('x', stderr);
  });
  EXPECT_EQ(size_t{LOUPE_MAX_COMPLAINT - 1}, complaint.size());
  EXPECT_EQ("?[31mxxx", complaint.substr(0, 8));
}

TEST_F(Complaints, WhatIsSaidOutsideGoesToTheDescriptor) {
  const std::string written = Descriptor2([] {
    fputs("from C\n", stderr);
    std::cerr << "from C++\n";
  });
  EXPECT_EQ("from C\nfrom C++\n", written);
}

TEST_F(Complaints, AnotherThreadsLinesAreNotTaken) {
  std::string collected;
  const std::string written = Descriptor2([&] {
    loupe_complaints_begin();
    std::thread([] { fputs("of another thread\n", stderr); }).join();
    char complaint[LOUPE_MAX_COMPLAINT];
    loupe_complaints_end(complaint);
    collected = complaint;
  });
  EXPECT_EQ("", collected);
  EXPECT_EQ("of another thread\n", written);
}

}  // namespace
