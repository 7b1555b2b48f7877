#pragma once
// Cuts a byte stream into lines. A line beyond the limit is given out in pieces.
#include <optional>
#include <string>
#include <string_view>

namespace paastech::docker {

class LineCutter {
 public:
  explicit LineCutter(std::size_t limit) : limit_(limit) {}
  void add(std::string_view piece) { buffer_.append(piece); }
  std::optional<std::string> next() {  // without its end ("\n" or "\r\n")
    const std::size_t end = buffer_.find('\n', start_);
    if (end == std::string::npos && buffer_.size() - start_ < limit_) {
      buffer_.erase(0, start_);
      start_ = 0;
      return std::nullopt;
    }
    const bool whole = end != std::string::npos;
    std::string line = buffer_.substr(start_, whole ? end - start_ : limit_);
    start_ += line.size() + (whole ? 1 : 0);
    if (whole && line.ends_with('\r')) line.pop_back();
    return line;
  }
  std::string rest() {  // what came without a line's end
    std::string rest = buffer_.substr(start_);
    buffer_.clear();
    start_ = 0;
    return rest;
  }

 private:
  std::size_t limit_;
  std::string buffer_ = {};
  std::size_t start_ = 0;
};

}  // namespace paastech::docker
