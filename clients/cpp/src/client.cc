#include "loupegrpc/client.h"

#include <exception>
#include <thread>
#include <utility>

#include "channel.h"
#include "session_impl.h"

namespace loupegrpc {

class Client::Impl {
 public:
  explicit Impl(Options options) : channel(std::make_shared<Channel>(std::move(options))) {}
  std::shared_ptr<Channel> channel;
};

Client::Client(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Client Client::Connect(Options options, const Patience& patience) {
  Client client(std::move(options));
  client.impl_->channel->Connect(patience);
  return client;
}

const std::string& Client::address() const { return impl_->channel->shown(); }

loupegrpc::ServerInfo Client::ServerInfo(const Patience& patience) const {
  return ToServerInfo(impl_->channel->ServerInfo(patience));
}

Analysis Client::AnalyzeImage(const Image& image, const ImageOptions& options, const Patience& patience) const {
  CheckText("ImageOptions::model", options.model, 1024);
  CheckText("ImageOptions::explain", options.explain, 1024);
  auto answer = impl_->channel->AnalyzeImage(ToMessage(options, Read(image)), options.headers, patience);
  if (!answer.has_result()) throw UnavailableError("the server at " + address() + " answered without a result");
  return std::move(*ToAnalysis(std::move(*answer.mutable_result())));
}

Session Client::OpenSession(const SessionOptions& options, const Patience& patience) const {
  return Session(std::make_unique<Session::Impl>(impl_->channel, options, patience));
}

Summary Client::Analyze(const FrameSource& next, const SessionOptions& options,
                        const std::function<void(const Outcome&)>& each, const Patience& patience) const {
  Session session = OpenSession(options, patience);
  Summary summary;
  std::exception_ptr broken;
  std::stop_source giving_up;
  std::thread sender([&] {
    const Patience until_given_up = giving_up.get_token();
    try {
      while (!giving_up.stop_requested()) {
        const std::optional<Frame> frame = next();
        if (!frame) break;
        session.Send(*frame, until_given_up);
      }
    } catch (...) {
      broken = std::current_exception();
    }
    // Also after a source that failed: the frames already sent have outcomes to come.
    try {
      summary = session.Complete(until_given_up);
    } catch (...) {
      if (!broken) broken = std::current_exception();
    }
  });
  try {
    while (const auto outcome = session.Receive(patience)) each(*outcome);
  } catch (...) {
    giving_up.request_stop();
    session.Close();
    sender.join();
    throw;
  }
  sender.join();
  if (const auto fault = session.fault()) fault->Raise();
  if (broken) std::rethrow_exception(broken);
  return summary;
}

}  // namespace loupegrpc
