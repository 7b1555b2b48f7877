#pragma once
// Which Instances ended by themselves, how often, and when each starts again: after 1 s the first time, twice as long
// each time that follows, at most 5 minutes; forgotten once it was well for 10 minutes. Pure: times are handed in, in
// milliseconds of a steady clock. In memory only: a controller that starts anew begins with 1 s again.
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "domain/plan.h"

namespace paastech {

inline constexpr std::int64_t kFirstRestartMs = 1'000;
inline constexpr std::int64_t kLongestRestartMs = 300'000;
inline constexpr std::int64_t kWellMs = 600'000;

std::int64_t restart_delay_ms(int crashes);  // crashes: 1 or more

struct Crash {
  int count = 0;             // in a row
  std::int64_t at_ms = 0;    // the last one
  std::int64_t due_ms = 0;   // when it starts again
  std::int64_t well_ms = 0;  // since when it is well again; 0: it is not
  std::string reason = {};   // "exit code 1", "out of memory (limit 512 MiB)" …, for people
};

class CrashBook {
 public:
  // Of one Project. What ends again before it was seen to be well, and was due, counts anew; an end while it waits does
  // not, for it was ended then.
  const Crash& note(const InstanceName& name, std::string reason, std::int64_t now_ms);
  void well(const InstanceName& name, std::int64_t now_ms);
  // Forgets Instances of other groups, and those that were well for long.
  void keep_only(const std::map<GroupKey, int>& groups, std::int64_t now_ms);
  std::set<InstanceName> waiting(std::int64_t now_ms) const;
  std::set<InstanceName> unverified(std::int64_t now_ms) const;
  std::optional<std::int64_t> next_due(std::int64_t now_ms) const;  // the earliest that is still to come
  const std::map<InstanceName, Crash>& all() const { return crashes_; }
  bool empty() const { return crashes_.empty(); }

 private:
  std::map<InstanceName, Crash> crashes_;
};

}  // namespace paastech
