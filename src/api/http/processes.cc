// The Processes of a Project: what each runs, how many Instances of which size, and the change of that.
#include <fmt/format.h>

#include "api/etag.h"
#include "api/http/deployment_number.h"
#include "api/json_body.h"
#include "api/route.h"
#include "api/text_out.h"
#include "api/views.h"
#include "base/ids.h"
#include "domain/plan.h"
#include "domain/process_json.h"
#include "domain/quota.h"
#include "store/scales.h"
#include "store/usage.h"

namespace paastech::api {
namespace {

// What of the Project is in service, in the scale that is wanted now.
struct Formation {
  std::optional<store::DeploymentRow> live = {};
  ProcessList list = {.processes = {}};
  std::vector<Scale> scales = {};
};

Result<Formation> load_formation(store::Tx& tx, const std::string& project_id) {
  Formation out;
  TRY_ASSIGN(out.live, store::live_deployment(tx, project_id));
  TRY_ASSIGN(out.scales, store::list_scales(tx, project_id));
  if (!out.live) return out;
  TRY_ASSIGN(out.list, process_list_from_json(out.live->processes));
  apply_scale(out.list, out.scales);
  return out;
}

// Of the numbers and sizes that are wanted, for ETag: the same for the same, whatever happened in between.
std::int64_t version_of(const Formation& formation) {
  std::string text;
  const auto add = [&text](const std::string& name, int count, std::int64_t memory_bytes, std::int64_t milli_cpus) {
    text += fmt::format("{} {} {} {}\n", name, count, memory_bytes, milli_cpus);
  };
  for (const auto& [name, process] : formation.list.processes)
    add(name, process.count, process.memory_bytes, process.milli_cpus);
  if (!formation.live)
    for (const Scale& scale : formation.scales) add(scale.process, scale.count, scale.memory_bytes, scale.milli_cpus);
  const std::string digest = hex(sha256(text));
  return static_cast<std::int64_t>(std::stoull(digest.substr(0, 15), nullptr, 16));
}

struct Tally {
  int ready = 0;
  int restarts = 0;
};

// By process, of the Instances that belong to the live Deployment.
std::map<std::string, Tally> count_instances(const engine::ListReply& reply, const Formation& formation) {
  std::map<std::string, Tally> out;
  for (const engine::Instance& instance : reply.instances()) {
    const auto process = formation.list.processes.find(instance.process());
    if (!formation.live || process == formation.list.processes.end()) continue;
    if (instance.deployment() != group_of(formation.live->number, process->first, process->second).deployment) continue;
    Tally& tally = out[instance.process()];
    if (instance.state() == "running") ++tally.ready;
    tally.restarts += instance.restarts();
  }
  return out;
}

net::Task<Result<Answer>> list_processes(CallPtr call) {
  auto load = [id = call->project.id](store::Tx& tx) { return load_formation(tx, id); };
  CO_TRY_ASSIGN(const Formation formation, co_await call->context().database.read(std::move(load)));
  CO_TRY_ASSIGN(const engine::ListReply reply, co_await list_instances_of(call));
  std::map<std::string, Tally> tallies = count_instances(reply, formation);
  boost::json::array list;
  for (const auto& [name, process] : formation.list.processes) {
    const Tally& tally = tallies[name];
    list.push_back(boost::json::object{{"name", name},
                                       {"command", safe_text(shown_command(process.command))},
                                       {"count", process.count},
                                       {"memory_bytes", memory_of(process)},
                                       {"milli_cpus", milli_cpus_of(process)},
                                       {"ready", tally.ready},
                                       {"restarts", tally.restarts},
                                       {"deployment", formation.live->number}});
  }
  call->answer_headers.add("ETag", etag(version_of(formation)));
  co_return json_answer(200, items(std::move(list)));
}

struct Wanted {
  std::string process;
  std::optional<std::int64_t> count;
  std::optional<std::int64_t> memory_bytes;
  std::optional<std::int64_t> milli_cpus;
};

Result<std::vector<Wanted>> read_wanted(const boost::json::object& body) {
  const boost::json::value* processes = body.if_contains("processes");
  if (body.size() != 1 || !processes || !processes->is_object() || processes->get_object().empty())
    return fail(Code::kInvalidArgument, "there is nothing to change", "give `processes`: {\"web\": {\"count\": 2}}");
  std::vector<Wanted> out;
  for (const auto& [name, value] : processes->get_object()) {
    if (!value.is_object() || value.get_object().empty())
      return fail(Code::kInvalidArgument, "there is nothing to change of process " + safe_line(name),
                  "give `count`, `memory_bytes` or `milli_cpus`");
    Body fields(value.get_object());
    Wanted wanted{std::string(name), {}, {}, {}};
    wanted.count = fields.optional_number("count", 0, kMostInstances);
    wanted.memory_bytes = fields.optional_number("memory_bytes", 0, kMostMemoryBytes);
    wanted.milli_cpus = fields.optional_number("milli_cpus", 0, kMostMilliCpus);
    TRY(fields.finish());
    out.push_back(std::move(wanted));
  }
  return out;
}

// What the process has now: as it runs, or as it was stored for when it will. kNotFound where there is no such process.
Result<Scale> scale_now(const Formation& formation, const std::string& name, const std::string& project) {
  const auto process = formation.list.processes.find(name);
  if (process != formation.list.processes.end())
    return Scale{name, process->second.count, process->second.memory_bytes, process->second.milli_cpus};
  if (formation.live) {
    std::string known;
    for (const auto& [one, ignored] : formation.list.processes) known += (known.empty() ? "" : ", ") + one;
    return fail(Code::kNotFound, "project " + project + " has no process `" + safe_line(name) + "`",
                "its processes are: " + known);
  }
  for (const Scale& stored : formation.scales)
    if (stored.process == name) return stored;
  return Scale{.process = name};
}

struct StoredScale {
  std::int64_t version = 0;
  bool deploy = false;  // a Deployment should bring it into service
};

// Stores it, within the owner's plan. headers: of the request, for If-Match.
Result<StoredScale> store_wanted(store::Tx& tx, const store::ProjectRow& project, const std::vector<Wanted>& all,
                                 const net::Headers& headers) {
  TRY_ASSIGN(const Formation formation, load_formation(tx, project.id));
  TRY(check_if_match(headers, version_of(formation)));
  for (const Wanted& wanted : all) {
    TRY_ASSIGN(Scale scale, scale_now(formation, wanted.process, project.name));
    scale.count = static_cast<int>(wanted.count.value_or(scale.count));
    scale.memory_bytes = wanted.memory_bytes.value_or(scale.memory_bytes);
    scale.milli_cpus = wanted.milli_cpus.value_or(scale.milli_cpus);
    TRY(store::set_scale(tx, project.id, scale));
  }
  TRY_ASSIGN(const store::ProjectRow now, store::find_project(tx, project.id));
  TRY(store::admit_deployment(tx, now));
  // A push or a start on its way ends a stop, but perhaps with the scale of before.
  TRY_ASSIGN(const std::vector<store::DeploymentRow> newest, store::list_deployments(tx, project.id, 1, 0));
  const bool on_its_way = !newest.empty() && is_running(newest.front().state);
  TRY_ASSIGN(const Formation changed, load_formation(tx, project.id));
  return StoredScale{version_of(changed), !now.deleting && (on_its_way || (formation.live && !now.stopped))};
}

std::string for_audit(const std::vector<Wanted>& all) {
  std::string out;
  for (const Wanted& wanted : all) {
    out += (out.empty() ? "" : ", ") + wanted.process;
    if (wanted.count) out += fmt::format(" count={}", *wanted.count);
    if (wanted.memory_bytes) out += fmt::format(" memory_bytes={}", *wanted.memory_bytes);
    if (wanted.milli_cpus) out += fmt::format(" milli_cpus={}", *wanted.milli_cpus);
  }
  return out;
}

net::Task<Result<Answer>> scale_processes(CallPtr call) {
  CO_TRY_ASSIGN(const std::vector<Wanted> wanted, read_wanted(call->body));
  call->object = for_audit(wanted);
  Context& context = call->context();
  const auto stored = std::make_shared<StoredScale>();
  const controller::Change work = [project = call->project, wanted, headers = call->request.headers,
                                   stored](store::Tx& tx) -> Result<bool> {
    TRY_ASSIGN(*stored, store_wanted(tx, project, wanted, headers));
    return stored->deploy;
  };
  CO_TRY_ASSIGN(
      const controller::Changed done,
      co_await context.controller.change(call->project.id, call->actor.client_id, DeploymentCause::kScale, work));
  call->answer_headers.add("ETag", etag(stored->version));
  if (!done.admitted)
    co_return fail(done.admitted.error().code,
                   "the scale was stored, but the new deployment could not begin: " + done.admitted.error().message,
                   "bring it into service with: paastech restart");
  boost::json::object out;
  if (done.deployment) out["deployment"] = new_deployment_json(*call, *done.deployment);
  co_return json_answer(202, out);
}

}  // namespace

void add_process_routes(std::vector<Route>& routes) {
  routes.push_back({{"GET", "/api/v1/projects/{project}/processes", Permission::kProjectRead}, list_processes});
  routes.push_back({{"PATCH", "/api/v1/projects/{project}/processes", Permission::kProjectDeploy, "processes.scale"},
                    scale_processes,
                    BodyKind::kJson});
}

}  // namespace paastech::api
