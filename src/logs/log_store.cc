#include "logs/log_store.h"

#include <algorithm>

#include "base/ids.h"

namespace paastech::logs {
namespace {
constexpr std::size_t kRemembered = 1'000;  // removed Projects
}

bool LogStore::is_removed(const std::string& id) const { return std::ranges::find(removed_, id) != removed_.end(); }

std::shared_ptr<ProjectLog> LogStore::project(const std::string& id) {
  if (!is_uuid(id)) return nullptr;
  const std::scoped_lock lock(mutex_);
  const auto found = open_.find(id);
  if (found != open_.end()) {
    by_use_.splice(by_use_.begin(), by_use_, found->second.place);
    return found->second.log;
  }
  if (is_removed(id)) return nullptr;
  close_some();
  by_use_.push_front(id);
  auto log = std::make_shared<ProjectLog>(root_ / id / "lines", limits_);
  open_.emplace(id, Open{log, by_use_.begin()});
  return log;
}

// Only what nobody holds: two of one Project would write over each other.
void LogStore::close_some() {
  for (auto at = by_use_.end(); open_.size() >= limits_.open_projects && at != by_use_.begin();) {
    --at;
    const auto found = open_.find(*at);
    if (found->second.log.use_count() > 1) continue;
    open_.erase(found);
    at = by_use_.erase(at);
  }
}

void LogStore::remove(const std::string& id) {
  if (!is_uuid(id)) return;
  std::shared_ptr<ProjectLog> log = project(id);
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = open_.find(id); found != open_.end()) {
      by_use_.erase(found->second.place);
      open_.erase(found);
    }
    if (!is_removed(id)) removed_.push_back(id);
    if (removed_.size() > kRemembered) removed_.pop_front();
  }
  if (!log) log = std::make_shared<ProjectLog>(root_ / id / "lines", limits_);
  log->remove();
}

void LogStore::expire(std::int64_t now_ms) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(root_, error)) {
    const std::vector<LogSegment> segments = list_segments(entry.path() / "lines");
    if (segments.empty() || now_ms - segments.front().written_ms < limits_.age_ms) continue;
    if (const auto log = project(entry.path().filename().string())) log->expire(now_ms);
  }
}

std::vector<std::string> LogStore::open_projects() const {
  const std::scoped_lock lock(mutex_);
  return {by_use_.begin(), by_use_.end()};
}

}  // namespace paastech::logs
