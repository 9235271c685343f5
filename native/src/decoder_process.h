#ifndef LOUPE_NATIVE_SRC_DECODER_PROCESS_H_
#define LOUPE_NATIVE_SRC_DECODER_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "loupe_decoding.h"

namespace loupe {

// The caller's side of the program loupe_decoder: see loupe_decoding.h. Throws Failure.
class DecoderProcess {
 public:
  DecoderProcess(std::string program, std::string opencv) : program_(std::move(program)), opencv_(std::move(opencv)) {}
  ~DecoderProcess();
  DecoderProcess(const DecoderProcess&) = delete;
  DecoderProcess& operator=(const DecoderProcess&) = delete;

  uint8_t* Room(int64_t input_bytes, int64_t pixel_bytes);
  void Start(const loupe_decode_request& request);
  void Wait(int32_t milliseconds, loupe_decode_result* result);
  void Trim();
  void Stop();
  pid_t process_id() const { return child_ < 0 ? 0 : child_; }

 private:
  void Launch();
  void WaitUntilReady();
  void Grow(int64_t size);
  bool HasEnded() const;
  int64_t ProcessorTime() const;
  int Reap();

  const std::string program_;
  const std::string opencv_;
  pid_t child_ = -1;
  int socket_ = -1;
  int memory_ = -1;
  uint8_t* mapped_ = nullptr;
  int64_t size_ = 0;
  int64_t used_ = 0;  // of it, by the last picture
  int64_t pixel_offset_ = 0;
  bool ready_ = false;
  bool busy_ = false;
  int64_t processor_before_ = 0;
};

}  // namespace loupe

#endif  // LOUPE_NATIVE_SRC_DECODER_PROCESS_H_
