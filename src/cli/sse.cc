#include "cli/sse.h"

#include <utility>

namespace paastech::cli {

std::vector<Event> SseParser::feed(std::string_view bytes) {
  std::vector<Event> events;
  for (const char c : bytes) {
    if (failed_) break;
    const bool second_half = c == '\n' && after_return_;
    after_return_ = c == '\r';
    if (second_half) continue;
    if (c == '\r' || c == '\n') {
      take_line(events);
    } else {
      line_.push_back(c);
      failed_ = line_.size() + data_.size() > kLimit;
    }
  }
  return events;
}

void SseParser::take_line(std::vector<Event>& events) {
  if (line_.empty()) {
    if (has_data_) events.push_back({name_.empty() ? "message" : std::move(name_), std::move(data_)});
    name_.clear();
    data_.clear();
    has_data_ = false;
    return;
  }
  const std::size_t colon = line_.find(':');
  const std::string field = line_.substr(0, colon);
  std::string value = colon == std::string::npos ? "" : line_.substr(colon + 1);
  if (value.starts_with(' ')) value.erase(0, 1);
  if (field == "event") {
    name_ = std::move(value);
  } else if (field == "data") {
    if (has_data_) data_.push_back('\n');
    data_ += value;
    has_data_ = true;
  }
  line_.clear();
}

}  // namespace paastech::cli
