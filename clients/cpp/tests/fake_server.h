// A server in this process that says what a test has it say.
#ifndef LOUPEGRPC_TESTS_FAKE_SERVER_H_
#define LOUPEGRPC_TESTS_FAKE_SERVER_H_

#include <loupe/v1/service.pb.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace v1 = loupe::v1;

// One call of Analyze.
class Call {
 public:
  virtual ~Call() = default;
  // Nothing behind the last one.
  virtual std::optional<v1::AnalyzeRequest> Read() = 0;
  virtual bool Write(const v1::AnalyzeResponse& answer) = 0;
  virtual bool WriteBytes(const std::string& bytes) = 0;
  virtual bool IsCancelled() = 0;
};

// How a call ends: gRPC's code (0 is good), its text, and a serialised google.rpc.Status.
struct End {
  int code = 0;
  std::string message = {};
  std::string details = {};
};
inline constexpr int kAborted = 10, kResourceExhausted = 8, kUnavailable = 14, kUnauthenticated = 16;

using Script = std::function<End(Call&)>;
using Metadata = std::multimap<std::string, std::string>;

class FakeServer {
 public:
  struct Tls {
    std::string authority, certificate, private_key;
  };

  // Plays the n-th script on the n-th call, and the last on all that follow.
  explicit FakeServer(std::vector<Script> scripts, const std::optional<Tls>& tls = std::nullopt);
  ~FakeServer();

  const std::string& address() const;
  // Of every call, in order.
  std::vector<Metadata> metadata() const;
  // The last request of AnalyzeImage.
  v1::AnalyzeImageRequest image() const;
  // Lets GetServerInfo and AnalyzeImage answer; until then they wait where `Hold` was called.
  void Hold();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

v1::AnalyzeResponse Granted(const std::string& token = "", bool resumed = false, std::uint64_t next_sequence = 0);
v1::AnalyzeResponse ResultOf(std::uint64_t sequence);
v1::AnalyzeResponse SummaryOf(std::uint64_t frames);
// A google.rpc.Status with this in its details.
std::string Details(int code, const v1::Failed& failed);
// Grants, answers every frame and control, and gives the summary.
End AnswerAll(Call& call);

#endif  // LOUPEGRPC_TESTS_FAKE_SERVER_H_
