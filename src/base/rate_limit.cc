#include "base/rate_limit.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/ids.h"

namespace paastech {

std::int64_t RateLimit::admit(const std::string& key) {
  const std::int64_t now = clock_.now_ms();
  auto found = entries_.find(key);
  if (found == entries_.end()) {
    if (entries_.size() >= max_keys_) {
      entries_.erase(order_.front());
      order_.pop_front();
    }
    order_.push_back(key);
    found = entries_.emplace(key, Entry{{}, std::prev(order_.end())}).first;
  } else {
    order_.splice(order_.end(), order_, found->second.place);
  }
  std::deque<std::int64_t>& times = found->second.times;
  // A clock that was set back leaves times of the future; they are as good as expired.
  std::erase_if(times, [&](std::int64_t at) { return at > now || at + window_ms_ <= now; });
  if (times.size() >= limit_) return times.front() + window_ms_ - now;
  times.push_back(now);
  return 0;
}

std::int64_t RateLimit::wait(const std::string& key) const {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return 0;
  const std::int64_t now = clock_.now_ms();
  std::size_t counted = 0;
  std::int64_t first = 0;
  for (const std::int64_t at : found->second.times) {
    if (at > now || at + window_ms_ <= now) continue;
    if (counted++ == 0) first = at;
  }
  return counted >= limit_ ? first + window_ms_ - now : 0;
}

void RateLimit::take_back(const std::string& key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  if (!found->second.times.empty()) found->second.times.pop_back();
  if (!found->second.times.empty()) return;
  order_.erase(found->second.place);
  entries_.erase(found);
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
