// The program loupe_decoder: decodes pictures that nobody vouches for, so that whatever they do to a decoder they do to this process. Started by
// DecoderProcess with a socket and shared memory as descriptors 3 and 4. Ends when its starter does.

#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "complaints.h"
#include "decoder_protocol.h"
#include "heif_pictures.h"
#include "picture_heap.h"

namespace {

using loupe::decoder::Reply;
using loupe::decoder::Request;

// cv::utils::logging::LOG_LEVEL_WARNING: libtiff's complaints come this way.
constexpr int kLogWarnings = 3;
// CV_8UC3.
constexpr int kBgr = 16;
// Beyond it the heap is given back after a picture.
constexpr int64_t kLargePicture = int64_t{32} << 20;
constexpr size_t kWatcherStack = 128 << 10;

// What libOpenCvSharpExtern.so exports for OpenCvSharp: every function answers 0 where no exception was thrown.
struct OpenCv {
  int (*imdecode)(uint8_t* data, size_t size, int flags, void** mat);
  int (*mat_delete)(void* mat);
  int (*mat_rows)(void* mat, int* value);
  int (*mat_cols)(void* mat, int* value);
  int (*mat_type)(void* mat, int* value);
  int (*mat_data)(void* mat, uint8_t** value);
  int (*mat_step)(void* mat, size_t* value);
  int (*set_threads)(int count);
  int (*set_log_level)(int level, int* previous);
};

template <class Function>
bool Find(void* library, const char* name, Function* function, std::string* missing) {
  *function = reinterpret_cast<Function>(dlsym(library, name));
  if (*function == nullptr) *missing = std::string("OpenCV's library has no ") + name;
  return *function != nullptr;
}

// What is wrong; empty where nothing is.
std::string Load(const char* path, OpenCv* cv) {
  void* const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  // NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread loads libraries.
  if (library == nullptr) return dlerror();
  std::string missing;
  const bool found = Find(library, "imgcodecs_imdecode_vector", &cv->imdecode, &missing) &&
                     Find(library, "core_Mat_delete", &cv->mat_delete, &missing) &&
                     Find(library, "core_Mat_rows", &cv->mat_rows, &missing) &&
                     Find(library, "core_Mat_cols", &cv->mat_cols, &missing) &&
                     Find(library, "core_Mat_type", &cv->mat_type, &missing) &&
                     Find(library, "core_Mat_data", &cv->mat_data, &missing) &&
                     Find(library, "core_Mat_step", &cv->mat_step, &missing) &&
                     Find(library, "core_setNumThreads", &cv->set_threads, &missing) &&
                     Find(library, "core_logger_setLogLevel", &cv->set_log_level, &missing);
  if (!found) return missing;
  int previous = 0;
  cv->set_threads(1);
  cv->set_log_level(kLogWarnings, &previous);
  return {};
}

// The starter's end of the socket closes when it ends, also while a picture is being decoded here.
void* WatchStarter(void* /*argument*/) {
  pollfd socket{loupe::decoder::kSocket, POLLRDHUP, 0};
  while (poll(&socket, 1, -1) < 0 || (socket.revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0) {
  }
  _exit(0);
}

void StartWatching() {
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kWatcherStack);
  if (pthread_create(&thread, &attributes, WatchStarter, nullptr) != 0) _exit(1);
  pthread_attr_destroy(&attributes);
}

void Limit(__rlimit_resource resource, rlim_t value) {
  rlimit limit{};
  getrlimit(resource, &limit);
  limit.rlim_cur = std::min(value, limit.rlim_max);
  setrlimit(resource, &limit);
}

// Of the process, in bytes.
int64_t AddressSpace() {
  std::array<char, 64> text{};
  const int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  const ssize_t size = file < 0 ? -1 : read(file, text.data(), text.size() - 1);
  if (file >= 0) close(file);
  return size <= 0 ? 0 : std::strtoll(text.data(), nullptr, 10) * sysconf(_SC_PAGESIZE);
}

// Should memory run out on the machine, this process is the one to end. Files are neither written nor grown, nothing is started.
void DropRights() {
  const int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file >= 0) {
    [[maybe_unused]] const ssize_t written = write(file, "500", 3);
    close(file);
  }
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  Limit(RLIMIT_CORE, 0);
  Limit(RLIMIT_FSIZE, 0);
}

bool Send(const Reply& reply) {
  return send(loupe::decoder::kSocket, &reply, sizeof(reply), MSG_NOSIGNAL) == sizeof(reply);
}

// The shared memory, at the size that it has now.
class SharedMemory {
 public:
  uint8_t* Map(int64_t size) {
    if (size != size_) {
      void* const mapped =
          data_ == nullptr
              ? mmap(nullptr, static_cast<size_t>(size), PROT_READ | PROT_WRITE, MAP_SHARED, loupe::decoder::kMemory, 0)
              : mremap(data_, static_cast<size_t>(size_), static_cast<size_t>(size), MREMAP_MAYMOVE);
      if (mapped == MAP_FAILED) return nullptr;
      data_ = static_cast<uint8_t*>(mapped);
      size_ = size;
    }
    return data_;
  }

 private:
  uint8_t* data_ = nullptr;
  int64_t size_ = 0;
};

// Ends the process by SIGXCPU when a picture has taken more of the processor than it may. RLIMIT_CPU would count from the start of the process, and by the
// system's ticks, which in time are seconds away from what the process has taken: it would end the process over pictures that took no time at all.
class ProcessorTimer {
 public:
  ProcessorTimer() {
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGXCPU;
    if (timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer_) != 0) _exit(1);
  }

  void Begin(int64_t nanoseconds) {
    constexpr int64_t kSecond = 1'000'000'000;
    itimerspec time{};
    time.it_value.tv_sec = nanoseconds / kSecond;
    time.it_value.tv_nsec = nanoseconds % kSecond;
    timer_settime(timer_, 0, &time, nullptr);
  }

 private:
  timer_t timer_{};
};

void LimitPicture(const Request& request, int64_t idle, ProcessorTimer* timer) {
  // The starter is to notice first.
  timer->Begin(request.processor_ns + 1'000'000'000);
  Limit(RLIMIT_AS, static_cast<rlim_t>(idle + request.memory_size + request.memory_limit));
}

// Moves the pixels into the shared memory, where they are not there already, and describes them.
void Deliver(const OpenCv& cv, void* mat, const Request& request, uint8_t* memory, Reply* reply) {
  int type = 0;
  size_t step = 0;
  uint8_t* pixels = nullptr;
  cv.mat_rows(mat, &reply->height);
  cv.mat_cols(mat, &reply->width);
  cv.mat_type(mat, &type);
  cv.mat_step(mat, &step);
  cv.mat_data(mat, &pixels);
  const int64_t size = static_cast<int64_t>(step) * reply->height;
  reply->state = LOUPE_DECODE_REFUSED;
  if (pixels == nullptr || size == 0 || size > request.memory_size - request.pixel_offset) return;
  const bool there = pixels >= memory && pixels + size <= memory + request.memory_size;
  if (!there) std::memcpy(memory + request.pixel_offset, pixels, static_cast<size_t>(size));
  reply->state = LOUPE_DECODE_DONE;
  reply->type = type;
  reply->step_bytes = static_cast<int64_t>(step);
  reply->pixel_offset = there ? pixels - memory : request.pixel_offset;
}

Reply Decode(const OpenCv& cv, const Request& request, uint8_t* memory) {
  Reply reply{};
  reply.version = loupe::decoder::kVersion;
  void* mat = nullptr;
  loupe::BeginComplaints();
  loupe::LendPictureHeap(memory + request.pixel_offset, request.memory_size - request.pixel_offset,
                         request.pixel_bytes);
  const int thrown = cv.imdecode(memory, static_cast<size_t>(request.input_bytes), request.flags, &mat);
  loupe::EndComplaints(reply.text);
  if (thrown == 0 && mat != nullptr) {
    Deliver(cv, mat, request, memory, &reply);
    cv.mat_delete(mat);
  } else {
    reply.state = LOUPE_DECODE_REFUSED;
  }
  if (reply.state == LOUPE_DECODE_REFUSED && loupe::PictureHeapRanOut()) reply.state = LOUPE_DECODE_OUT_OF_MEMORY;
  return reply;
}

void Say(const std::string& text, Reply* reply) { std::snprintf(reply->text, sizeof(reply->text), "%s", text.c_str()); }

Reply DecodeHeif(const loupe::HeifPictures& heif, const std::string& missing, const Request& request, uint8_t* memory) {
  Reply reply{};
  reply.version = loupe::decoder::kVersion;
  const bool av1 = request.format == LOUPE_DECODE_AVIF;
  reply.state = LOUPE_DECODE_UNAVAILABLE;
  if (!missing.empty()) {
    Say(missing, &reply);
    return reply;
  }
  if (!heif.Decodes(av1)) {
    Say(std::string("libheif has no decoder for ") + (av1 ? "AV1" : "HEVC"), &reply);
    return reply;
  }
  std::string warning;
  loupe::LendPictureHeap(nullptr, 0, 0);
  loupe::BeginComplaints();
  const bool decoded =
      heif.Decode(memory, request.input_bytes, memory + request.pixel_offset,
                  request.memory_size - request.pixel_offset, &reply.width, &reply.height, &reply.step_bytes, &warning);
  // libheif prints nothing; what its plugins might is theirs.
  loupe::EndComplaints(reply.text);
  Say(warning, &reply);
  reply.type = kBgr;
  reply.pixel_offset = request.pixel_offset;
  reply.state = decoded                      ? LOUPE_DECODE_DONE
                : loupe::PictureHeapRanOut() ? LOUPE_DECODE_OUT_OF_MEMORY
                                             : LOUPE_DECODE_REFUSED;
  return reply;
}

}  // namespace

int main(int count, char** arguments) {
  // Whatever the starter left open.
  syscall(SYS_close_range, loupe::decoder::kMemory + 1, ~0U, 0);
  loupe::InstallComplaints();
  // NOLINTNEXTLINE(concurrency-mt-unsafe): there is no other thread yet.
  mallopt(M_ARENA_MAX, 1);

  OpenCv cv{};
  Reply hello{};
  hello.version = loupe::decoder::kVersion;
  const std::string mistake = count == 2 ? Load(arguments[1], &cv) : "started with wrong arguments";
  Say(mistake, &hello);
  StartWatching();
  DropRights();
  int64_t idle = AddressSpace();
  if (!Send(hello) || !mistake.empty()) return 1;

  ProcessorTimer timer;
  SharedMemory shared;
  loupe::HeifPictures heif;
  Request request;
  while (recv(loupe::decoder::kSocket, &request, sizeof(request), 0) == sizeof(request)) {
    Limit(RLIMIT_AS, RLIM_INFINITY);
    uint8_t* const memory = shared.Map(request.memory_size);
    if (memory == nullptr) return 1;
    const bool is_heif = request.format != LOUPE_DECODE_OPENCV;
    std::string missing;
    if (is_heif) {
      missing = heif.Load();
      idle = AddressSpace() - request.memory_size;
    }
    LimitPicture(request, idle, &timer);
    const Reply reply = is_heif ? DecodeHeif(heif, missing, request, memory) : Decode(cv, request, memory);
    if (!Send(reply)) return 1;
    if (!loupe::TakePictureHeapBack()) return 0;
    if (request.pixel_bytes > kLargePicture) malloc_trim(0);
  }
  return 0;
}
