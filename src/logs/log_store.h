#pragma once
// The lines of all Projects, of which the last used are open. Thread: any; the calls block, see project_log.h.
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "logs/project_log.h"

namespace paastech::logs {

class LogStore {
 public:
  explicit LogStore(const std::filesystem::path& home, LogLimits limits = {}) : root_(home / "logs"), limits_(limits) {}
  // Of a Project by its uuid. Null: it was removed, or this is no uuid. Not to be held on to for long: as long as it
  // is, it stays open.
  std::shared_ptr<ProjectLog> project(const std::string& id);
  // Its lines and its place go for good; what still comes for it is not kept.
  void remove(const std::string& id);
  // What has become too old goes, of all Projects.
  void expire(std::int64_t now_ms);
  std::vector<std::string> open_projects() const;

 private:
  struct Open {
    std::shared_ptr<ProjectLog> log;
    std::list<std::string>::iterator place;
  };
  bool is_removed(const std::string& id) const;
  void close_some();

  std::filesystem::path root_;
  LogLimits limits_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Open> open_;
  std::list<std::string> by_use_;   // last used first
  std::list<std::string> removed_;  // the last ones: their Instances may still have something to say
};

}  // namespace paastech::logs
