#include <loupegrpc/opencv.h>

#include <cstring>
#include <opencv2/core.hpp>
#include <system_error>

#include "fake_server.h"
#include "support.h"

namespace {

using loupegrpc::FromMat;
using loupegrpc::PixelFormat;

std::vector<std::uint8_t> Pixels(const loupegrpc::Raw& raw) {
  const auto* bytes = static_cast<const std::uint8_t*>(raw.pixels.data());
  return {bytes, bytes + raw.pixels.size()};
}

TEST(Frames, OfMatsAreTheirPixels) {
  cv::Mat gray(4, 4, CV_8UC1);
  for (int i = 0; i < 16; ++i) gray.data[i] = static_cast<std::uint8_t>(i);
  const auto whole = FromMat(gray);
  EXPECT_EQ(whole.pixels.data(), gray.data) << "copied";
  EXPECT_EQ(whole.format->pixel_format, PixelFormat::kGray8);
  const auto part = FromMat(gray(cv::Rect(1, 1, 2, 2)));
  EXPECT_EQ(Pixels(part), (std::vector<std::uint8_t>{5, 6, 9, 10}));
  EXPECT_EQ(part.format->width, 2U);
  EXPECT_EQ(part.format->height, 2U);

  EXPECT_EQ(FromMat(cv::Mat(2, 3, CV_8UC3)).format->pixel_format, PixelFormat::kBgr24);
  EXPECT_EQ(FromMat(cv::Mat(2, 3, CV_8UC3), PixelFormat::kRgb24).format->pixel_format, PixelFormat::kRgb24);
  EXPECT_EQ(FromMat(cv::Mat(2, 3, CV_8UC4)).format->pixel_format, PixelFormat::kBgra32);
  EXPECT_EQ(FromMat(cv::Mat(2, 4, CV_8UC2), PixelFormat::kYuyv).format->height, 2U);
  const auto planes = FromMat(cv::Mat(6, 4, CV_8UC1), PixelFormat::kNv12);
  EXPECT_EQ(planes.format->height, 4U);
  EXPECT_EQ(planes.pixels.size(), 24U);
}

TEST(Frames, KeepTheMatThatTheyCameFrom) {
  loupegrpc::Raw raw;
  {
    cv::Mat own(1, 3, CV_8UC1);
    std::memcpy(own.data, "abc", 3);
    raw = FromMat(own);
  }
  EXPECT_EQ(Pixels(raw), (std::vector<std::uint8_t>{'a', 'b', 'c'}));
}

TEST(Frames, WhatHasNoSuchPixelsIsRefused) {
  EXPECT_THROW(FromMat(cv::Mat()), std::invalid_argument);
  EXPECT_THROW(FromMat(cv::Mat(2, 2, CV_16UC1)), std::invalid_argument);
  EXPECT_THROW(FromMat(cv::Mat(2, 2, CV_8UC2)), std::invalid_argument);
  EXPECT_THROW(FromMat(cv::Mat(2, 2, CV_8UC3), PixelFormat::kGray8), std::invalid_argument);
  EXPECT_THROW(FromMat(cv::Mat(4, 4, CV_8UC1), PixelFormat::kI420), std::invalid_argument);
  const int sizes[] = {2, 2, 2};
  EXPECT_THROW(FromMat(cv::Mat(3, sizes, CV_8UC1)), std::invalid_argument);
}

TEST(Frames, MasksBecomeMats) {
  const cv::Mat mask = loupegrpc::ToMat(loupegrpc::Bitmap{2, 2, {0, 1, 1, 0}});
  EXPECT_EQ(cv::countNonZero(mask), 2);
  EXPECT_EQ(mask.at<std::uint8_t>(0, 1), 255);
  EXPECT_EQ(loupegrpc::ToMat(loupegrpc::SoftMask{1, 2, {3, 200}}).at<std::uint8_t>(0, 1), 200);
  EXPECT_EQ(loupegrpc::ToRect({1, 2, 3, 4}), cv::Rect(1, 2, 3, 4));
}

TEST(Frames, GoOverAsTheyAre) {
  using namespace std::chrono_literals;
  std::vector<v1::Frame> heard;
  FakeServer server({[&](Call& call) -> End {
    call.Read();
    call.Write(Granted());
    std::uint64_t sequence = 0;
    while (const auto request = call.Read()) {
      heard.push_back(request->frame());
      call.Write(ResultOf(sequence++));
    }
    call.Write(SummaryOf(sequence));
    return {};
  }});
  const loupegrpc::Client client(At(server.address()));
  auto session = client.OpenSession({}, kPatience);
  std::vector<std::uint8_t> pixels(300, 7);
  loupegrpc::FrameFormat format{PixelFormat::kRgb24,       10, 10, {30}, loupegrpc::YuvMatrix::kBt709,
                                loupegrpc::YuvRange::kFull};
  session.Send({loupegrpc::Raw{pixels, format}, UINT64_MAX, std::chrono::system_clock::time_point(1500ms), 1500ms},
               kPatience);
  session.Send({loupegrpc::Raw{loupegrpc::Bytes::View(pixels.data(), 3)}}, kPatience);
  session.Send({loupegrpc::Encoded{std::string()}}, kPatience);
  const auto path = TestFolder() / "picture";
  FILE* file = std::fopen(path.c_str(), "wb");
  std::fputs("a file", file);
  std::fclose(file);
  session.Send({loupegrpc::File{path}}, kPatience);
  session.Complete(kPatience);
  ASSERT_EQ(heard.size(), 4U);
  EXPECT_EQ(heard[0].frame_id(), UINT64_MAX);
  EXPECT_EQ(heard[0].capture_time().seconds(), 1);
  EXPECT_EQ(heard[0].capture_time().nanos(), 500'000'000);
  EXPECT_EQ(heard[0].deadline().seconds(), 1);
  EXPECT_EQ(heard[0].deadline().nanos(), 500'000'000);
  EXPECT_EQ(heard[0].raw().format().strides(0), 30U);
  EXPECT_EQ(heard[0].raw().format().yuv_matrix(), v1::YUV_MATRIX_BT709);
  EXPECT_EQ(heard[0].raw().format().yuv_range(), v1::YUV_RANGE_FULL);
  EXPECT_EQ(heard[0].raw().data(), std::string(300, '\7'));
  EXPECT_EQ(heard[1].frame_id(), 1U);
  EXPECT_FALSE(heard[1].raw().has_format());
  EXPECT_EQ(heard[1].raw().data(), "\7\7\7");
  EXPECT_TRUE(heard[2].has_encoded());
  EXPECT_EQ(heard[3].encoded().data(), "a file");
  EXPECT_EQ(heard[3].frame_id(), 3U);
}

TEST(Frames, AFileThatCannotBeReadIsNoFrame) {
  FakeServer server({AnswerAll});
  const loupegrpc::Client client(At(server.address()));
  auto session = client.OpenSession({}, kPatience);
  for (const std::filesystem::path path : {"no/such/file.jpg", "/"}) {
    const auto message = MessageOf<std::system_error>([&] { session.Send({loupegrpc::File{path}}, kPatience); });
    EXPECT_NE(message.find(path.string()), std::string::npos) << message;
  }
  EXPECT_EQ(session.Send(TextFrame(1), kPatience), 0U);
  EXPECT_EQ(session.Complete(kPatience).frames, 1U);
}

}  // namespace
