#include "base/rate_limit.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/ids.h"

namespace paastech {

std::int64_t RateLimit::admit(const std::string& key) {
  const std::int64_t now = clock_.now_ms();
  std::deque<std::int64_t>& times = times_.use(key);
  // A clock that was set back leaves times of the future; they are as good as expired.
  std::erase_if(times, [&](std::int64_t at) { return at > now || at + window_ms_ <= now; });
  if (times.size() >= limit_) return times.front() + window_ms_ - now;
  times.push_back(now);
  return 0;
}

std::int64_t RateLimit::wait(const std::string& key) const {
  const std::deque<std::int64_t>* times = times_.find(key);
  if (times == nullptr) return 0;
  const std::int64_t now = clock_.now_ms();
  std::size_t counted = 0;
  std::int64_t first = 0;
  for (const std::int64_t at : *times) {
    if (at > now || at + window_ms_ <= now) continue;
    if (counted++ == 0) first = at;
  }
  return counted >= limit_ ? first + window_ms_ - now : 0;
}

void RateLimit::take_back(const std::string& key) {
  std::deque<std::int64_t>* times = times_.find(key);
  if (times == nullptr) return;
  if (!times->empty()) times->pop_back();
  if (times->empty()) times_.erase(key);
}

std::int64_t RequestRate::admit(const std::string& key) {
  if (per_minute_ <= 0) return 0;
  constexpr std::int64_t kMinuteNs = 60'000'000'000;
  constexpr std::int64_t kMsNs = 1'000'000;
  const std::int64_t each = kMinuteNs / per_minute_;
  const std::int64_t now = clock_.steady_ms() * kMsNs;
  std::int64_t& due = due_ns_.use(key);
  const std::int64_t ahead = std::max(due, now) - now;
  if (const std::int64_t beyond = ahead + each - kMinuteNs; beyond > 0) return (beyond + kMsNs - 1) / kMsNs;
  due = now + ahead + each;
  return 0;
}

std::string address_key(const std::string& peer) {
  in6_addr six{};
  if (inet_pton(AF_INET6, peer.c_str(), &six) != 1) return peer;
  const std::string_view bytes(reinterpret_cast<const char*>(six.s6_addr), 16);
  if (IN6_IS_ADDR_V4MAPPED(&six)) {
    char text[INET_ADDRSTRLEN] = {};
    inet_ntop(AF_INET, six.s6_addr + 12, text, sizeof text);
    return text;
  }
  return hex(bytes.substr(0, 8)) + "/64";
}

}  // namespace paastech
