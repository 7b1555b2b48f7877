#pragma once
// The log store from coroutines: lines are appended on one thread of its own and read on two others, so that neither
// the loop nor the database waits for a file; and whoever follows a Project is told when there are new ones. Thread:
// the control-plane loop. Owned by the wiring; outlives gatherer, controller and API.
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "logs/log_store.h"
#include "net/task.h"
#include "pomegranate.pb.h"

namespace paastech::controller {

namespace engine = paastech::pomegranate::v1;

// Of one Project. Whoever reads notes the version before, and waits only where it is the same afterwards.
struct LogNews {
  explicit LogNews(net::Executor executor) : changed(std::move(executor)) {}
  std::uint64_t version = 0;
  net::Notifier changed;
};

class LogBook {
 public:
  LogBook(net::TaskGroup& tasks, logs::LogStore& store, const Clock& clock)
      : tasks_(tasks), store_(store), clock_(clock) {}

  // What an Instance has printed; done once it is kept, or was dropped (logs/project_log.h).
  net::Task<void> append(engine::LogBatch batch);
  // Lines of ours, of a Deployment; process: build, release or platform. They are kept soon, in the order of the calls.
  void add(const std::string& project, std::int64_t deployment, std::string_view process, std::string_view lines);
  // How far the Instances that there are were read, by Project. Remembers which are gone.
  using Present = std::map<std::string, std::set<std::string>>;
  net::Task<std::map<std::string, logs::LogCursor>> cursors(Present present);
  // Drops what is too old, and notes which Instances there are.
  net::Task<void> keep_house(Present present);
  // Its lines go and none is kept any more.
  net::Task<void> remove(std::string project);

  std::shared_ptr<LogNews> news(const std::string& project);
  // Runs job(log) on a reader's thread; log is a logs::ProjectLog*, null where the Project was removed.
  template <class F>
  net::Task<std::invoke_result_t<F&, logs::ProjectLog*>> read(std::string project, F job) {
    auto work = [this, project = std::move(project), job = std::move(job)]() mutable {
      const std::shared_ptr<logs::ProjectLog> log = store_.project(project);
      return job(log.get());
    };
    auto result = co_await reads_.run(std::move(work));
    co_return result;
  }

 private:
  struct Pending {
    std::string project;
    std::int64_t deployment = 0;
    std::string process;
    std::string lines;
    std::int64_t at_ms = 0;
  };
  net::Task<void> write_pending();
  void tell(const std::string& project);

  net::TaskGroup& tasks_;
  logs::LogStore& store_;
  const Clock& clock_;
  net::BlockingPool appends_{1};
  net::BlockingPool reads_{2};
  std::unordered_map<std::string, std::weak_ptr<LogNews>> news_;
  std::size_t purge_at_ = 64;  // entries of news_
  std::vector<Pending> pending_;
  std::size_t pending_bytes_ = 0;
  bool writing_ = false;
};

}  // namespace paastech::controller
