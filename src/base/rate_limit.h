#pragma once
// How often something may be done for each key, in memory and bounded. Thread: the control-plane loop.
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "base/clock.h"
#include "base/recent_keys.h"

namespace paastech {

// Few: at most `limit` failures a window.
class RateLimit {
 public:
  RateLimit(const Clock& clock, std::size_t limit, std::int64_t window_ms, std::size_t max_keys = 10'000)
      : clock_(clock), limit_(limit), window_ms_(window_ms), times_(max_keys) {}
  // 0: admitted and counted; else the milliseconds until the next may come, and nothing is counted.
  std::int64_t admit(const std::string& key);
  std::int64_t wait(const std::string& key) const;  // what admit() would answer, without counting
  void take_back(const std::string& key);           // the attempt succeeded, so it does not count
  std::size_t size() const { return times_.size(); }

 private:
  const Clock& clock_;
  std::size_t limit_;
  std::int64_t window_ms_;
  RecentKeys<std::deque<std::int64_t>> times_;
};

// Many: `per_minute` evenly spread, and as many at once after a minute's rest; so within any minute at most twice as
// many. A key costs some 250 bytes, whatever the rate is. 0: no limit.
class RequestRate {
 public:
  RequestRate(const Clock& clock, std::int64_t per_minute, std::size_t max_keys = 10'000)
      : clock_(clock), per_minute_(per_minute), due_ns_(max_keys) {}
  // 0: admitted and counted; else the milliseconds until the next may come, and nothing is counted.
  std::int64_t admit(const std::string& key);
  std::int64_t per_minute() const { return per_minute_; }
  std::size_t size() const { return due_ns_.size(); }

 private:
  const Clock& clock_;
  std::int64_t per_minute_;
  // When all that was admitted would have come, evenly spread (ITU-T I.371's virtual scheduling); by the steady clock.
  RecentKeys<std::int64_t> due_ns_;
};

// What counts as one address: an IPv4 address, or the /64 of an IPv6 one, for one customer has that many (RFC 6177).
std::string address_key(const std::string& peer);

}  // namespace paastech
