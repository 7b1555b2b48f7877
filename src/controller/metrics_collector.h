#pragma once
// Asks the Engine and the ingresses every 10 s what they count, and keeps what comes of it: the history on the disk,
// and the sums in memory for /metrics. Who is away makes gaps. Only what runs, or ran within the last hour, is written
// of, so the cost is that of the running Projects, however many there are; what nothing was written to for a week, and
// what belongs to no Project any more, is removed within a minute. Owner: the api role. Thread: the control-plane loop;
// files are written on a thread of its own.
#include <vector>

#include "base/clock.h"
#include "controller/database_access.h"
#include "controller/reports.h"
#include "metrics/history.h"
#include "metrics/ledger.h"

namespace paastech::controller {

class MetricsCollector {
 public:
  struct Sources {
    EngineReports& engine;
    std::vector<IngressReports*> ingresses;
    DatabaseAccess& database;  // says which Projects there are
    const Clock& clock;
  };
  MetricsCollector(net::TaskGroup& tasks, Sources sources, metrics::History history)
      : tasks_(tasks), sources_(std::move(sources)), history_(std::move(history)) {}
  void start();
  // One round, of the 10 s that end about now.
  net::Task<void> collect();
  // Removes the history of what is gone.
  net::Task<void> sweep();

  const metrics::Ledger& ledger() const { return ledger_; }
  const metrics::History& history() const { return history_; }
  std::int64_t last_slot() const { return last_slot_; }  // of 10 s, that was written last; 0: none yet

 private:
  net::Task<void> run();
  net::Task<std::optional<metrics::Instances>> read_instances();
  net::Task<std::optional<metrics::Starts>> read_starts();
  net::Task<std::optional<std::vector<metrics::IngressVisits>>> read_ingresses();
  net::Task<void> write(std::vector<metrics::Entry> entries);

  net::TaskGroup& tasks_;
  Sources sources_;
  metrics::History history_;
  metrics::Ledger ledger_;
  int rounds_ = 0;
  std::int64_t last_slot_ = 0;
  bool write_failed_ = false;  // said once
  net::BlockingPool files_{1};
};

}  // namespace paastech::controller
