#include <atomic>
#include <future>
#include <mutex>
#include <thread>

#include "fake_server.h"
#include "support.h"

namespace {

using loupegrpc::Client;
using loupegrpc::FailureCode;
using loupegrpc::SessionOptions;
using namespace std::chrono_literals;

const std::string kToken(32, 't');

std::string Header(const Metadata& metadata, const std::string& name) {
  const auto found = metadata.find(name);
  return found == metadata.end() ? "" : found->second;
}

void UntilCancelled(Call& call) {
  while (call.Read()) {
  }
}

TEST(Session, AServerThatLagsSlowsTheSenderDownToItsCredits) {
  std::promise<void> release;
  FakeServer server({[&](Call& call) -> End {
    call.Read();
    call.Write(Granted());
    release.get_future().wait();
    std::uint64_t sequence = 0;
    while (call.Read()) call.Write(ResultOf(sequence++));
    call.Write(SummaryOf(sequence));
    return {};
  }});
  const Client client(At(server.address()));
  auto session = client.OpenSession({}, kPatience);
  for (std::uint64_t i = 0; i < 4; ++i) session.Send(TextFrame(i), kPatience);
  EXPECT_THROW(session.Send(TextFrame(9), 100ms), loupegrpc::TimeoutError);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(session.Send(TextFrame(9), stop.get_token()), loupegrpc::CanceledError);
  EXPECT_THROW(session.Receive(100ms), loupegrpc::TimeoutError);
  release.set_value();
  EXPECT_EQ(FrameOf(*session.Receive(kPatience)).index, 0U);
  // The frames that were given up were not taken.
  EXPECT_EQ(session.Send(TextFrame(5), kPatience), 4U);
  EXPECT_EQ(session.Complete(kPatience).frames, 5U);
  const auto rest = Rest(&session);
  ASSERT_EQ(rest.size(), 4U);
  for (std::size_t i = 0; i < rest.size(); ++i) EXPECT_EQ(FrameOf(rest[i]).index, i + 1);
  EXPECT_EQ(session.fault(), nullptr);
  EXPECT_THROW(session.Send(TextFrame(6), kPatience), loupegrpc::CompletingError);
  EXPECT_FALSE(session.NextEvent(kPatience));
}

TEST(Session, AResumedOneSendsWhatTheServerLacksAndNothingElse) {
  v1::AnalyzeRequest claimed, again;
  std::atomic<bool> more = false;
  FakeServer server({[&](Call& call) -> End {
                       call.Read();
                       call.Write(Granted(kToken));
                       for (int i = 0; i < 3; ++i) call.Read();
                       call.Write(ResultOf(0));
                       return {kUnavailable, "gone"};
                     },
                     [&](Call& call) -> End {
                       claimed = *call.Read();
                       call.Write(Granted(kToken, true, 2));
                       call.Write(ResultOf(1));
                       again = *call.Read();
                       call.Write(ResultOf(2));
                       more = call.Read().has_value();
                       call.Write(SummaryOf(3));
                       return {};
                     }});
  auto options = At(server.address());
  std::mutex mutex;
  std::vector<loupegrpc::LogEntry> logged;
  options.log = [&](const loupegrpc::LogEntry& entry) {
    const std::lock_guard lock(mutex);
    logged.push_back(entry);
    throw std::runtime_error("a log that fails");
  };
  const auto opener = std::this_thread::get_id();
  int asked = 0;
  options.trace_context = [&]() -> loupegrpc::Headers {
    EXPECT_EQ(std::this_thread::get_id(), opener);
    ++asked;
    return {{"traceparent", "00-abc"}};
  };
  std::atomic<int> tokens = 0;
  options.call_headers = [&]() -> loupegrpc::Headers { return {{"x-token", std::to_string(++tokens)}}; };
  const Client client(options);
  SessionOptions of;
  of.name = "gate 4/n\u00e9e";
  of.headers = {{"X-Session", "s"}};
  auto session = client.OpenSession(of, kPatience);
  for (std::uint64_t i = 0; i < 3; ++i) session.Send(TextFrame(i), kPatience);
  session.Complete(kPatience);
  const auto outcomes = Rest(&session);
  const auto first = session.NextEvent(kPatience), second = session.NextEvent(kPatience);
  session.Close();
  ASSERT_EQ(outcomes.size(), 3U);
  EXPECT_EQ(session.fault(), nullptr);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(std::holds_alternative<loupegrpc::Result>(outcomes[i]));
    EXPECT_EQ(FrameOf(outcomes[i]).id, i);
    EXPECT_EQ(FrameOf(outcomes[i]).sequence, i);
  }
  EXPECT_EQ(claimed.open().responses_received(), 1U);
  EXPECT_EQ(claimed.open().frames_answered(), 1U);
  EXPECT_EQ(claimed.open().resume_token(), kToken);
  EXPECT_EQ(again.frame().frame_id(), 2U);
  EXPECT_FALSE(more);
  const auto heard = server.metadata();
  ASSERT_EQ(heard.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(Header(heard[i], "traceparent"), "00-abc");
    EXPECT_EQ(Header(heard[i], "x-session"), "s");
    EXPECT_EQ(Header(heard[i], "x-token"), std::to_string(i + 1));
    EXPECT_EQ(Header(heard[i], "loupe-session"), "gate%204%2Fn%C3%A9e");
  }
  EXPECT_EQ(asked, 1);
  ASSERT_EQ(logged.size(), 2U);
  EXPECT_TRUE(logged[0].message.starts_with("disconnected: ")) << logged[0].message;
  EXPECT_EQ(logged[0].level, loupegrpc::LogLevel::kWarning);
  EXPECT_EQ(logged[0].session_id, "fake");
  EXPECT_TRUE(logged[1].message.starts_with("resumed after ")) << logged[1].message;
  EXPECT_TRUE(std::holds_alternative<loupegrpc::Disconnected>(*first));
  EXPECT_EQ(std::get<loupegrpc::Resumed>(*second).frames_sent_again, 1U);
}

TEST(Session, AControlWhoseReplyWasLostIsNotSentTwice) {
  std::vector<std::uint64_t> controls;
  FakeServer server({[&](Call& call) -> End {
                       call.Read();
                       call.Write(Granted(kToken));
                       controls.push_back(call.Read()->control().control_id());
                       return {kUnavailable, "gone"};
                     },
                     [&](Call& call) -> End {
                       call.Read();
                       auto granted = Granted(kToken, true);
                       granted.mutable_granted()->set_controls_received(1);
                       call.Write(granted);
                       v1::AnalyzeResponse reply;
                       reply.mutable_control_reply()->set_control_id(1);
                       reply.mutable_control_reply()->mutable_thresholds()->set_low(0.25F);
                       call.Write(reply);
                       while (const auto request = call.Read()) controls.push_back(request->control().control_id());
                       call.Write(SummaryOf(0));
                       return {};
                     }});
  const Client client(At(server.address()));
  auto session = client.OpenSession({}, kPatience);
  EXPECT_EQ(session.SetThresholds({0.25}, kPatience).low, 0.25F);
  session.Complete(kPatience);
  EXPECT_EQ(controls, std::vector<std::uint64_t>{1});
}

TEST(Session, AFrameOverWhichEveryConnectionBreaksIsGivenUpAndTheRestGoesOn) {
  FakeServer server({[](Call& call) -> End {
                       call.Read();
                       call.Write(Granted(kToken));
                       call.Read();
                       return {kUnavailable, "gone"};
                     },
                     [](Call& call) -> End {
                       call.Read();
                       call.Write(Granted(kToken, true));
                       const auto request = call.Read();
                       if (!request || request->frame().frame_id() == 0) return {kUnavailable, "gone"};
                       call.Write(ResultOf(0));
                       UntilCancelled(call);
                       call.Write(SummaryOf(1));
                       return {};
                     }});
  const Client client(At(server.address()));
  auto session = client.OpenSession({}, kPatience);
  session.Send(TextFrame(0), kPatience);
  session.Send(TextFrame(1), kPatience);
  session.Complete(kPatience);
  const auto outcomes = Rest(&session);
  ASSERT_EQ(outcomes.size(), 2U);
  const auto& failed = std::get<loupegrpc::Failed>(outcomes[0]);
  EXPECT_EQ(failed.code, FailureCode::kConnectionLost);
  EXPECT_NE(failed.message.find("client_max_body_size"), std::string::npos) << failed.message;
  const auto& result = std::get<loupegrpc::Result>(outcomes[1]);
  EXPECT_EQ(result.frame.id, 1U);
  EXPECT_EQ(result.frame.index, 1U);
  EXPECT_EQ(result.frame.sequence, 0U);
  EXPECT_EQ(session.fault(), nullptr);
}

TEST(Session, IsOverWhenItsOwnerAsks) {
  FakeServer server({[](Call& call) -> End {
    call.Read();
    call.Write(Granted(kToken));
    UntilCancelled(call);
    return {};
  }});
  const Client client(At(server.address()));
  std::stop_source stop;
  SessionOptions options;
  options.stop = stop.get_token();
  auto session = client.OpenSession(options, kPatience);
  session.Send(TextFrame(0), kPatience);
  stop.request_stop();
  const auto outcomes = Rest(&session);
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(std::get<loupegrpc::Failed>(outcomes[0]).code, FailureCode::kCanceled);
  EXPECT_NE(std::dynamic_pointer_cast<const loupegrpc::ConnectionLostError>(session.fault()), nullptr);
  EXPECT_THROW(session.Flush(kPatience), loupegrpc::ConnectionLostError);
  EXPECT_THROW(session.Send(TextFrame(1), kPatience), loupegrpc::ConnectionLostError);
  EXPECT_THROW(client.OpenSession(options, kPatience), loupegrpc::CanceledError);
}

TEST(Session, ThatIsClosedEndsItsFramesAndWhoWaits) {
  FakeServer server({[](Call& call) -> End {
    call.Read();
    call.Write(Granted());
    UntilCancelled(call);
    return {};
  }});
  const Client client(At(server.address()));
  auto session = client.OpenSession({}, kPatience);
  session.Send(TextFrame(0), kPatience);
  auto waiting = std::async(std::launch::async, [&] { return Rest(&session); });
  auto flushing = std::async(std::launch::async, [&] { session.Flush(kPatience); });
  session.Close();
  const auto outcomes = waiting.get();
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(std::get<loupegrpc::Failed>(outcomes[0]).code, FailureCode::kCanceled);
  EXPECT_THROW(flushing.get(), loupegrpc::ConnectionLostError);
  session.Close();
}

TEST(Session, WithoutReconnectingEndsWithItsConnection) {
  FakeServer server({[](Call& call) -> End {
    EXPECT_FALSE(call.Read()->open().resumable());
    call.Write(Granted(kToken));
    call.Read();
    return {kUnavailable, "gone"};
  }});
  const Client client(At(server.address()));
  SessionOptions options;
  options.reconnect = false;
  auto session = client.OpenSession(options, kPatience);
  session.Send(TextFrame(0), kPatience);
  const auto outcomes = Rest(&session);
  EXPECT_EQ(std::get<loupegrpc::Failed>(outcomes.at(0)).code, FailureCode::kConnectionLost);
  EXPECT_THROW(session.Complete(kPatience), loupegrpc::ConnectionLostError);
  EXPECT_EQ(server.metadata().size(), 1U);
}

TEST(Session, HeadersThatCannotBeHadEndItAndNotTheProgram) {
  FakeServer server({[](Call& call) -> End {
    call.Read();
    call.Write(Granted(kToken));
    call.Read();
    return {kUnavailable, "gone"};
  }});
  auto options = At(server.address());
  int asked = 0;
  options.call_headers = [&]() -> loupegrpc::Headers {
    if (++asked > 1) throw 5;
    return {};
  };
  const Client client(options);
  auto session = client.OpenSession({}, kPatience);
  session.Send(TextFrame(0), kPatience);
  EXPECT_EQ(Rest(&session).size(), 1U);
  EXPECT_THROW(session.Complete(kPatience), loupegrpc::ConnectionLostError);
}

TEST(Session, UnorderedOutcomesComeAsTheyAreReady) {
  FakeServer server({[](Call& call) -> End {
    EXPECT_TRUE(call.Read()->open().unordered());
    call.Write(Granted());
    call.Read();
    call.Read();
    call.Write(ResultOf(1));
    call.Write(ResultOf(0));
    UntilCancelled(call);
    call.Write(SummaryOf(2));
    return {};
  }});
  const Client client(At(server.address()));
  SessionOptions options;
  options.unordered = true;
  auto session = client.OpenSession(options, kPatience);
  session.Send(TextFrame(0), kPatience);
  session.Send(TextFrame(1), kPatience);
  session.Complete(kPatience);
  const auto outcomes = Rest(&session);
  ASSERT_EQ(outcomes.size(), 2U);
  EXPECT_EQ(FrameOf(outcomes[0]).index, 1U);
  EXPECT_EQ(FrameOf(outcomes[1]).index, 0U);
}

TEST(Session, ALogMayAskIt) {
  FakeServer server({[](Call& call) -> End {
    call.Read();
    call.Write(Granted());
    call.Read();
    return {kAborted, "an operator ended it"};
  }});
  auto options = At(server.address());
  std::promise<loupegrpc::Session*> opened;
  auto there = opened.get_future().share();
  std::atomic<bool> asked = false;
  options.log = [&, there](const loupegrpc::LogEntry&) { asked = there.get()->fault() != nullptr; };
  const Client client(options);
  auto session = client.OpenSession({}, kPatience);
  opened.set_value(&session);
  session.Send(TextFrame(0), kPatience);
  Rest(&session);
  ASSERT_NE(session.fault(), nullptr);
  EXPECT_NE(std::string(session.fault()->what()).find("an operator ended it"), std::string::npos);
  session.Close();
  EXPECT_TRUE(asked);
}

TEST(Session, WhatIsNoMessageEndsItAndNothingHangs) {
  FakeServer server({[](Call& call) -> End {
                       call.Read();
                       call.Write(Granted(kToken));
                       call.Read();
                       call.WriteBytes("\xff\xff\xff");
                       UntilCancelled(call);
                       return {};
                     },
                     [](Call& call) -> End {
                       call.WriteBytes("\xff");
                       UntilCancelled(call);
                       return {};
                     }});
  const Client client(At(server.address()));
  auto session = client.OpenSession({}, kPatience);
  session.Send(TextFrame(0), kPatience);
  EXPECT_EQ(Rest(&session).size(), 1U);
  ASSERT_NE(session.fault(), nullptr);
  EXPECT_NE(std::string(session.fault()->what()).find("broke the protocol"), std::string::npos)
      << session.fault()->what();
  MessageOf<loupegrpc::UnavailableError>([&] { client.OpenSession({}, kPatience); });
}

TEST(Session, RefusalsKeepTheirCodes) {
  v1::Failed failed;
  failed.set_code(v1::FAILURE_CODE_OVERLOADED);
  failed.set_message("no room: Loupe:Limits:MaxSessions");
  FakeServer server({[&](Call&) -> End {
                       return {kResourceExhausted, "no room", Details(kResourceExhausted, failed)};
                     },
                     [](Call&) -> End {
                       return {kUnauthenticated, "a key is missing"};
                     },
                     [](Call& call) -> End {
                       call.Write(SummaryOf(0));
                       return {};
                     },
                     [](Call&) -> End {
                       return {kResourceExhausted, "no room", "\xff\xff not a status"};
                     }});
  const Client client(At(server.address()));
  try {
    client.OpenSession({}, kPatience);
    FAIL();
  } catch (const loupegrpc::RequestError& refused) {
    EXPECT_EQ(refused.code(), FailureCode::kOverloaded);
    EXPECT_EQ(refused.what(), failed.message());
  }
  try {
    client.OpenSession({}, kPatience);
    FAIL();
  } catch (const loupegrpc::NotAllowedError& refused) {
    EXPECT_EQ(refused.code(), FailureCode::kNotAllowed);
  }
  const auto message = MessageOf<loupegrpc::UnavailableError>([&] { client.OpenSession({}, kPatience); });
  EXPECT_NE(message.find("another version"), std::string::npos) << message;
  EXPECT_EQ(MessageOf<loupegrpc::RequestError>([&] { client.OpenSession({}, kPatience); }), "no room");
}

TEST(Session, EveryControlSaysWhatItIs) {
  std::vector<v1::Control> heard;
  FakeServer server({[&](Call& call) -> End {
    call.Read();
    call.Write(Granted());
    while (const auto request = call.Read()) {
      heard.push_back(request->control());
      v1::AnalyzeResponse answer;
      answer.mutable_control_reply()->set_control_id(request->control().control_id());
      if (request->control().has_flush()) answer.mutable_control_reply()->mutable_failed()->set_message("not now");
      call.Write(answer);
    }
    call.Write(SummaryOf(0));
    return {};
  }});
  const Client client(At(server.address()));
  auto session = client.OpenSession({}, kPatience);
  session.SetThresholds({{}, 0.75}, kPatience);
  session.SetMasks({loupegrpc::MaskPolicy::kAlways, loupegrpc::MaskEncoding::kSoftPng, 9}, kPatience);
  EXPECT_EQ(MessageOf<loupegrpc::RequestError>([&] { session.Flush(kPatience); }), "not now");
  loupegrpc::Adaptation adaptation;
  adaptation.min_confidence = -1;
  adaptation.guard = loupegrpc::AdaptationGuard{0.5F, 0, 0, loupegrpc::GuardAction::kRollback};
  session.SetAdaptation(adaptation, kPatience);
  session.FreezeAdaptation(kPatience);
  session.ResumeAdaptation(kPatience);
  session.ResetAdaptation(kPatience);
  session.RollbackAdaptation(kPatience);
  session.RollbackAdaptationTo(7, kPatience);
  session.SnapshotAdaptation(kPatience);
  session.Complete(kPatience);
  ASSERT_EQ(heard.size(), 10U);
  EXPECT_TRUE(heard[0].set_thresholds().default_low());
  EXPECT_EQ(heard[0].set_thresholds().high(), 0.75F);
  EXPECT_EQ(heard[1].set_mask().encoding(), v1::MASK_ENCODING_SOFT_PNG);
  EXPECT_EQ(heard[3].set_adaptation().settings().guard().action(), v1::GUARD_ACTION_ROLLBACK);
  EXPECT_TRUE(heard[3].set_adaptation().settings().enabled());
  EXPECT_TRUE(heard[4].has_freeze_adaptation());
  EXPECT_TRUE(heard[5].has_resume_adaptation());
  EXPECT_TRUE(heard[6].has_reset_adaptation());
  EXPECT_TRUE(heard[7].rollback_adaptation().last_snapshot());
  EXPECT_EQ(heard[8].rollback_adaptation().step(), 7U);
  EXPECT_TRUE(heard[9].has_snapshot_adaptation());
}

TEST(Session, WhatItAsksForGoesOver) {
  v1::OpenSession heard;
  FakeServer server({[&](Call& call) -> End {
    heard = call.Read()->open();
    call.Write(Granted());
    UntilCancelled(call);
    call.Write(SummaryOf(0));
    return {};
  }});
  const Client client(At(server.address()));
  SessionOptions options;
  options.name = "gate";
  options.model = "large";
  options.frame_format = loupegrpc::FrameFormat{loupegrpc::PixelFormat::kI420, 64, 48};
  options.delivery = loupegrpc::Delivery{loupegrpc::DeliveryMode::kStalenessBudget, 1500us};
  options.masks = loupegrpc::Masks{loupegrpc::MaskPolicy::kNever};
  options.tiles = loupegrpc::Tiles{loupegrpc::TilePolicy::kNative, 4, 250ms, 6, 9};
  options.over_time = loupegrpc::OverTime{2500ms, 8, 2};
  options.explain = "zh";
  options.receipts = true;
  options.thresholds = loupegrpc::Thresholds{0.25, {}};
  options.adaptation = loupegrpc::Adaptation{};
  options.adaptation_snapshot = "state";
  options.economies = {loupegrpc::Economy::kNoMask};
  options.deterministic = true;
  auto session = client.OpenSession(options, kPatience);
  session.Complete(kPatience);
  EXPECT_EQ(heard.session_name(), "gate");
  EXPECT_EQ(heard.model(), "large");
  EXPECT_EQ(heard.frame_format().pixel_format(), v1::PIXEL_FORMAT_I420);
  EXPECT_EQ(heard.delivery().staleness_budget().nanos(), 1'500'000);
  EXPECT_EQ(heard.mask().policy(), v1::MASK_POLICY_NEVER);
  EXPECT_EQ(heard.tiles().budget_ms(), 250U);
  EXPECT_EQ(heard.tiles().tiles_per_frame(), 6U);
  EXPECT_EQ(heard.tiles().window_frames(), 9U);
  EXPECT_TRUE(heard.temporal().enabled());
  EXPECT_EQ(heard.temporal().window().seconds(), 2);
  EXPECT_EQ(heard.temporal().window().nanos(), 500'000'000);
  EXPECT_EQ(heard.temporal().max_frames(), 8U);
  EXPECT_EQ(heard.temporal().min_frames(), 2U);
  EXPECT_EQ(heard.explain(), "zh");
  EXPECT_TRUE(heard.receipts());
  EXPECT_EQ(heard.thresholds().low(), 0.25F);
  EXPECT_FALSE(heard.thresholds().default_low());
  EXPECT_TRUE(heard.adaptation().enabled());
  EXPECT_EQ(heard.adaptation_snapshot(), "state");
  EXPECT_EQ(heard.economies(0), v1::ECONOMY_NO_MASK);
  EXPECT_TRUE(heard.deterministic());
  EXPECT_TRUE(heard.resumable());
  EXPECT_EQ(heard.client(), "loupe-grpc-cpp/" + std::string(loupegrpc::Version()));
  EXPECT_EQ(heard.max_response_bytes(), 16U << 20);
}

TEST(Analyze, AnErrorOfWhoReadsEndsIt) {
  FakeServer server({AnswerAll});
  const Client client(At(server.address()));
  const std::vector<loupegrpc::Frame> frames{TextFrame(0), TextFrame(1), TextFrame(2)};
  const auto message = MessageOf<std::logic_error>([&] {
    client.Analyze(
        frames, {}, [](const loupegrpc::Outcome&) { throw std::logic_error("enough"); }, kPatience);
  });
  EXPECT_EQ(message, "enough");
}

TEST(Analyze, AFrameThatCannotBeReadEndsItBehindTheOutcomesOfThoseBefore) {
  FakeServer server({AnswerAll});
  const Client client(At(server.address()));
  const std::vector<loupegrpc::Frame> frames{TextFrame(0), {loupegrpc::File{"no/such/file.jpg"}}};
  int count = 0;
  const auto message = MessageOf<std::system_error>([&] {
    client.Analyze(
        frames, {}, [&](const loupegrpc::Outcome&) { ++count; }, kPatience);
  });
  EXPECT_NE(message.find("no/such/file.jpg"), std::string::npos) << message;
  EXPECT_EQ(count, 1);
}

TEST(Analyze, ASessionThatBreaksIsToldAsWhatItIs) {
  FakeServer server({[](Call& call) -> End {
    call.Read();
    call.Write(Granted());
    call.Read();
    return {kAborted, "an operator ended it"};
  }});
  const Client client(At(server.address()));
  std::vector<FailureCode> codes;
  const auto each = [&](const loupegrpc::Outcome& outcome) {
    codes.push_back(std::get<loupegrpc::Failed>(outcome).code);
  };
  const auto endless = [] { return std::optional(TextFrame(1)); };
  const auto message = MessageOf<loupegrpc::ConnectionLostError>([&] { client.Analyze(endless, {}, each, kPatience); });
  EXPECT_NE(message.find("an operator ended it"), std::string::npos) << message;
  EXPECT_FALSE(codes.empty());
  for (const auto code : codes) EXPECT_EQ(code, FailureCode::kConnectionLost);
}

}  // namespace
