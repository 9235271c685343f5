#include "decoder_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include "decoder_protocol.h"
#include "failure.h"

namespace loupe {
namespace {

constexpr int64_t kPage = 4096;
// Kept between pictures: a camera's frame. Beyond it memory goes back as soon as the picture is used.
constexpr int64_t kKept = int64_t{32} << 20;
// OpenCV and what it links are loaded in some tens of milliseconds; a machine may be busy.
constexpr int kStartMilliseconds = 20'000;
// Above the descriptors that the program is given, so that none is overwritten while they are put into place.
constexpr int kFirstFreeDescriptor = 10;

int64_t PageUp(int64_t value) { return (value + kPage - 1) / kPage * kPage; }

[[noreturn]] void Fail(const std::string& what) {
  const int error = errno;
  throw Failure(LOUPE_INTERNAL, what + ": " + std::generic_category().message(error));
}

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int value() const { return value_; }
  int Release() { return std::exchange(value_, -1); }

 private:
  int value_;
};

// What posix_spawn is given; both are freed.
struct SpawnPlan {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  SpawnPlan() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
};

}  // namespace

DecoderProcess::~DecoderProcess() {
  Stop();
  if (mapped_ != nullptr) munmap(mapped_, static_cast<size_t>(size_));
  if (memory_ >= 0) close(memory_);
}

uint8_t* DecoderProcess::Room(int64_t input_bytes, int64_t pixel_bytes) {
  if (busy_) throw Failure(LOUPE_BUSY, "a picture is being decoded");
  if (child_ >= 0 && HasEnded()) Reap();
  if (child_ < 0) Launch();
  pixel_offset_ = PageUp(std::max<int64_t>(input_bytes, 1));
  used_ = pixel_offset_ + PageUp(pixel_bytes + decoder::kPixelSlack);
  if (used_ > size_) Grow(used_);
  return mapped_;
}

void DecoderProcess::Start(const loupe_decode_request& request) {
  WaitUntilReady();
  processor_before_ = ProcessorTime();
  decoder::Request message{};
  message.flags = request.flags;
  message.format = request.format;
  message.memory_size = size_;
  message.input_bytes = request.input_bytes;
  message.pixel_offset = pixel_offset_;
  message.pixel_bytes = request.pixel_bytes;
  message.memory_limit = request.memory_bytes;
  message.processor_ns = request.processor_ns;
  // Where the process has died, waiting will tell.
  [[maybe_unused]] const ssize_t sent = send(socket_, &message, sizeof(message), MSG_NOSIGNAL);
  busy_ = true;
}

void DecoderProcess::Wait(int32_t milliseconds, loupe_decode_result* result) {
  const uint32_t struct_size = result->struct_size;
  *result = {};
  result->struct_size = struct_size;
  if (!busy_) throw Failure(LOUPE_INVALID_ARGUMENT, "no picture is being decoded");
  pollfd waiting{socket_, POLLIN, 0};
  const int ready = poll(&waiting, 1, milliseconds);
  if (ready == 0 || (ready < 0 && errno == EINTR)) {
    result->processor_ns = ProcessorTime() - processor_before_;
    return;
  }
  decoder::Reply reply;
  const ssize_t received = ready < 0 ? -1 : recv(socket_, &reply, sizeof(reply), 0);
  if (received != static_cast<ssize_t>(sizeof(reply))) {
    result->state = LOUPE_DECODE_DIED;
    result->signal = Reap();
    return;
  }
  busy_ = false;
  // The process decodes what may have taken it over: nothing that it says is believed.
  const int64_t area = size_ - reply.pixel_offset;
  const bool fits =
      reply.state != LOUPE_DECODE_DONE ||
      (reply.width > 0 && reply.height > 0 && reply.step_bytes > 0 && reply.pixel_offset >= 0 &&
       reply.pixel_offset <= size_ && reply.step_bytes <= area / reply.height && reply.width <= reply.step_bytes);
  if (!fits || reply.state < LOUPE_DECODE_DONE || reply.state == LOUPE_DECODE_DIED ||
      reply.state > LOUPE_DECODE_UNAVAILABLE) {
    Stop();
    result->state = LOUPE_DECODE_DIED;
    return;
  }
  result->state = reply.state;
  result->width = reply.width;
  result->height = reply.height;
  result->type = reply.type;
  result->step_bytes = reply.step_bytes;
  result->processor_ns = ProcessorTime() - processor_before_;
  result->pixels = mapped_ + reply.pixel_offset;
  std::memcpy(result->complaint, reply.text, sizeof(result->complaint));
  result->complaint[sizeof(result->complaint) - 1] = '\0';
}

void DecoderProcess::Trim() {
  if (used_ <= kKept || busy_) return;
  // The size stays: it costs addresses only, and the seal forbids to shrink.
  fallocate(memory_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, size_);
  used_ = 0;
}

void DecoderProcess::Stop() {
  if (child_ < 0) return;
  kill(child_, SIGKILL);
  Reap();
}

// The signal that it died of, or 0.
int DecoderProcess::Reap() {
  // It may still be alive: what it said made no sense, or it has closed its socket.
  kill(child_, SIGKILL);
  int status = 0;
  while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
  close(socket_);
  child_ = -1;
  socket_ = -1;
  ready_ = false;
  busy_ = false;
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

void DecoderProcess::Launch() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) Fail("a socket cannot be made");
  Descriptor ours(ends[0]);
  Descriptor theirs(ends[1]);
  if (memory_ < 0) {
    memory_ = memfd_create("loupe-pictures", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    // Whoever took the other process over could cut off what is being read here.
    if (memory_ < 0 || fcntl(memory_, F_ADD_SEALS, F_SEAL_SHRINK) != 0) Fail("shared memory cannot be made");
  }

  const Descriptor socket(fcntl(theirs.value(), F_DUPFD_CLOEXEC, kFirstFreeDescriptor));
  const Descriptor memory(fcntl(memory_, F_DUPFD_CLOEXEC, kFirstFreeDescriptor));
  if (socket.value() < 0 || memory.value() < 0) Fail("a descriptor cannot be made");

  SpawnPlan plan;
  posix_spawn_file_actions_addopen(&plan.files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&plan.files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&plan.files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&plan.files, socket.value(), decoder::kSocket);
  posix_spawn_file_actions_adddup2(&plan.files, memory.value(), decoder::kMemory);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&plan.attributes, &none);
  posix_spawnattr_setsigdefault(&plan.attributes, &all);
  // A group of its own: what a terminal sends to the server's is not meant for it while the server still drains.
  posix_spawnattr_setpgroup(&plan.attributes, 0);
  posix_spawnattr_setflags(&plan.attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);

  // NOLINTNEXTLINE(concurrency-mt-unsafe): the environment is set before anything is decoded, if at all.
  const char* const libraries = getenv("LD_LIBRARY_PATH");
  std::string library_path = libraries == nullptr ? "" : std::string("LD_LIBRARY_PATH=") + libraries;
  char* const arguments[] = {const_cast<char*>(program_.c_str()), const_cast<char*>(opencv_.c_str()), nullptr};
  char* const environment[] = {library_path.empty() ? nullptr : library_path.data(), nullptr};
  pid_t child = -1;
  errno = posix_spawn(&child, program_.c_str(), &plan.files, &plan.attributes, arguments, environment);
  if (errno != 0) Fail(program_ + " cannot be started");
  child_ = child;
  socket_ = ours.Release();
  ready_ = false;
  busy_ = false;
}

void DecoderProcess::WaitUntilReady() {
  if (child_ < 0) RefuseArgument("there is no room for a picture yet");
  if (ready_) return;
  pollfd waiting{socket_, POLLIN, 0};
  int ready;
  while ((ready = poll(&waiting, 1, kStartMilliseconds)) < 0 && errno == EINTR) {
  }
  decoder::Reply reply{};
  const ssize_t received = ready == 1 ? recv(socket_, &reply, sizeof(reply), 0) : -1;
  if (received != static_cast<ssize_t>(sizeof(reply))) {
    const int signal = Reap();
    throw Failure(LOUPE_INTERNAL, ready == 0 ? program_ + " does not answer"
                                  : signal != 0
                                      ? program_ + " died of signal " + std::to_string(signal) + " when it was started"
                                      : program_ + " ended when it was started");
  }
  reply.text[sizeof(reply.text) - 1] = '\0';
  if (reply.version != decoder::kVersion || reply.text[0] != '\0') {
    Reap();
    throw Failure(LOUPE_INTERNAL, reply.version != decoder::kVersion ? program_ + " is of another version"
                                                                     : program_ + ": " + reply.text);
  }
  ready_ = true;
}

void DecoderProcess::Grow(int64_t size) {
  if (ftruncate(memory_, size) != 0) Fail("shared memory for a picture cannot be made");
  void* const mapped = mapped_ == nullptr
                           ? mmap(nullptr, static_cast<size_t>(size), PROT_READ | PROT_WRITE, MAP_SHARED, memory_, 0)
                           : mremap(mapped_, static_cast<size_t>(size_), static_cast<size_t>(size), MREMAP_MAYMOVE);
  if (mapped == MAP_FAILED) throw Failure(LOUPE_OUT_OF_MEMORY, "there is no memory for a picture");
  mapped_ = static_cast<uint8_t*>(mapped);
  size_ = size;
}

// By itself, or by somebody's hand, since the last picture.
bool DecoderProcess::HasEnded() const {
  pollfd socket{socket_, POLLRDHUP, 0};
  return poll(&socket, 1, 0) > 0;
}

int64_t DecoderProcess::ProcessorTime() const {
  clockid_t clock;
  timespec time;
  if (clock_getcpuclockid(child_, &clock) != 0 || clock_gettime(clock, &time) != 0) return 0;
  return time.tv_sec * int64_t{1'000'000'000} + time.tv_nsec;
}

}  // namespace loupe
