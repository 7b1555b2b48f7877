// What an Application uses and gets: the moment's figures, and the last hour's and week's for charts.
#include <cmath>

#include "api/route.h"
#include "api/text_out.h"
#include "api/views.h"
#include "controller/metrics_collector.h"

namespace paastech::api {
namespace {

using namespace std::chrono_literals;
using metrics::Range;
using metrics::Sample;

constexpr std::int64_t kMoment = 6;     // samples of 10 s that the moment's figures are of: a minute
constexpr std::int64_t kLateSlots = 2;  // what the newest sample may be behind the clock

// Three decimals: what is finer is noise.
boost::json::value rounded(std::optional<double> value) {
  if (!value) return nullptr;
  return std::round(*value * 1000) / 1000;
}

boost::json::value milli(std::uint32_t thousandths, std::uint32_t covered_ms) {
  if (covered_ms == 0) return nullptr;
  return static_cast<double>(thousandths) / 1000;
}

boost::json::value whole(std::int64_t value, std::uint32_t covered_ms) {
  if (covered_ms == 0) return nullptr;
  return value;
}

// The newest period of 10 s that there may be figures of.
std::int64_t newest_slot(const Context& context) {
  const std::int64_t ended = context.clock.now_ms() / (metrics::kFineSeconds * 1000) - 1;
  const std::int64_t last = context.metrics ? context.metrics->last_slot() : 0;
  return std::clamp(last, ended - kLateSlots, ended);
}

boost::json::object instance_json(const engine::InstanceStats& stats) {
  return {{"name", safe_line(stats.name())},
          {"deployment", stats.deployment()},
          {"cpu_percent", stats.cpu_percent()},
          {"memory_bytes", stats.memory_bytes()},
          {"memory_limit_bytes", stats.memory_limit_bytes()},
          {"network_received_bytes", stats.network_received_bytes()},
          {"network_sent_bytes", stats.network_sent_bytes()},
          {"processes", stats.processes()}};
}

// minute and hour: what is known of them.
boost::json::object process_json(const std::string& name, const metrics::Totals& totals, const Sample& minute,
                                 const Sample& hour) {
  std::optional<double> percent = minute.cpus();
  if (percent) *percent *= 100;
  return {{"name", name},
          {"instances", totals.instances},
          {"cpu_percent", rounded(percent)},
          {"memory_bytes", totals.memory_bytes},
          {"memory_limit_bytes", totals.memory_limit_bytes},
          {"requests_per_second", rounded(minute.requests_per_second(minute.requests()))},
          {"errors_per_second", rounded(minute.requests_per_second(minute.by_class[4]))},
          {"latency_p50_ms", rounded(metrics::quantile_ms(minute.by_latency, 0.5))},
          {"latency_p99_ms", rounded(metrics::quantile_ms(minute.by_latency, 0.99))},
          {"restarts", hour.restarts}};
}

net::Task<boost::json::array> show_processes(CallPtr call) {
  Context& context = call->context();
  boost::json::array list;
  if (!context.metrics) co_return list;
  using Found = std::pair<std::string, metrics::Totals>;
  std::vector<Found> found;
  const auto& all = context.metrics->ledger().totals();
  for (auto it = all.lower_bound({call->project.id, ""}); it != all.end() && it->first.project == call->project.id;
       ++it)
    found.emplace_back(it->first.process, it->second);
  const std::int64_t first = newest_slot(context) - metrics::kFineCount + 1;
  auto read = [history = context.metrics->history(), project = call->project.id, found, first] {
    std::vector<std::vector<Sample>> hours;
    hours.reserve(found.size());
    for (const Found& each : found)
      hours.push_back(history.read(project, each.first, Range::kHour, first, metrics::kFineCount));
    return hours;
  };
  const std::vector<std::vector<Sample>> hours = co_await context.database.beside(std::move(read));
  for (std::size_t i = 0; i < found.size(); ++i) {
    const std::span<const Sample> hour(hours[i]);
    list.push_back(process_json(found[i].first, found[i].second, metrics::aggregate(hour.last(kMoment), first),
                                metrics::aggregate(hour, first)));
  }
  co_return list;
}

net::Task<Result<Answer>> show_stats(CallPtr call) {
  CO_TRY_ASSIGN(engine::StatsReply reply, co_await call->context().engine.stats(call->project.id, 15s));
  boost::json::array list;
  for (const engine::InstanceStats& stats : reply.instances()) list.push_back(instance_json(stats));
  boost::json::array processes = co_await show_processes(call);
  boost::json::object out = items(std::move(list));
  out["processes"] = std::move(processes);
  co_return json_answer(200, out);
}

// A column for each figure, as charts take them.
boost::json::object columns(const std::vector<Sample>& samples) {
  boost::json::object out;
  const auto add = [&](std::string_view name, auto value) {
    boost::json::array column;
    column.reserve(samples.size());
    for (const Sample& sample : samples) column.push_back(value(sample));
    out[name] = std::move(column);
  };
  add("instances", [](const Sample& s) { return milli(s.milli_instances, s.engine_ms); });
  add("restarts", [](const Sample& s) { return whole(s.restarts, s.engine_ms); });
  add("cpus", [](const Sample& s) { return rounded(s.cpus()); });
  add("peak_cpus", [](const Sample& s) { return milli(s.peak_milli_cpus, s.engine_ms); });
  add("memory_bytes", [](const Sample& s) { return whole(s.memory_bytes, s.engine_ms); });
  add("peak_memory_bytes", [](const Sample& s) { return whole(s.peak_memory_bytes, s.engine_ms); });
  add("memory_limit_bytes", [](const Sample& s) { return whole(s.memory_limit_bytes, s.engine_ms); });
  add("received_bytes_per_second", [](const Sample& s) { return rounded(s.per_second(s.received_bytes)); });
  add("sent_bytes_per_second", [](const Sample& s) { return rounded(s.per_second(s.sent_bytes)); });
  add("requests_per_second", [](const Sample& s) { return rounded(s.requests_per_second(s.requests())); });
  for (std::size_t i = 0; i < 5; ++i)
    add("status_" + std::to_string(i + 1) + "xx_per_second",
        [i](const Sample& s) { return rounded(s.requests_per_second(s.by_class[i])); });
  add("ingress_errors_per_second", [](const Sample& s) { return rounded(s.requests_per_second(s.failed)); });
  for (const auto& [name, q] : {std::pair{"latency_p50_ms", 0.5}, {"latency_p90_ms", 0.9}, {"latency_p99_ms", 0.99}})
    add(name, [q](const Sample& s) { return rounded(metrics::quantile_ms(s.by_latency, q)); });
  return out;
}

struct Chart {
  std::vector<std::string> processes = {};
  std::vector<Sample> samples = {};
};

net::Task<Result<Answer>> show_series(CallPtr call) {
  Context& context = call->context();
  if (!context.metrics) co_return fail(Code::kUnavailable, "this Service keeps no metrics");
  const Range range = call->query.text("range") == "week" ? Range::kWeek : Range::kHour;
  const std::string process = call->query.has("process") ? call->query.text("process") : "web";
  const std::int64_t newest = newest_slot(context);
  const std::int64_t last = range == Range::kWeek ? newest / metrics::kFineInCoarse : newest;
  const std::int64_t first = last - metrics::count_of(range) + 1;
  auto read = [history = context.metrics->history(), project = call->project.id, process, range, first] {
    return Chart{history.processes(project), history.read(project, process, range, first, metrics::count_of(range))};
  };
  const Chart chart = co_await context.database.beside(std::move(read));
  boost::json::object out;
  out["process"] = process;
  out["processes"] = boost::json::array(chart.processes.begin(), chart.processes.end());
  out["resolution_seconds"] = metrics::seconds_of(range);
  out["from"] = rfc3339(first * metrics::seconds_of(range) * 1000);
  out["series"] = columns(chart.samples);
  co_return json_answer(200, out);
}

}  // namespace

void add_stats_routes(std::vector<Route>& routes) {
  routes.push_back({{"GET", "/api/v1/projects/{project}/stats", Permission::kProjectRead}, show_stats});
  routes.push_back({{"GET", "/api/v1/projects/{project}/metrics", Permission::kProjectRead},
                    show_series,
                    BodyKind::kNone,
                    {"range", "process"}});
}

}  // namespace paastech::api
