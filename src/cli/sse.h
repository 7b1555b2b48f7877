#pragma once
// Server-sent events (HTML Living Standard, section 9.2.6), fed byte by byte as they come. Pure.
#include <string>
#include <string_view>
#include <vector>

namespace paastech::cli {

struct Event {
  std::string name;  // "message" where the stream names none
  std::string data;
};

class SseParser {
 public:
  // The events that these bytes complete. `failed` is true from the moment a line or an event grew past kLimit.
  std::vector<Event> feed(std::string_view bytes);
  bool failed() const { return failed_; }
  static constexpr std::size_t kLimit = 4 << 20;  // bytes; a log line is far shorter

 private:
  void take_line(std::vector<Event>& events);
  std::string line_;
  std::string name_;
  std::string data_;
  bool has_data_ = false;
  bool after_return_ = false;
  bool failed_ = false;
};

}  // namespace paastech::cli
