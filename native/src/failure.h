#ifndef LOUPE_NATIVE_SRC_FAILURE_H_
#define LOUPE_NATIVE_SRC_FAILURE_H_

#include <exception>
#include <string>
#include <utility>

#include "loupe_native.h"

namespace loupe {

// How the inside reports what the interface answers with a status and a message.
class Failure : public std::exception {
 public:
  Failure(loupe_status status, std::string message) : status_(status), message_(std::move(message)) {}

  loupe_status status() const noexcept { return status_; }
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  loupe_status status_;
  std::string message_;
};

// Throws LOUPE_INVALID_ARGUMENT. Callers test first, so that the message is only built when it is needed.
[[noreturn]] inline void RefuseArgument(std::string message) {
  throw Failure(LOUPE_INVALID_ARGUMENT, std::move(message));
}

}  // namespace loupe

#endif  // LOUPE_NATIVE_SRC_FAILURE_H_
