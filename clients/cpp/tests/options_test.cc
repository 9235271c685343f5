#include <future>
#include <set>

#include "fake_server.h"
#include "support.h"

namespace {

using loupegrpc::Client;
using loupegrpc::Options;
using loupegrpc::SessionOptions;
using namespace std::chrono_literals;

TEST(Options, ThatMakeNoSenseAreRefused) {
  std::vector<Options> refused;
  for (const char* address : {"127.0.0.1:5005", "ftp://host", "http://", "http://host:99999", "http://host:0",
                              "http://host:x", "http://host:1x", "http://a b", "http://[::1", "http://[]:1", "://host",
                              "http//host", "http://[x]", "http://[::1]5", "unix:", ""}) {
    refused.push_back(At(address));
  }
  Options options;
  options.tls = loupegrpc::Tls{};
  refused.push_back(options);
  options = At("https://host");
  options.tls = loupegrpc::Tls{"", "certificate", ""};
  refused.push_back(options);
  options = {};
  options.max_response_bytes = 1;
  refused.push_back(options);
  options = {};
  options.keep_alive = 1s;
  refused.push_back(options);
  options = {};
  options.client_name = std::string(129, 'x');
  refused.push_back(options);
  options = {};
  options.headers = {{"no name", "x"}};
  refused.push_back(options);
  options = {};
  options.headers = {{"x-name", "two\nlines"}};
  refused.push_back(options);
  options = {};
  // As out of a file.
  options.key = "s3cret\n";
  refused.push_back(options);
  for (std::size_t i = 0; i < refused.size(); ++i) EXPECT_THROW(Client{refused[i]}, std::invalid_argument) << i;
}

TEST(Options, AddressesAreShownWithoutWhatIsSecret) {
  EXPECT_EQ(Client().address(), "http://127.0.0.1:5005");
  EXPECT_EQ(Client(At("http://[::1]:5005/path")).address(), "http://[::1]:5005");
  EXPECT_EQ(Client(At("HTTPS://user:password@host")).address(), "https://host:443");
  EXPECT_EQ(Client(At("http://host:")).address(), "http://host:80");
  EXPECT_EQ(Client(At("unix:/run/l.sock")).address(), "unix:/run/l.sock");
}

TEST(Options, OfSessionsThatMakeNoSenseAreRefused) {
  const Client client;
  SessionOptions many;
  many.max_frames_in_flight = 5000;
  SessionOptions none;
  none.max_frames_in_flight = 0;
  SessionOptions length;
  length.name = std::string(129, 'x');
  SessionOptions bytes;
  bytes.name = "\xff";
  SessionOptions headers;
  headers.headers = {{"grpc-timeout", "1S"}};
  for (const auto& options : {many, none, length, bytes, headers}) {
    EXPECT_THROW(client.OpenSession(options, 1s), std::invalid_argument);
  }
  SessionOptions umlauts;
  for (int i = 0; i < 128; ++i) umlauts.name += "\u00fc";
  FakeServer server({AnswerAll});
  EXPECT_NO_THROW(Client(At(server.address())).OpenSession(umlauts, kPatience));
}

TEST(Options, HeadersAndKeysGoAlong) {
  FakeServer server({AnswerAll});
  auto options = At(server.address());
  options.key = "s3cret";
  options.headers = {{"X-Tenant", "a"}};
  options.trace_context = [] { return loupegrpc::Headers{{"traceparent", "00-abc"}}; };
  const Client client(options);
  EXPECT_EQ(client.ServerInfo(kPatience).server, "fake");
  client.OpenSession({}, kPatience).Close();
  loupegrpc::ImageOptions image;
  image.headers = {{"x-call", "c"}};
  image.receipt = true;
  EXPECT_EQ(client.AnalyzeImage(loupegrpc::Encoded{std::string("x")}, image, kPatience).score, 0.5F);
  EXPECT_EQ(server.image().encoded().data(), "x");
  EXPECT_TRUE(server.image().receipt());
  const auto heard = server.metadata();
  ASSERT_EQ(heard.size(), 3U);
  for (const auto& headers : heard) {
    EXPECT_EQ(headers.find("authorization")->second, "Bearer s3cret");
    EXPECT_EQ(headers.find("x-tenant")->second, "a");
    EXPECT_EQ(headers.find("traceparent")->second, "00-abc");
  }
  EXPECT_EQ(heard[2].find("x-call")->second, "c");
  // A header that is none ends no program.
  auto bad = options;
  bad.call_headers = [] { return loupegrpc::Headers{{"x-token", "two\nlines"}}; };
  EXPECT_THROW(Client(bad).ServerInfo(kPatience), std::invalid_argument);
  EXPECT_THROW(Client(bad).OpenSession({}, kPatience), std::invalid_argument);
}

TEST(Options, NobodyThereIsToldAfterTheConnectTimeout) {
  auto options = At("http://127.0.0.1:9");
  options.connect_timeout = 300ms;
  options.unary_retries = 0;
  const auto told = [](const std::string& message) {
    EXPECT_NE(message.find("no LoupeGrpc server at http://127.0.0.1:9: is it running?"), std::string::npos) << message;
  };
  told(MessageOf<loupegrpc::UnavailableError>([&] { Client::Connect(options, kPatience); }));
  told(MessageOf<loupegrpc::UnavailableError>([&] { Client(options).OpenSession({}, kPatience); }));
  told(MessageOf<loupegrpc::UnavailableError>([&] { Client(options).ServerInfo(kPatience); }));
}

TEST(Options, PatienceEndsWhatWaitsForTheServer) {
  FakeServer server({[](Call& call) -> End {
    while (call.Read()) {
    }
    return {};
  }});
  const Client client(At(server.address()));
  EXPECT_THROW(client.OpenSession({}, 100ms), loupegrpc::TimeoutError);
  server.Hold();
  EXPECT_THROW(client.ServerInfo(100ms), loupegrpc::TimeoutError);
  EXPECT_THROW(Client::Connect(At(server.address()), 100ms), loupegrpc::TimeoutError);
  std::stop_source stop;
  auto asking = std::async(std::launch::async, [&] { client.ServerInfo(stop.get_token()); });
  auto opening = std::async(std::launch::async, [&] { client.OpenSession({}, stop.get_token()); });
  // Two calls more than before are there, or are given up while they are on their way.
  stop.request_stop();
  EXPECT_THROW(asking.get(), loupegrpc::CanceledError);
  EXPECT_THROW(opening.get(), loupegrpc::CanceledError);
  // Also while nobody is there and it pauses.
  auto nowhere = At("http://127.0.0.1:9");
  nowhere.connect_timeout = 10min;
  EXPECT_THROW(Client::Connect(nowhere, 300ms), loupegrpc::TimeoutError);
}

TEST(Options, ValuesHaveTheContractsNames) {
  EXPECT_EQ(Name(loupegrpc::Verdict::kManipulated), "MANIPULATED");
  EXPECT_EQ(Name(static_cast<loupegrpc::Verdict>(99)), "UNSPECIFIED");
  EXPECT_EQ(Name(loupegrpc::PixelFormat::kNv12), "NV12");
  EXPECT_EQ(Name(loupegrpc::NoteCode::kPreviewOnly), "PREVIEW_ONLY");
  EXPECT_EQ(Name(loupegrpc::EventKind::kStateLost), "STATE_LOST");
  EXPECT_EQ(Name(loupegrpc::MaskOmission::kBudget), "BUDGET");
  EXPECT_EQ(Name(loupegrpc::DropReason::kOverQuota), "OVER_QUOTA");
  EXPECT_EQ(Name(loupegrpc::MaskAgreement::kDisagrees), "DISAGREES");
  EXPECT_EQ(Name(loupegrpc::DeliveryMode::kStalenessBudget), "STALENESS_BUDGET");
  std::set<std::string> codes;
  for (int code = 0; code <= static_cast<int>(loupegrpc::FailureCode::kConnectionLost); ++code) {
    codes.insert(Name(static_cast<loupegrpc::FailureCode>(code)));
  }
  EXPECT_EQ(codes.size(), 10U);
}

}  // namespace
