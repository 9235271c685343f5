// The one place where gRPC's statuses become what calls throw.
#ifndef LOUPEGRPC_FAULTS_H_
#define LOUPEGRPC_FAULTS_H_

#include <memory>
#include <string>

#include "loupegrpc/errors.h"

namespace loupegrpc {

// gRPC's, without gRPC.
struct Status {
  // gRPC's number.
  int code = 0;
  std::string message;
  // A serialised google.rpc.Status, where there is one.
  std::string details;
  // The server took the connection and said nothing.
  bool silent = false;
};

inline constexpr char kLargeMessages[] =
    "a proxy in between may not let it pass (nginx: client_max_body_size, 1 MB a call unless set, 0 for no limit)";
inline constexpr char kLongCalls[] =
    "a proxy in between may end calls that are large or long (nginx: client_max_body_size, client_body_timeout, "
    "grpc_read_timeout, grpc_send_timeout)";

// The way to the server failed, not the server; another connection may do better.
bool IsTransport(const Status& status);
// For a call outside sessions, or the opening of one.
std::shared_ptr<const Error> ToRequestFault(const Status& status, const std::string& address);
// For a session that ran.
std::shared_ptr<const Error> ToSessionFault(const Status& status, const std::string& address);

}  // namespace loupegrpc

#endif  // LOUPEGRPC_FAULTS_H_
