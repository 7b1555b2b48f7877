#pragma once
// How much a program has written, measured by what it takes in the Engine's files: these bound what the Engine keeps.
// Alike for lines that were given out and for the bytes that they come from, so that the one can be compared with the
// other. Pure.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "docker/logs.h"

namespace paastech::pomegranate {

// An entry of 27 to 37 bytes for each line (moby, daemon/logger/local: two lengths, source, time).
inline constexpr std::int64_t kEntryBytes = 32;

// Of a line that was given out, which has lost its newline and a return before it.
inline std::int64_t kept_bytes(std::string_view line) {
  return static_cast<std::int64_t>(line.size()) + 1 + kEntryBytes;
}

// Reads an attached stream, framed as docker/logs.h says. A program that writes line by line makes a frame of each.
class OutputMeter {
 public:
  void add(std::string_view piece) {
    while (!piece.empty()) {
      if (left_ == 0) {
        head_[in_head_++] = piece.front();
        piece.remove_prefix(1);
        if (in_head_ < head_.size()) continue;
        in_head_ = 0;
        left_ = docker::frame_length({head_.data(), head_.size()});
        continue;
      }
      const std::string_view part = piece.substr(0, left_);
      take(part, returned_[head_[0] == 2 ? 1 : 0]);
      left_ -= part.size();
      piece.remove_prefix(part.size());
    }
  }
  std::int64_t kept() const { return kept_; }
  std::int64_t written() const { return written_; }

 private:
  void take(std::string_view part, bool& returned) {
    written_ += static_cast<std::int64_t>(part.size());
    kept_ += static_cast<std::int64_t>(part.size());
    for (std::size_t at = part.find('\n'); at != std::string_view::npos; at = part.find('\n', at + 1)) {
      const bool with_return = at > 0 ? part[at - 1] == '\r' : returned;
      kept_ += kEntryBytes - (with_return ? 1 : 0);
    }
    returned = part.back() == '\r';
  }

  std::array<char, docker::kFrameHead> head_ = {};
  std::size_t in_head_ = 0;
  std::size_t left_ = 0;               // of the frame
  std::array<bool, 2> returned_ = {};  // the last byte of each stream was a return
  std::int64_t kept_ = 0;
  std::int64_t written_ = 0;
};

}  // namespace paastech::pomegranate
