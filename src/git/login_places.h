#pragma once
// The places of connections that have not authenticated yet: so many in all, a quarter of them from one address (of
// IPv6: from one /64, which is what a single host has), so that nobody shuts out the others. Thread: its owner's lock.
#include <algorithm>
#include <map>
#include <string>

#include "base/rate_limit.h"

namespace paastech::git {

class LoginPlaces {
 public:
  explicit LoginPlaces(int limit) : limit_(limit) {}
  // False: no place is free for it.
  bool enter(const std::string& peer) {
    int& held = by_address_[address_key(peer)];
    const bool free = taken_ < limit_ && held < std::max(1, limit_ / 4);
    if (free) {
      ++held;
      ++taken_;
    } else if (held == 0) {
      by_address_.erase(address_key(peer));
    }
    return free;
  }
  // Of one that entered.
  void leave(const std::string& peer) {
    --taken_;
    const auto held = by_address_.find(address_key(peer));
    if (--held->second == 0) by_address_.erase(held);
  }

 private:
  const int limit_;
  int taken_ = 0;
  std::map<std::string, int> by_address_;
};

}  // namespace paastech::git
