// The whole Service at a glance, for administrators.
#include "store/overview.h"

#include <filesystem>

#include "api/route.h"
#include "api/text_out.h"
#include "domain/quota.h"
#include "store/usage.h"

namespace paastech::api {
namespace {

using namespace std::chrono_literals;

constexpr auto kEnginePatience = 5s;  // an overview without the Engine's part is better than none

boost::json::object counts_json(const std::map<std::string, std::int64_t>& counts) {
  boost::json::object out;
  for (const auto& [state, count] : counts) out[state] = count;
  return out;
}

net::Task<boost::json::object> describe_engine(CallPtr call) {
  Result<engine::EngineDescription> reply = co_await call->context().engine.describe(kEnginePatience);
  if (!reply) co_return boost::json::object{{"available", false}, {"problem", safe_line(reply.error().message)}};
  boost::json::array runtimes;
  for (const std::string& runtime : reply->runtimes()) runtimes.emplace_back(safe_line(runtime));
  boost::json::object out;
  out["available"] = true;
  out["name"] = safe_line(reply->engine());
  out["version"] = safe_line(reply->version());
  out["api_version"] = safe_line(reply->api_version());
  out["runtimes"] = std::move(runtimes);
  out["cgroup_version"] = safe_line(reply->cgroup_version());
  out["firewall"] = safe_line(reply->firewall());
  co_return out;
}

// What those that run may use. Of which the database says nothing, as of one that is just being replaced, has the
// default size.
Amounts allowed_to(const engine::ListReply& listed, const store::InstanceSizes& sizes) {
  Amounts sum;
  for (const engine::Instance& instance : listed.instances()) {
    if (instance.state() != "running") continue;
    const auto found = sizes.find(store::SizeKey{instance.project(), instance.deployment(), instance.process()});
    const Amounts size = found != sizes.end() ? found->second : instances_of(1);
    sum.memory_bytes += size.memory_bytes;
    sum.milli_cpus += size.milli_cpus;
  }
  return sum;
}

// By state, and what those that run use and may use; nothing where the Engine does not answer.
net::Task<std::optional<boost::json::object>> count_instances(CallPtr call, store::InstanceSizes sizes) {
  const std::string all;
  Result<engine::ListReply> listed = co_await call->context().engine.list(all, kEnginePatience);
  if (!listed) co_return std::nullopt;
  Result<engine::StatsReply> stats = co_await call->context().engine.stats(all, kEnginePatience);
  std::map<std::string, std::int64_t> states{{"created", 0}, {"running", 0}, {"restarting", 0}, {"exited", 0}};
  for (const engine::Instance& instance : listed->instances()) ++states[instance.state()];
  const Amounts allowed = allowed_to(*listed, sizes);
  boost::json::object out = counts_json(states);
  out["memory_limit_bytes"] = allowed.memory_bytes;
  out["milli_cpus_limit"] = allowed.milli_cpus;
  if (!stats) co_return out;
  std::int64_t memory = 0;
  double percent = 0;
  for (const engine::InstanceStats& one : stats->instances()) {
    memory += one.memory_bytes();
    percent += one.cpu_percent();
  }
  out["memory_bytes"] = memory;
  out["milli_cpus"] = static_cast<std::int64_t>(percent * 10);  // 100 % are one core
  co_return out;
}

std::optional<boost::json::object> disk_of(const std::filesystem::path& home) {
  std::error_code code;
  const std::filesystem::space_info space = std::filesystem::space(home, code);
  if (code) return std::nullopt;
  return boost::json::object{{"capacity_bytes", space.capacity}, {"available_bytes", space.available}};
}

net::Task<Result<Answer>> show_overview(CallPtr call) {
  using Found = std::pair<store::Overview, store::InstanceSizes>;
  auto load = [](store::Tx& tx) -> Result<Found> {
    Found out;
    TRY_ASSIGN(out.first, store::read_overview(tx));
    TRY_ASSIGN(out.second, store::instance_sizes(tx));
    return out;
  };
  CO_TRY_ASSIGN(Found found, co_await call->context().database.read(std::move(load)));
  const store::Overview& overview = found.first;
  boost::json::object out;
  out["version"] = call->context().info.version;
  out["clients"] = counts_json(overview.clients);
  out["projects"] = counts_json(overview.projects);
  out["builds"] = boost::json::object{{"running", overview.builds_running}, {"queued", overview.builds_queued}};
  out["mails_waiting"] = overview.mails_waiting;
  boost::json::object described = co_await describe_engine(call);
  out["engine"] = std::move(described);
  std::optional<boost::json::object> instances = co_await count_instances(call, std::move(found.second));
  if (instances) out["instances"] = std::move(*instances);
  std::optional<boost::json::object> disk = disk_of(call->context().info.home);
  if (disk) out["disk"] = std::move(*disk);
  co_return json_answer(200, out);
}

}  // namespace

void add_overview_routes(std::vector<Route>& routes) {
  routes.push_back({{"GET", "/api/v1/overview", Permission::kClientsManage}, show_overview});
}

}  // namespace paastech::api
