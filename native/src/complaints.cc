#include "complaints.h"

#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <mutex>
#include <streambuf>
#include <string_view>

#include "loupe_decoding.h"

namespace loupe {
namespace {

using std::string_view;

bool BeginsWith(string_view text, string_view begin) { return text.substr(0, begin.size()) == begin; }

// Removes everything up to and including `mark`; false where it is not there.
bool CutBehind(string_view* text, string_view mark) {
  const size_t found = text->find(mark);
  if (found == string_view::npos) return false;
  text->remove_prefix(found + mark.size());
  return true;
}

// What is left of a line once its origin is cut off; empty where it is about nothing that matters for the pixels. Lines that are not known count:
// rather a note too many than a damaged picture without.
string_view AboutPixels(string_view line) {
  if (CutBehind(&line, "TIFF_Warning ")) {
    // libtiff reading directories and tags; its codecs have names of their own.
    return BeginsWith(line, "TIFF") || BeginsWith(line, "_TIFF") ? string_view() : line;
  }
  if (CutBehind(&line, "TIFF_Error ")) return line;
  if (BeginsWith(line, "libpng warning:")) return {};
  return line;
}

// The lines of one thread, from their pieces.
class Collector {
 public:
  void Begin() {
    active_ = true;
    line_size_ = 0;
    complaint_[0] = '\0';
  }

  void End(char* complaint) {
    FinishLine();
    active_ = false;
    std::memcpy(complaint, complaint_.data(), complaint_.size());
  }

  bool active() const { return active_; }

  void Take(string_view text) {
    for (const char letter : text) {
      if (letter == '\n') {
        FinishLine();
      } else if (line_size_ < line_.size()) {
        line_[line_size_++] = letter;
      }
    }
  }

 private:
  void FinishLine() {
    const string_view found = AboutPixels(string_view(line_.data(), line_size_));
    line_size_ = 0;
    if (complaint_[0] != '\0') return;
    const size_t size = std::min(found.size(), complaint_.size() - 1);
    std::transform(found.begin(), found.begin() + size, complaint_.begin(),
                   [](char letter) { return letter >= ' ' && letter < 0x7f ? letter : '?'; });
    complaint_[size] = '\0';
  }

  bool active_ = false;
  size_t line_size_ = 0;
  std::array<char, size_t{2} * LOUPE_MAX_COMPLAINT> line_{};
  std::array<char, LOUPE_MAX_COMPLAINT> complaint_{};
};

thread_local Collector collector;

void WriteToDescriptor(string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno != EINTR) return;
    if (written > 0) text.remove_prefix(static_cast<size_t>(written));
  }
}

void Write(string_view text) {
  if (collector.active()) {
    collector.Take(text);
  } else {
    WriteToDescriptor(text);
  }
}

ssize_t WriteCookie(void* /*cookie*/, const char* data, size_t size) {
  Write(string_view(data, size));
  return static_cast<ssize_t>(size);
}

// In place of std::cerr's own, which writes to the stream that `stderr` was when libstdc++ was loaded.
class Buffer : public std::streambuf {
 protected:
  std::streamsize xsputn(const char* data, std::streamsize size) override {
    Write(string_view(data, static_cast<size_t>(size)));
    return size;
  }

  int_type overflow(int_type letter) override {
    if (traits_type::eq_int_type(letter, traits_type::eof())) return traits_type::not_eof(letter);
    const char value = traits_type::to_char_type(letter);
    Write(string_view(&value, 1));
    return letter;
  }
};

void InstallOnce() {
  cookie_io_functions_t functions{};
  functions.write = WriteCookie;
  FILE* const stream = fopencookie(nullptr, "w", functions);
  if (stream == nullptr) return;
  setvbuf(stream, nullptr, _IONBF, 0);

  // glibc documents its three streams as variables that may be set. Whoever kept the old one goes on writing to the descriptor.
  stderr = stream;

  // Never freed: destructors of other libraries may still write.
  std::cerr.rdbuf(new Buffer);
}

}  // namespace

void InstallComplaints() {
  static std::once_flag once;
  std::call_once(once, InstallOnce);
}

void BeginComplaints() { collector.Begin(); }

void EndComplaints(char* complaint) { collector.End(complaint); }

}  // namespace loupe
