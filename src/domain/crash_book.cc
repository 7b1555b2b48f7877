#include "domain/crash_book.h"

#include <algorithm>

namespace paastech {

std::int64_t restart_delay_ms(int crashes) {
  std::int64_t delay = kFirstRestartMs;
  for (int i = 1; i < crashes && delay < kLongestRestartMs; ++i) delay *= 2;
  return std::min(delay, kLongestRestartMs);
}

const Crash& CrashBook::note(const InstanceName& name, std::string reason, std::int64_t now_ms) {
  Crash& crash = crashes_[name];
  if (crash.count > 0 && now_ms < crash.due_ms) return crash;
  if (crash.well_ms > 0 && now_ms - crash.well_ms >= kWellMs) crash.count = 0;
  ++crash.count;
  crash.at_ms = now_ms;
  crash.due_ms = now_ms + restart_delay_ms(crash.count);
  crash.well_ms = 0;
  crash.reason = std::move(reason);
  return crash;
}

void CrashBook::well(const InstanceName& name, std::int64_t now_ms) {
  const auto found = crashes_.find(name);
  if (found != crashes_.end() && found->second.well_ms == 0) found->second.well_ms = now_ms;
}

void CrashBook::keep_only(const std::map<GroupKey, int>& groups, std::int64_t now_ms) {
  std::erase_if(crashes_, [&](const auto& entry) {
    const auto& [name, crash] = entry;
    const auto group = groups.find({name.deployment, name.process});
    const bool gone = group == groups.end() || name.index >= group->second;
    return gone || (crash.well_ms > 0 && now_ms - crash.well_ms >= kWellMs);
  });
}

std::set<InstanceName> CrashBook::waiting(std::int64_t now_ms) const {
  std::set<InstanceName> names;
  for (const auto& [name, crash] : crashes_)
    if (crash.well_ms == 0 && now_ms < crash.due_ms) names.insert(name);
  return names;
}

std::set<InstanceName> CrashBook::unverified(std::int64_t now_ms) const {
  std::set<InstanceName> names;
  for (const auto& [name, crash] : crashes_)
    if (crash.well_ms == 0 && now_ms >= crash.due_ms) names.insert(name);
  return names;
}

std::optional<std::int64_t> CrashBook::next_due(std::int64_t now_ms) const {
  std::optional<std::int64_t> due;
  for (const auto& [name, crash] : crashes_)
    if (crash.well_ms == 0 && crash.due_ms > now_ms && (!due || crash.due_ms < *due)) due = crash.due_ms;
  return due;
}

}  // namespace paastech
