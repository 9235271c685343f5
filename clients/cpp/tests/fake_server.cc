#include "fake_server.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/support/method_handler.h>
#include <grpcpp/support/sync_stream.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace {

using grpc::ByteBuffer;
using Stream = grpc::ServerReaderWriter<ByteBuffer, ByteBuffer>;

ByteBuffer ToBuffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return {&slice, 1};
}

template <class Message>
Message FromBuffer(const ByteBuffer& buffer) {
  grpc::Slice slice;
  Message message;
  if (!buffer.DumpToSingleSlice(&slice).ok() || !message.ParseFromArray(slice.begin(), static_cast<int>(slice.size())))
    std::abort();
  return message;
}

class GrpcCall : public Call {
 public:
  GrpcCall(grpc::ServerContext* context, Stream* stream) : context_(context), stream_(stream) {}
  std::optional<v1::AnalyzeRequest> Read() override {
    ByteBuffer buffer;
    if (!stream_->Read(&buffer)) return std::nullopt;
    return FromBuffer<v1::AnalyzeRequest>(buffer);
  }
  bool Write(const v1::AnalyzeResponse& answer) override { return WriteBytes(answer.SerializeAsString()); }
  bool WriteBytes(const std::string& bytes) override { return stream_->Write(ToBuffer(bytes)); }
  bool IsCancelled() override { return context_->IsCancelled(); }

 private:
  grpc::ServerContext* context_;
  Stream* stream_;
};

}  // namespace

class FakeServer::Impl : public grpc::Service {
 public:
  Impl(std::vector<Script> scripts, const std::optional<Tls>& tls) : scripts_(std::move(scripts)) {
    using grpc::internal::RpcMethod;
    using grpc::internal::RpcServiceMethod;
    AddMethod(new RpcServiceMethod(
        "/loupe.v1.ForgeryAnalysisService/Analyze", RpcMethod::BIDI_STREAMING,
        new grpc::internal::BidiStreamingHandler<Impl, ByteBuffer, ByteBuffer>(
            [](Impl* self, grpc::ServerContext* context, Stream* stream) { return self->Analyze(context, stream); },
            this)));
    AddMethod(
        new RpcServiceMethod("/loupe.v1.ForgeryAnalysisService/GetServerInfo", RpcMethod::NORMAL_RPC,
                             new grpc::internal::RpcMethodHandler<Impl, ByteBuffer, ByteBuffer, ByteBuffer, ByteBuffer>(
                                 [](Impl* self, grpc::ServerContext* context, const ByteBuffer*, ByteBuffer* answer) {
                                   v1::GetServerInfoResponse info;
                                   info.set_server("fake");
                                   *answer = ToBuffer(info.SerializeAsString());
                                   return self->Heard(context);
                                 },
                                 this)));
    AddMethod(new RpcServiceMethod(
        "/loupe.v1.ForgeryAnalysisService/AnalyzeImage", RpcMethod::NORMAL_RPC,
        new grpc::internal::RpcMethodHandler<Impl, ByteBuffer, ByteBuffer, ByteBuffer, ByteBuffer>(
            [](Impl* self, grpc::ServerContext* context, const ByteBuffer* request, ByteBuffer* answer) {
              v1::AnalyzeImageResponse response;
              response.mutable_result()->set_score(0.5F);
              *answer = ToBuffer(response.SerializeAsString());
              {
                const std::lock_guard lock(self->mutex_);
                self->image_ = FromBuffer<v1::AnalyzeImageRequest>(*request);
              }
              return self->Heard(context);
            },
            this)));
    auto credentials = grpc::InsecureServerCredentials();
    if (tls) {
      grpc::SslServerCredentialsOptions options(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
      options.pem_root_certs = tls->authority;
      options.pem_key_cert_pairs.push_back({tls->private_key, tls->certificate});
      credentials = grpc::SslServerCredentials(options);
    }
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", credentials, &port);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    address_ = (tls ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port);
  }

  ~Impl() override {
    {
      const std::lock_guard lock(mutex_);
      held_ = false;
      changed_.notify_all();
    }
    server_->Shutdown(std::chrono::system_clock::now());
  }

  grpc::Status Heard(grpc::ServerContext* context) {
    Metadata headers;
    for (const auto& [key, value] : context->client_metadata()) {
      headers.emplace(std::string(key.data(), key.size()), std::string(value.data(), value.size()));
    }
    std::unique_lock lock(mutex_);
    metadata_.push_back(std::move(headers));
    changed_.wait(lock, [&] { return !held_; });
    return grpc::Status::OK;
  }

  grpc::Status Analyze(grpc::ServerContext* context, Stream* stream) {
    Heard(context);
    std::size_t at = 0;
    {
      const std::lock_guard lock(mutex_);
      at = std::min(calls_++, scripts_.size() - 1);
    }
    GrpcCall call(context, stream);
    const End end = scripts_[at](call);
    return {static_cast<grpc::StatusCode>(end.code), end.message, end.details};
  }

  const std::vector<Script> scripts_;
  std::string address_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;
  std::size_t calls_ = 0;
  std::vector<Metadata> metadata_;
  v1::AnalyzeImageRequest image_;
  std::unique_ptr<grpc::Server> server_;
};

FakeServer::FakeServer(std::vector<Script> scripts, const std::optional<Tls>& tls)
    : impl_(std::make_unique<Impl>(std::move(scripts), tls)) {}
FakeServer::~FakeServer() = default;

const std::string& FakeServer::address() const { return impl_->address_; }

std::vector<Metadata> FakeServer::metadata() const {
  const std::lock_guard lock(impl_->mutex_);
  return impl_->metadata_;
}

v1::AnalyzeImageRequest FakeServer::image() const {
  const std::lock_guard lock(impl_->mutex_);
  return impl_->image_;
}

void FakeServer::Hold() {
  const std::lock_guard lock(impl_->mutex_);
  impl_->held_ = true;
}

v1::AnalyzeResponse Granted(const std::string& token, bool resumed, std::uint64_t next_sequence) {
  v1::AnalyzeResponse answer;
  auto* grant = answer.mutable_granted();
  grant->set_session_id("fake");
  grant->mutable_limits()->set_credits(4);
  grant->set_resume_token(token);
  grant->set_resumed(resumed);
  grant->set_next_sequence(next_sequence);
  return answer;
}

v1::AnalyzeResponse ResultOf(std::uint64_t sequence) {
  v1::AnalyzeResponse answer;
  answer.mutable_outcome()->set_sequence(sequence);
  answer.mutable_outcome()->mutable_result()->set_score(0.5F);
  return answer;
}

v1::AnalyzeResponse SummaryOf(std::uint64_t frames) {
  v1::AnalyzeResponse answer;
  answer.mutable_summary()->set_frames(frames);
  return answer;
}

std::string Details(int code, const v1::Failed& failed) {
  google::protobuf::Any detail;
  detail.PackFrom(failed);
  const std::string packed = detail.SerializeAsString();
  std::string status;
  google::protobuf::io::StringOutputStream stream(&status);
  google::protobuf::io::CodedOutputStream output(&stream);
  output.WriteTag(1 << 3);
  output.WriteVarint32(static_cast<std::uint32_t>(code));
  output.WriteTag(3 << 3 | 2);
  output.WriteVarint32(static_cast<std::uint32_t>(packed.size()));
  output.WriteString(packed);
  output.Trim();
  return status;
}

End AnswerAll(Call& call) {
  if (!call.Read()) return {};
  call.Write(Granted());
  std::uint64_t sequence = 0;
  while (const auto request = call.Read()) {
    if (request->has_frame()) {
      call.Write(ResultOf(sequence++));
    } else {
      v1::AnalyzeResponse answer;
      answer.mutable_control_reply()->set_control_id(request->control().control_id());
      call.Write(answer);
    }
  }
  call.Write(SummaryOf(sequence));
  return {};
}
