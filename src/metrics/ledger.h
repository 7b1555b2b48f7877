#pragma once
// From figures that grow to what came in each period. Takes what the Engine and the ingresses say every 10 s and gives
// the samples of every Process that runs, or ran within the last hour; keeps the sums since its own start, for
// Prometheus. Pure: no I/O, time is given. Thread: its owner's.
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "metrics/sample.h"

namespace paastech::metrics {

inline constexpr std::string_view kTakesRequests = "web";  // the Process that visitors reach (domain/process.h)

struct InstanceKey {
  std::string project;
  std::string process;
  std::int64_t deployment = 0;
  int index = 0;
  auto operator<=>(const InstanceKey&) const = default;
};

// Of a running Instance. The first three grow from its start on.
struct InstanceFigures {
  std::int64_t cpu_ns = 0;
  std::int64_t received_bytes = 0;
  std::int64_t sent_bytes = 0;
  std::int64_t memory_bytes = 0;
  std::int64_t memory_limit_bytes = 0;
};
using Instances = std::map<InstanceKey, InstanceFigures>;

// When an Instance started, and how often the Engine has brought it back: a change is a restart.
struct Start {
  std::int64_t at_ms = 0;
  std::int64_t restarts = 0;
};
using Starts = std::map<InstanceKey, Start>;

// Of a Project, as one ingress counts; all grow from the ingress' start on.
struct Visits {
  std::int64_t failed = 0;
  std::int64_t received_bytes = 0;
  std::int64_t sent_bytes = 0;
  std::int64_t latency_us = 0;
  std::array<std::int64_t, 5> by_class = {};
  std::array<std::int64_t, kLatencyBuckets> by_latency = {};
};
using IngressVisits = std::map<std::string, Visits>;  // by Project; one that is not there was never asked for

// What a growing figure gained: what it began anew with, where it is smaller than before.
std::int64_t gain(std::int64_t before, std::int64_t now);

struct ProcessKey {
  std::string project;
  std::string process;
  auto operator<=>(const ProcessKey&) const = default;
};

// What a Process used and got since the ledger began, and what it has now.
struct Totals {
  std::int64_t instances = 0;
  std::int64_t memory_bytes = 0;
  std::int64_t memory_limit_bytes = 0;
  std::int64_t cpu_ns = 0;
  std::int64_t received_bytes = 0;
  std::int64_t sent_bytes = 0;
  std::int64_t restarts = 0;
  Visits visits = {};  // of the Process that takes requests
};

struct Round {
  std::int64_t at_ms = 0;    // of a clock that is never moved (Clock::steady_ms)
  std::int64_t wall_ms = 0;  // of the time of day, which the starts are in too
  std::int64_t slot = 0;
  std::optional<Instances> instances = {};  // none: the Engine did not answer
  std::optional<Starts> starts = {};        // none: not asked in this round
  // By the ingress' number; none: at least one did not answer. A sum that lacks a share would be wrong.
  std::optional<std::vector<IngressVisits>> ingresses = {};
};

struct Entry {
  ProcessKey key;
  Sample sample;
};

class Ledger {
 public:
  // Every entry is of this round's slot and knows something.
  std::vector<Entry> take(Round round);
  // Whether the round's starts would say something new: an Instance came, went or began anew.
  bool starts_may_differ(const Instances& instances) const;
  const std::map<ProcessKey, Totals>& totals() const { return totals_; }
  bool engine_answers() const { return engine_answers_; }

 private:
  using Samples = std::map<ProcessKey, Sample>;
  struct Reading {
    InstanceFigures figures;
    std::int64_t at_ms = 0;
  };
  void take_instances(const Round& round, Samples& samples);
  InstanceFigures before(const Round& round, const InstanceKey& key, const InstanceFigures& now) const;
  void take_starts(const Starts& starts, Samples& samples);
  void take_visits(Round& round, Samples& samples);
  void add_visits(const std::string& project, const Visits& before, const Visits& now, Sample& sample);
  void note_running(const Instances& instances, std::int64_t at_ms);

  std::map<ProcessKey, Totals> totals_;
  std::map<ProcessKey, std::int64_t> last_ran_ms_;
  std::map<InstanceKey, Reading> readings_;      // of the last hour
  std::optional<std::int64_t> instances_at_ms_;  // when the Engine last answered
  std::int64_t instances_wall_ms_ = 0;           // the same by the time of day
  bool engine_answers_ = false;
  Starts starts_;
  bool starts_known_ = false;
  std::optional<std::vector<IngressVisits>> ingresses_;  // of the last round in which all answered
  std::int64_t ingresses_at_ms_ = 0;
};

}  // namespace paastech::metrics
