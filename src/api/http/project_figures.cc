#include "api/http/project_figures.h"

#include <array>
#include <functional>
#include <limits>

namespace paastech::api {
namespace {

using metrics::Totals;
using prometheus::MetricFamily;
using prometheus::MetricType;

// _count, _sum and the cumulative buckets, in seconds (Prometheus' documentation, "Exposition formats").
prometheus::ClientMetric::Histogram histogram_of(const metrics::Visits& visits) {
  prometheus::ClientMetric::Histogram out;
  for (std::size_t i = 0; i < metrics::kLatencyBuckets; ++i) {
    out.sample_count += static_cast<std::uint64_t>(visits.by_latency[i]);
    const bool last = i + 1 == metrics::kLatencyBuckets;
    out.bucket.push_back(
        {out.sample_count, last ? std::numeric_limits<double>::infinity() : metrics::latency_bound_ms(i) / 1000});
  }
  out.sample_sum = static_cast<double>(visits.latency_us) / 1e6;
  return out;
}

struct Column {
  MetricFamily family;
  std::function<double(const Totals&)> value;
};

// What every Process has.
std::array<Column, 7> process_columns() {
  const auto number = [](auto member) { return [member](const Totals& t) { return static_cast<double>(t.*member); }; };
  const auto seconds = [](const Totals& t) { return static_cast<double>(t.cpu_ns) / 1e9; };
  return {Column{family("paastech_app_instances", "Running Instances", MetricType::Gauge), number(&Totals::instances)},
          Column{family("paastech_app_cpu_seconds_total", "CPU used", MetricType::Counter), seconds},
          Column{family("paastech_app_memory_bytes", "Memory used", MetricType::Gauge), number(&Totals::memory_bytes)},
          Column{family("paastech_app_memory_limit_bytes", "Memory that may be used", MetricType::Gauge),
                 number(&Totals::memory_limit_bytes)},
          Column{family("paastech_app_network_received_bytes_total", "Bytes received", MetricType::Counter),
                 number(&Totals::received_bytes)},
          Column{family("paastech_app_network_sent_bytes_total", "Bytes sent", MetricType::Counter),
                 number(&Totals::sent_bytes)},
          Column{family("paastech_app_restarts_total", "Restarts of Instances", MetricType::Counter),
                 number(&Totals::restarts)}};
}

// What the Process has that takes requests.
struct RequestFamilies {
  MetricFamily requests = family("paastech_app_requests_total", "Requests by status class", MetricType::Counter);
  MetricFamily failed = family("paastech_app_failed_requests_total", "Requests the ingress answered with 5xx itself",
                               MetricType::Counter);
  MetricFamily latency = family("paastech_app_request_duration_seconds",
                                "Time from a request's head to its answer's head", MetricType::Histogram);
  void add_process(const Labels& labels, const metrics::Visits& visits) {
    for (std::size_t i = 0; i < visits.by_class.size(); ++i) {
      Labels with_status = labels;
      with_status.push_back({"status", std::to_string(i + 1) + "xx"});
      add(requests, std::move(with_status), static_cast<double>(visits.by_class[i]));
    }
    add(failed, labels, static_cast<double>(visits.failed));
    prometheus::ClientMetric metric;
    metric.label = labels;
    metric.histogram = histogram_of(visits);
    latency.metric.push_back(std::move(metric));
  }
};

}  // namespace

MetricFamily family(std::string name, std::string help, MetricType type) {
  MetricFamily out;
  out.name = std::move(name);
  out.help = std::move(help);
  out.type = type;
  return out;
}

void add(MetricFamily& family, Labels labels, double value) {
  prometheus::ClientMetric metric;
  metric.label = std::move(labels);
  metric.gauge.value = value;
  metric.counter.value = value;
  family.metric.push_back(std::move(metric));
}

std::vector<std::string> projects_of(const metrics::Ledger& ledger) {
  std::vector<std::string> out;
  for (const auto& [key, totals] : ledger.totals()) {
    if (!out.empty() && out.back() == key.project) continue;
    if (out.size() == kMostProjects) break;
    out.push_back(key.project);
  }
  return out;
}

std::vector<MetricFamily> project_families(const metrics::Ledger& ledger,
                                           const std::map<std::string, std::string>& names) {
  std::array<Column, 7> columns = process_columns();
  RequestFamilies requests;
  for (const auto& [key, totals] : ledger.totals()) {
    const auto name = names.find(key.project);
    if (name == names.end()) continue;
    const Labels labels{{"project", key.project}, {"name", name->second}, {"process", key.process}};
    for (Column& column : columns) add(column.family, labels, column.value(totals));
    if (key.process == metrics::kTakesRequests) requests.add_process(labels, totals.visits);
  }
  std::vector<MetricFamily> out;
  out.reserve(columns.size() + 3);
  for (Column& column : columns) out.push_back(std::move(column.family));
  for (MetricFamily* one : {&requests.requests, &requests.failed, &requests.latency}) out.push_back(std::move(*one));
  std::erase_if(out, [](const MetricFamily& one) { return one.metric.empty(); });
  return out;
}

}  // namespace paastech::api
