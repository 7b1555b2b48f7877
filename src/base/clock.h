#pragma once
// Time is injected: what depends on it takes a Clock, and tests move a fake one by hand.
#include <chrono>
#include <cstdint>
#include <string>

namespace paastech {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::int64_t now_ms() const = 0;  // milliseconds since 1970, UTC
  // Never goes back and knows nothing of the time of day: for how long ago something was. A clock that is moved by hand
  // is moved as a whole.
  virtual std::int64_t steady_ms() const { return now_ms(); }
};

class SystemClock final : public Clock {
 public:
  std::int64_t now_ms() const override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  std::int64_t steady_ms() const override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
};

std::string rfc3339(std::int64_t ms);  // "2026-01-31T12:00:00.123Z"

}  // namespace paastech
