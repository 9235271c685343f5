// Between what callers see and the contract's messages. The only other file that both knows is channel.cc.
#ifndef LOUPEGRPC_MESSAGES_H_
#define LOUPEGRPC_MESSAGES_H_

#include <google/protobuf/duration.pb.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "loupe/v1/service.pb.h"
#include "loupegrpc/client.h"

namespace loupegrpc {

namespace v1 = loupe::v1;

// A picture's bytes, and how raw pixels lie.
struct Picture {
  Bytes bytes;
  bool raw = false;
  std::optional<FrameFormat> format;
};

// A file is read here.
Picture Read(const Image& image);

// Where `bytes` go in the message that `before` stands for: a message on the wire is its fields one behind the other, and the pixels are copied once.
struct WireFrame {
  std::string before;
  Bytes bytes;
  std::size_t size() const { return before.size() + bytes.size(); }
};
WireFrame ToWire(const Frame& frame, std::uint64_t id, const Picture& picture);

v1::AnalyzeImageRequest ToMessage(const ImageOptions& options, const Picture& picture);
// std::invalid_argument where the options make no sense.
v1::OpenSession ToMessage(const SessionOptions& options, const Options& client);
v1::Thresholds ToMessage(const Thresholds& thresholds);
v1::MaskSettings ToMessage(const Masks& masks);
v1::AdaptationSettings ToMessage(const Adaptation& adaptation);

std::chrono::nanoseconds ToDuration(const google::protobuf::Duration& duration);
// Unknown codes are kInternal, as the contract asks.
FailureCode ToCode(v1::FailureCode code);
std::shared_ptr<Analysis> ToAnalysis(v1::FrameResult result);
Outcome ToOutcome(const FrameInfo& frame, v1::FrameOutcome answer);
Grant ToGrant(v1::SessionGrant grant);
Reply ToReply(v1::ControlReply reply);
Summary ToSummary(v1::SessionSummary summary);
ServerEvent ToEvent(v1::SessionEvent event);
ServerInfo ToServerInfo(v1::GetServerInfoResponse info);

// Throws std::invalid_argument where the text is no UTF-8 or has more characters.
void CheckText(const char* what, std::string_view text, std::size_t most_characters);

}  // namespace loupegrpc

#endif  // LOUPEGRPC_MESSAGES_H_
