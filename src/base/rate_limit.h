#pragma once
// At most `limit` failures a window for each key, in memory and bounded. Thread: the control-plane loop.
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <string>
#include <unordered_map>

#include "base/clock.h"

namespace paastech {

class RateLimit {
 public:
  RateLimit(const Clock& clock, std::size_t limit, std::int64_t window_ms, std::size_t max_keys = 10'000)
      : clock_(clock), limit_(limit), window_ms_(window_ms), max_keys_(max_keys) {}
  // 0: admitted and counted; else the milliseconds until the next may come, and nothing is counted.
  std::int64_t admit(const std::string& key);
  std::int64_t wait(const std::string& key) const;  // what admit() would answer, without counting
  void take_back(const std::string& key);           // the attempt succeeded, so it does not count
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::deque<std::int64_t> times;
    std::list<std::string>::iterator place;
  };
  const Clock& clock_;
  std::size_t limit_;
  std::int64_t window_ms_;
  std::size_t max_keys_;
  std::unordered_map<std::string, Entry> entries_;
  std::list<std::string> order_;  // least recently tried first: forgotten first where there are too many keys
};

// What counts as one address: an IPv4 address, or the /64 of an IPv6 one, for one customer has that many (RFC 6177).
std::string address_key(const std::string& peer);

}  // namespace paastech
