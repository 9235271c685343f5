#include "mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <new>
#include <string>
#include <system_error>
#include <vector>

#include "failure.h"

namespace loupe {
namespace {

struct Mapping {
  uintptr_t begin;
  uintptr_t end;
  int protection;

  size_t size() const { return end - begin; }
};

std::string LastError() { return std::generic_category().message(errno); }

// As /proc/self/maps has it: the full path without links, a line feed in octal.
std::string NameInMaps(const char* path) {
  const std::unique_ptr<char, decltype(&std::free)> full(realpath(path, nullptr), &std::free);
  if (full == nullptr) RefuseArgument(std::string(path) + " is not there: " + LastError());
  std::string name;
  for (const char* letter = full.get(); *letter != '\0'; ++letter) {
    if (*letter == '\n') {
      name += "\\012";
    } else {
      name += *letter;
    }
  }
  return name;
}

std::vector<Mapping> MappingsOf(const std::string& name) {
  std::vector<Mapping> found;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    // 7f2dbeb69000-7f2dbeb8a000 rw-p 0004a000 fe:00 11682242   /models/fp32/weights.bin
    uintptr_t begin = 0;
    uintptr_t end = 0;
    char access[5] = {};
    int behind = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx %4s %*x %*x:%*x %*u %n", &begin, &end, access, &behind) == 3 &&
        line.compare(static_cast<size_t>(behind), std::string::npos, name) == 0) {
      found.push_back({begin, end, (access[0] == 'r' ? PROT_READ : 0) | (access[1] == 'w' ? PROT_WRITE : 0)});
    }
  }
  if (maps.bad()) throw Failure(LOUPE_INTERNAL, "/proc/self/maps cannot be read");
  return found;
}

// Memory that is unmapped again unless it is taken.
class Memory {
 public:
  explicit Memory(size_t size)
      : size_(size), data_(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    if (data_ == MAP_FAILED) throw std::bad_alloc();
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() {
    if (data_ != MAP_FAILED) munmap(data_, size_);
  }

  char* data() const { return static_cast<char*>(data_); }

  // Others see the old content or this one, and at no time none.
  void MoveTo(const Mapping& place) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): it was read as text.
    void* const target = reinterpret_cast<void*>(place.begin);
    if (mprotect(data_, size_, place.protection) != 0 ||
        mremap(data_, size_, size_, MREMAP_MAYMOVE | MREMAP_FIXED, target) == MAP_FAILED) {
      throw Failure(LOUPE_INTERNAL, std::string("memory cannot be moved: ") + LastError());
    }
    data_ = MAP_FAILED;
  }

 private:
  const size_t size_;
  void* data_;
};

class OwnMemory {
 public:
  OwnMemory() : file_(open("/proc/self/mem", O_RDONLY | O_CLOEXEC)) {
    if (file_ < 0) throw Failure(LOUPE_INTERNAL, std::string("/proc/self/mem cannot be opened: ") + LastError());
  }
  OwnMemory(const OwnMemory&) = delete;
  OwnMemory& operator=(const OwnMemory&) = delete;
  ~OwnMemory() { close(file_); }

  // Reading a page of a file that has become shorter is an error here; through a pointer it would end the process.
  void Read(const Mapping& place, char* destination) const {
    for (size_t done = 0; done < place.size();) {
      const ssize_t read =
          pread(file_, destination + done, place.size() - done, static_cast<off_t>(place.begin + done));
      if (read < 0 && errno == EINTR) continue;
      if (read <= 0) throw Failure(LOUPE_MALFORMED, "the file became shorter while it was read");
      done += static_cast<size_t>(read);
    }
  }

 private:
  const int file_;
};

}  // namespace

int64_t DetachMappings(const char* path) {
  const OwnMemory memory;
  int64_t bytes = 0;
  for (const Mapping& mapping : MappingsOf(NameInMaps(path))) {
    Memory copy(mapping.size());
    memory.Read(mapping, copy.data());
    copy.MoveTo(mapping);
    bytes += static_cast<int64_t>(mapping.size());
  }
  return bytes;
}

}  // namespace loupe
