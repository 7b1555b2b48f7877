#include "controller/metrics_collector.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "store/projects.h"

namespace paastech::controller {
namespace {

using namespace std::chrono_literals;
namespace engine = paastech::pomegranate::v1;
namespace router = paastech::router::v1;

constexpr std::int64_t kPeriodMs = metrics::kFineSeconds * 1000;
// Together no more than a period, so that a slow neighbour costs its own figures and not those of the next round.
constexpr auto kStatsPatience = 6s;
constexpr auto kListPatience = 3s;
constexpr auto kRouterPatience = 1s;
constexpr int kRoundsAMinute = 6;
constexpr std::int64_t kWeekSeconds = metrics::kCoarseCount * metrics::kCoarseSeconds;

template <class Key, class Of>
Key key_of(const Of& of) {
  return {of.project(), of.process(), of.deployment(), of.index()};
}

metrics::IngressVisits visits_of(const router::StatisticsReply& reply) {
  metrics::IngressVisits out;
  for (const router::HostStatistics& host : reply.hosts()) {
    metrics::Visits& visits = out[host.project()];
    visits.failed = host.failed();
    visits.received_bytes = host.received_bytes();
    visits.sent_bytes = host.sent_bytes();
    visits.latency_us = host.latency_us();
    const auto copy = [](const auto& from, auto& to) {
      std::copy_n(from.begin(), std::min(static_cast<std::size_t>(from.size()), to.size()), to.begin());
    };
    copy(host.by_class(), visits.by_class);
    copy(host.by_latency(), visits.by_latency);
  }
  return out;
}

}  // namespace

void MetricsCollector::start() { tasks_.spawn("metrics", run()); }

// A round at each full 10 s of the clock, so that every slot has one.
net::Task<void> MetricsCollector::run() {
  while (true) {
    const std::chrono::milliseconds rest(kPeriodMs - sources_.clock.now_ms() % kPeriodMs);
    const Status slept = co_await net::sleep_for(rest);
    if (!slept) co_return;
    co_await collect();
    if (rounds_ % kRoundsAMinute == 0) co_await sweep();
  }
}

net::Task<void> MetricsCollector::collect() {
  metrics::Round round;
  round.at_ms = sources_.clock.steady_ms();
  round.wall_ms = sources_.clock.now_ms();
  round.slot = (round.wall_ms + kPeriodMs / 2) / kPeriodMs - 1;  // a timer is late by a little, or early by less
  std::optional<std::vector<metrics::IngressVisits>> ingresses = co_await read_ingresses();
  std::optional<metrics::Instances> instances = co_await read_instances();
  // Of all Instances, to ask whether one has started is dear: done once a minute, and where the figures say so.
  const bool ask = instances && (rounds_ % kRoundsAMinute == 0 || ledger_.starts_may_differ(*instances));
  if (ask) {
    std::optional<metrics::Starts> starts = co_await read_starts();
    round.starts = std::move(starts);
  }
  ++rounds_;
  round.ingresses = std::move(ingresses);
  round.instances = std::move(instances);
  const std::int64_t slot = round.slot;
  std::vector<metrics::Entry> entries = ledger_.take(std::move(round));
  co_await write(std::move(entries));
  last_slot_ = slot;
}

net::Task<std::optional<metrics::Instances>> MetricsCollector::read_instances() {
  const std::string all;
  Result<engine::StatsReply> reply = co_await sources_.engine.stats(all, kStatsPatience);
  if (!reply) co_return std::nullopt;
  metrics::Instances out;
  for (const engine::InstanceStats& stats : reply->instances()) {
    metrics::InstanceFigures& figures = out[key_of<metrics::InstanceKey>(stats)];
    figures.cpu_ns = stats.cpu_ns();
    figures.received_bytes = stats.network_received_bytes();
    figures.sent_bytes = stats.network_sent_bytes();
    figures.memory_bytes = stats.memory_bytes();
    figures.memory_limit_bytes = stats.memory_limit_bytes();
  }
  co_return out;
}

net::Task<std::optional<metrics::Starts>> MetricsCollector::read_starts() {
  const std::string all;
  Result<engine::ListReply> reply = co_await sources_.engine.list(all, kListPatience);
  if (!reply) co_return std::nullopt;
  metrics::Starts out;
  for (const engine::Instance& instance : reply->instances())
    out[key_of<metrics::InstanceKey>(instance)] = {instance.started_at_ms(), instance.restarts()};
  co_return out;
}

net::Task<std::optional<std::vector<metrics::IngressVisits>>> MetricsCollector::read_ingresses() {
  std::vector<metrics::IngressVisits> out;
  for (IngressReports* ingress : sources_.ingresses) {
    Result<router::StatisticsReply> reply = co_await ingress->statistics(kRouterPatience);
    if (!reply) co_return std::nullopt;
    out.push_back(visits_of(*reply));
  }
  co_return out;
}

net::Task<void> MetricsCollector::write(std::vector<metrics::Entry> entries) {
  auto job = [history = history_, entries = std::move(entries)]() -> Status {
    Status outcome;
    for (const metrics::Entry& entry : entries)
      if (Status added = history.add(entry.key.project, entry.key.process, entry.sample); !added && outcome)
        outcome = std::move(added);
    return outcome;
  };
  const Status written = co_await files_.run(std::move(job));
  if (!written && !write_failed_)
    spdlog::warn("metrics: {}; the figures of this time are lost", written.error().message);
  if (written && write_failed_) spdlog::info("metrics: figures are kept again");
  write_failed_ = !written.has_value();
}

net::Task<void> MetricsCollector::sweep() {
  auto list = [history = history_] {
    history.sweep(kWeekSeconds);
    return history.projects();
  };
  const std::vector<std::string> projects = co_await files_.run(std::move(list));
  auto find_gone = [projects](store::Tx& tx) -> Result<std::vector<std::string>> {
    std::vector<std::string> gone;
    for (const std::string& project : projects) {
      const Result<store::ProjectRow> row = store::find_project(tx, project);
      if (row) continue;
      if (row.error().code != Code::kNotFound) return std::unexpected(row.error());
      gone.push_back(project);
    }
    return gone;
  };
  const Result<std::vector<std::string>> gone = co_await sources_.database.read(std::move(find_gone));
  if (!gone || gone->empty()) co_return;
  auto remove = [history = history_, gone = *gone] {
    for (const std::string& project : gone) history.remove(project);
    return true;
  };
  [[maybe_unused]] const bool done = co_await files_.run(std::move(remove));
}

}  // namespace paastech::controller
