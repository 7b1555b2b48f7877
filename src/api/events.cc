#include "api/events.h"

namespace paastech::api {
namespace {
constexpr std::size_t kMaxUnsent = 256 << 10;  // of one reader that is slower than what it reads
}

std::string event_text(std::string_view event, const boost::json::object& data) {
  std::string out = "event: ";
  out += event;
  out += "\ndata: ";
  out += boost::json::serialize(data);  // never holds a newline
  out += "\n\n";
  return out;
}

net::Task<bool> EventQueue::push(std::string event) {
  while (!abandoned_ && ready_.size() > kMaxUnsent) co_await space_.wait(std::chrono::hours(1));
  if (abandoned_) co_return false;
  ready_ += event;
  changed_.notify();
  co_return true;
}

void EventQueue::finish() {
  finished_ = true;
  changed_.notify();
}

void EventQueue::abandon() {
  abandoned_ = true;
  space_.notify();
}

net::Task<std::optional<std::string>> EventQueue::take(std::chrono::milliseconds timeout) {
  if (ready_.empty() && !finished_) co_await changed_.wait(timeout);
  std::optional<std::string> out;
  if (!ready_.empty() || !finished_) out = std::exchange(ready_, {});
  space_.notify();
  co_return out;
}

}  // namespace paastech::api
