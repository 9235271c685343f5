// Against a real server, which run-tests.sh starts.
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <thread>

#include "support.h"

namespace {

using namespace std::chrono_literals;
using loupegrpc::Client;
using loupegrpc::FailureCode;
using loupegrpc::ImageOptions;
using loupegrpc::Verdict;

class Server : public testing::Test {
 protected:
  void SetUp() override {
    const char* address = std::getenv("LOUPE_ADDRESS");
    if (address == nullptr) GTEST_SKIP() << "LOUPE_ADDRESS is not set";
    client_ = std::make_unique<Client>(Client::Connect(At(address), kPatience));
  }

  loupegrpc::Analysis Analyze(const char* file, const ImageOptions& options = {}) {
    return client_->AnalyzeImage(loupegrpc::File{Root() / file}, options, kPatience);
  }

  static FailureCode CodeOf(const std::function<void()>& action) {
    try {
      action();
    } catch (const loupegrpc::RequestError& refused) {
      return refused.code();
    }
    ADD_FAILURE() << "nothing was refused";
    return FailureCode::kInternal;
  }

  std::unique_ptr<Client> client_;
};

constexpr char kForged[] = "samples/forged-cat-in-coffee.jpg";
constexpr char kAuthentic[] = "samples/authentic-coffee.jpg";

TEST_F(Server, EveryKindOfMaskIsTheSame) {
  ImageOptions options;
  std::vector<std::uint8_t> first;
  for (const auto encoding :
       {loupegrpc::MaskEncoding::kRle, loupegrpc::MaskEncoding::kPng, loupegrpc::MaskEncoding::kSoftPng}) {
    options.masks = loupegrpc::Masks{loupegrpc::MaskPolicy::kAlways, encoding};
    const auto found = Analyze("samples/forged-cat-inpainted.png", options);
    ASSERT_TRUE(found.mask);
    EXPECT_EQ(found.verdict, Verdict::kManipulated);
    const auto pixels = found.mask->Decode().pixels;
    if (first.empty()) first = pixels;
    EXPECT_EQ(pixels, first);
    EXPECT_EQ(static_cast<std::uint64_t>(std::count(pixels.begin(), pixels.end(), 1)), found.mask->area());
  }
}

TEST_F(Server, ManySessionsShareAClient) {
  const loupegrpc::Encoded picture{ReadFile(Root() / kAuthentic)};
  std::vector<std::thread> running;
  for (int number = 0; number < 3; ++number) {
    running.emplace_back([&] {
      loupegrpc::SessionOptions options;
      options.max_frames_in_flight = 3;
      options.masks = loupegrpc::Masks{loupegrpc::MaskPolicy::kNever};
      std::size_t count = 0;
      const auto account = client_->Analyze(std::vector<loupegrpc::Frame>(15, loupegrpc::Frame{picture}), options,
                                            [&](const loupegrpc::Outcome& outcome) {
                                              EXPECT_TRUE(std::holds_alternative<loupegrpc::Result>(outcome))
                                                  << ToString(outcome);
                                              EXPECT_EQ(FrameOf(outcome).index, count);
                                              EXPECT_EQ(FrameOf(outcome).id, count);
                                              ++count;
                                            });
      EXPECT_EQ(count, 15U);
      EXPECT_EQ(account.results, 15U);
    });
  }
  for (auto& thread : running) thread.join();
}

TEST_F(Server, RefusalsKeepTheirCodes) {
  EXPECT_EQ(CodeOf([&] { client_->AnalyzeImage(loupegrpc::Encoded{std::string("not a picture")}, {}, kPatience); }),
            FailureCode::kInvalid);
  loupegrpc::SessionOptions options;
  options.thresholds = loupegrpc::Thresholds{0.9, 0.1};
  EXPECT_EQ(CodeOf([&] { client_->OpenSession(options, kPatience); }), FailureCode::kInvalid);
}

TEST_F(Server, ResultsAreExplainedInTheLanguageThatIsAskedFor) {
  EXPECT_TRUE(Analyze(kForged).explanation.empty());
  ImageOptions options;
  options.explain = "en";
  const auto sentences = Analyze(kForged, options).explanation;
  ASSERT_FALSE(sentences.empty());
  EXPECT_EQ(sentences[0].code, "SCORE_MANIPULATED");
  EXPECT_EQ(sentences[0].numbers.at("high"), 0.6);
  EXPECT_TRUE(sentences[0].text.starts_with("The score of 0.")) << sentences[0].text;
  options.explain = "fr";
  const auto message = MessageOf<loupegrpc::RequestError>([&] { Analyze(kForged, options); });
  EXPECT_NE(message.find("en or zh"), std::string::npos) << message;
}

TEST_F(Server, ResultsAreSignedWhereThatIsAskedFor) {
  EXPECT_TRUE(Analyze(kForged).receipt.empty());
  ImageOptions options;
  options.receipt = true;
  const auto alone = Analyze(kForged, options);
  const auto envelope = nlohmann::json::parse(alone.receipt);
  EXPECT_FALSE(envelope.at("signatures").empty());
  loupegrpc::SessionOptions session;
  session.receipts = true;
  const auto summary = client_->Analyze(
      std::vector<loupegrpc::Frame>{{loupegrpc::File{Root() / kForged}}}, session,
      [](const loupegrpc::Outcome& outcome) {
        EXPECT_FALSE(std::get<loupegrpc::Result>(outcome).analysis.receipt.empty());
      },
      kPatience);
  EXPECT_FALSE(summary.receipt.empty());
}

TEST_F(Server, PicturesAreLookedAtInTilesWhereThatIsAskedFor) {
  EXPECT_FALSE(Analyze(kAuthentic).tiles);
  ImageOptions options;
  options.tiles = loupegrpc::Tiles{loupegrpc::TilePolicy::kNative};
  const auto tiled = Analyze(kAuthentic, options);
  ASSERT_TRUE(tiled.tiles);
  EXPECT_EQ(tiled.tiles->analysed, 4U);
  EXPECT_EQ(tiled.tiles->total, 4U);
  EXPECT_EQ(tiled.tiles->step, 160U);
  EXPECT_GT(tiled.tiles->peak_score, tiled.score);
  EXPECT_GT(tiled.tiles->peak.width, 0);
  loupegrpc::SessionOptions session;
  session.tiles = loupegrpc::Tiles{loupegrpc::TilePolicy::kNative, 2};
  auto opened = client_->OpenSession(session, kPatience);
  opened.Send({loupegrpc::File{Root() / kAuthentic}}, kPatience);
  const auto result = std::get<loupegrpc::Result>(opened.Receive(kPatience).value());
  EXPECT_EQ(result.analysis.tiles.value().analysed, 2U);
  EXPECT_TRUE(result.analysis.tiles->whole_picture_run);
}

TEST_F(Server, EachFrameOfASessionMayShowSomeTiles) {
  loupegrpc::SessionOptions options;
  options.tiles = loupegrpc::Tiles{loupegrpc::TilePolicy::kNative};
  options.tiles->per_frame = 3;
  options.tiles->window = 2;
  auto session = client_->OpenSession(options, kPatience);
  for (const auto frames : {1U, 2U, 2U}) {
    session.Send({loupegrpc::File{Root() / kAuthentic}}, kPatience);
    const auto result = std::get<loupegrpc::Result>(session.Receive(kPatience).value());
    const auto& window = result.analysis.tiles.value().window.value();
    EXPECT_EQ(window.frames, frames);
    EXPECT_EQ(window.size, 2U);
    EXPECT_EQ(window.fresh, 2U);
  }
}

TEST_F(Server, FramesAreJudgedOverTimeWhereThatIsAskedFor) {
  loupegrpc::SessionOptions options;
  options.over_time = loupegrpc::OverTime{2s, 8, 2};
  auto session = client_->OpenSession(options, kPatience);
  ASSERT_TRUE(session.grant().over_time);
  EXPECT_EQ(session.grant().over_time->window, 2s);
  EXPECT_EQ(session.grant().over_time->max_frames, 8U);
  const std::chrono::system_clock::time_point begin(1'700'000'000s);
  std::vector<std::tuple<Verdict, std::uint32_t, std::optional<std::uint64_t>>> found;
  for (int number = 0; number < 3; ++number) {
    loupegrpc::Frame frame{loupegrpc::File{Root() / kForged}};
    frame.capture_time = begin + number * 40ms;
    session.Send(frame, kPatience);
    const auto over_time = std::get<loupegrpc::Result>(session.Receive(kPatience).value()).analysis.over_time.value();
    EXPECT_TRUE(over_time.counted);
    found.emplace_back(over_time.verdict, over_time.frames, over_time.since);
  }
  const decltype(found) expected{
      {Verdict::kUncertain, 1, {}}, {Verdict::kManipulated, 2, 0}, {Verdict::kManipulated, 3, 0}};
  EXPECT_EQ(found, expected);
  const auto summary = session.Complete(kPatience);
  EXPECT_EQ(summary.scenes, 1U);
  EXPECT_FALSE(summary.segments_truncated);
  ASSERT_EQ(summary.segments.size(), 1U);
  const auto& segment = summary.segments[0];
  EXPECT_EQ(segment.first_sequence, 0U);
  EXPECT_EQ(segment.last_sequence, 2U);
  EXPECT_EQ(segment.manipulated, 3U);
  EXPECT_EQ(segment.start, begin);
  EXPECT_EQ(segment.end, begin + 80ms);
  EXPECT_GT(segment.peak.score, 0.6F);
  EXPECT_FALSE(segment.evidence.empty());

  auto plain = client_->OpenSession({}, kPatience);
  EXPECT_FALSE(plain.grant().over_time);
  plain.Send({loupegrpc::File{Root() / kForged}}, kPatience);
  EXPECT_FALSE(std::get<loupegrpc::Result>(plain.Receive(kPatience).value()).analysis.over_time);
}

TEST_F(Server, AModelIsAskedForByItsName) {
  EXPECT_EQ(client_->ServerInfo(kPatience).models, std::vector<std::string>{"default"});
  ImageOptions options;
  options.model = "default";
  EXPECT_EQ(Analyze(kAuthentic, options).score, Analyze(kAuthentic).score);
  options.model = "huge";
  EXPECT_EQ(CodeOf([&] { Analyze(kAuthentic, options); }), FailureCode::kInvalid);
  loupegrpc::SessionOptions session;
  session.model = "huge";
  EXPECT_EQ(CodeOf([&] { client_->OpenSession(session, kPatience); }), FailureCode::kInvalid);
}

}  // namespace
