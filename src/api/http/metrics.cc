// Health for whoever watches the process, and figures for Prometheus (text format 0.0.4).
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <cstdio>
#include <sstream>

#include "api/http/project_figures.h"
#include "api/route.h"
#include "base/files.h"
#include "controller/metrics_collector.h"
#include "store/overview.h"
#include "store/projects.h"

namespace paastech::api {
namespace {

using namespace std::chrono_literals;
using prometheus::MetricFamily;
using prometheus::MetricType;

// Bytes of physical memory, from proc(5): the second figure of statm is pages.
double resident_memory() {
  const Result<std::string> statm = read_file("/proc/self/statm");
  unsigned long pages = 0;
  if (!statm || std::sscanf(statm->c_str(), "%*u %lu", &pages) != 1) return 0;
  return static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

struct Figures {
  std::int64_t clients = 0;
  std::int64_t projects = 0;
  std::map<std::string, std::int64_t> deployments = {};
  std::map<std::string, std::string> names = {};  // of the Projects asked for, by uuid
};

Result<Figures> load_figures(store::Tx& tx, const std::vector<std::string>& projects) {
  Figures figures;
  for (const std::string& id : projects) {
    const Result<store::ProjectRow> row = store::find_project(tx, id);
    if (row) figures.names[id] = row->name;
    if (!row && row.error().code != Code::kNotFound) return std::unexpected(row.error());
  }
  TRY_ASSIGN(figures.clients, store::count_clients(tx));
  TRY_ASSIGN(figures.projects, store::count_projects(tx));
  TRY_ASSIGN(figures.deployments, store::count_deployments(tx));
  return figures;
}

net::Task<Result<Answer>> show_health(CallPtr call) {
  auto probe = [](store::Tx& tx) { return store::check_answers(tx); };
  Status read = co_await call->context().database.read(std::move(probe));
  if (!read)
    co_return fail(Code::kUnavailable, "the database cannot be read: " + read.error().message,
                   "Applications keep serving; see the Service's log");
  co_return json_answer(200, {{"status", "ok"}});
}

net::Task<void> add_router_figures(CallPtr call, std::vector<MetricFamily>* out) {
  MetricFamily requests = family("paastech_router_requests_total", "Requests of visitors", MetricType::Counter);
  MetricFamily failed = family("paastech_router_failed_requests_total", "Requests the ingress answered with 5xx itself",
                               MetricType::Counter);
  MetricFamily open = family("paastech_router_open_connections", "Connections of visitors", MetricType::Gauge);
  MetricFamily version =
      family("paastech_router_table_version", "Version of the route table served", MetricType::Gauge);
  MetricFamily up = family("paastech_router_up", "Whether the ingress answers", MetricType::Gauge);
  int index = 0;
  for (controller::IngressReports* ingress : call->context().ingresses) {
    const std::string router = std::to_string(index++);
    Result<paastech::router::v1::StatisticsReply> reply = co_await ingress->statistics(2s);
    add(up, {{"router", router}}, reply ? 1 : 0);
    if (!reply) continue;
    add(open, {{"router", router}}, static_cast<double>(reply->open_connections()));
    add(version, {{"router", router}}, static_cast<double>(reply->table_version()));
    std::int64_t asked = 0;
    std::int64_t unanswered = 0;
    for (const auto& host : reply->hosts()) {
      asked += host.requests();
      unanswered += host.failed();
    }
    add(requests, {{"router", router}}, static_cast<double>(asked));
    add(failed, {{"router", router}}, static_cast<double>(unanswered));
  }
  for (MetricFamily* one : {&requests, &failed, &open, &version, &up})
    if (!one->metric.empty()) out->push_back(std::move(*one));
}

net::Task<Result<Answer>> show_metrics(CallPtr call) {
  const controller::MetricsCollector* collector = call->context().metrics;
  const std::vector<std::string> with_figures =
      collector ? projects_of(collector->ledger()) : std::vector<std::string>();
  auto load = [with_figures](store::Tx& tx) { return load_figures(tx, with_figures); };
  CO_TRY_ASSIGN(Figures figures, co_await call->context().database.read(std::move(load)));
  std::vector<MetricFamily> out;
  MetricFamily build = family("paastech_build_info", "The running version", MetricType::Gauge);
  add(build, {{"version", call->context().info.version}}, 1);
  MetricFamily requests =
      family("paastech_api_requests_total", "Answers of the API by status class", MetricType::Counter);
  for (const auto& [status_class, count] : call->services.counts.by_class)
    add(requests, {{"status", std::to_string(status_class) + "xx"}}, static_cast<double>(count));
  const HashingTime& hashing = call->services.auth.hashing_time();
  MetricFamily hashes =
      family("paastech_api_password_hashing_seconds", "Time that password hashes took", MetricType::Summary);
  prometheus::ClientMetric summary;
  summary.summary.sample_count = static_cast<std::uint64_t>(hashing.hashes);
  summary.summary.sample_sum = std::chrono::duration<double>(hashing.time).count();
  hashes.metric.push_back(std::move(summary));
  MetricFamily deployments =
      family("paastech_deployments", "Deployments on their way or live, by state", MetricType::Gauge);
  for (const auto& [state, count] : figures.deployments)
    add(deployments, {{"state", state}}, static_cast<double>(count));
  MetricFamily projects = family("paastech_projects", "Projects", MetricType::Gauge);
  add(projects, {}, static_cast<double>(figures.projects));
  MetricFamily clients = family("paastech_clients", "Accounts", MetricType::Gauge);
  add(clients, {}, static_cast<double>(figures.clients));
  MetricFamily memory = family("process_resident_memory_bytes", "Physical memory of this process", MetricType::Gauge);
  add(memory, {}, resident_memory());
  for (MetricFamily* one : {&build, &requests, &hashes, &deployments, &projects, &clients, &memory})
    out.push_back(std::move(*one));
  co_await add_router_figures(call, &out);
  if (collector) {
    MetricFamily answers = family("paastech_engine_up", "Whether the Engine answers", MetricType::Gauge);
    add(answers, {}, collector->ledger().engine_answers() ? 1 : 0);
    out.push_back(std::move(answers));
    for (MetricFamily& one : project_families(collector->ledger(), figures.names)) out.push_back(std::move(one));
  }
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, out);
  net::HttpResponse response;
  response.headers.add("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  response.body = text.str();
  co_return response;
}

}  // namespace

void add_metrics_routes(std::vector<Route>& routes) {
  routes.push_back({{"GET", "/healthz", Permission::kPublic}, show_health});
  routes.push_back({{"GET", "/metrics", Permission::kMetricsRead}, show_metrics});
}

}  // namespace paastech::api
