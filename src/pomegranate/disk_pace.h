#pragma once
// When it is worth the walk to look how much containers have written: once the disk has less room by a step than it had
// at most since the last look, and at times in any case, for somebody else may have made room meanwhile; but never so
// often that the looking itself takes more than a twentieth of the time. Pure: times are handed in, of a steady clock.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace paastech::pomegranate {

class DiskPace {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::int64_t kStepBytes = 64LL << 20;
  static constexpr std::chrono::seconds kLongest{10};
  static constexpr int kShare = 20;

  // free_bytes: of the file system that holds the containers; 0: not known, as of an Engine on another machine.
  bool due(std::int64_t free_bytes, Time now) {
    most_free_ = std::max(most_free_, free_bytes);
    if (!ended_) return true;
    if (now < rested_) return false;
    return now - *ended_ >= kLongest || most_free_ - free_bytes >= kStepBytes;
  }
  void looked(std::int64_t free_bytes, Time began, Time ended) {
    most_free_ = free_bytes;
    ended_ = ended;
    rested_ = ended + (ended - began) * (kShare - 1);
  }

 private:
  std::int64_t most_free_ = 0;
  std::optional<Time> ended_ = {};
  Time rested_ = {};
};

}  // namespace paastech::pomegranate
