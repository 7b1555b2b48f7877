// The running Application: its Instances and figures, restart, stop, start.
#include "api/route.h"
#include "api/text_out.h"
#include "api/views.h"
#include "rpc/client.h"

namespace paastech::api {
namespace {

using namespace std::chrono_literals;

net::Task<Result<Answer>> list_instances(CallPtr call) {
  engine::ListRequest request;
  request.set_project(call->project.id);
  CO_TRY_ASSIGN(engine::ListReply reply,
                co_await rpc::call<engine::ListReply>(call->context().pomegranate.async(),
                                                      &engine::Pomegranate::Stub::async::List, request, 15s));
  boost::json::array list;
  for (const engine::Instance& instance : reply.instances()) {
    boost::json::object item{{"name", safe_line(instance.name())}, {"process", instance.process()},
                             {"index", instance.index()},          {"deployment", instance.deployment()},
                             {"state", instance.state()},          {"restarts", instance.restarts()},
                             {"exit_code", instance.exit_code()},  {"out_of_memory", instance.out_of_memory()}};
    if (instance.started_at_ms() > 0) item["started_at"] = rfc3339(instance.started_at_ms());
    list.push_back(std::move(item));
  }
  co_return json_answer(200, items(std::move(list)));
}

net::Task<Result<Answer>> show_stats(CallPtr call) {
  engine::StatsRequest request;
  request.set_project(call->project.id);
  CO_TRY_ASSIGN(engine::StatsReply reply,
                co_await rpc::call<engine::StatsReply>(call->context().pomegranate.async(),
                                                       &engine::Pomegranate::Stub::async::Stats, request, 15s));
  boost::json::array list;
  for (const engine::InstanceStats& stats : reply.instances())
    list.push_back(boost::json::object{{"name", safe_line(stats.name())},
                                       {"deployment", stats.deployment()},
                                       {"cpu_percent", stats.cpu_percent()},
                                       {"memory_bytes", stats.memory_bytes()},
                                       {"memory_limit_bytes", stats.memory_limit_bytes()},
                                       {"network_received_bytes", stats.network_received_bytes()},
                                       {"network_sent_bytes", stats.network_sent_bytes()},
                                       {"processes", stats.processes()}});
  co_return json_answer(200, items(std::move(list)));
}

net::Task<Result<ProjectView>> read_project(CallPtr call) {
  auto load = [id = call->project.id, asker = call->actor.client_id](store::Tx& tx) {
    return store::find_project_summary(tx, id, asker);
  };
  Result<ProjectView> view = co_await call->context().database.read(std::move(load));
  co_return view;
}

net::Task<Result<Answer>> restart(CallPtr call) {
  if (call->project.stopped)
    co_return fail(Code::kFailedPrecondition, "project " + call->project.name + " is stopped",
                   "start it: paastech start");
  Context& context = call->context();
  CO_TRY_ASSIGN(store::DeploymentRow row, co_await context.controller.redeploy(call->project.id, call->actor.client_id,
                                                                               DeploymentCause::kRestart));
  const DeploymentView view{row, call->identity->client.username};
  boost::json::object out;
  out["deployment"] = to_json(view, call->project, context.address);
  co_return json_answer(202, out);
}

net::Task<Result<Answer>> stop(CallPtr call) {
  CO_TRY_ASSIGN(ProjectView before, co_await read_project(call));
  if (!before.current)
    co_return fail(Code::kFailedPrecondition, "project " + call->project.name + " has no live deployment to stop",
                   "end a running deployment with: paastech deployments cancel N");
  CO_TRY(co_await call->context().controller.stop_application(call->project.id));
  CO_TRY_ASSIGN(ProjectView after, co_await read_project(call));
  co_return json_answer(200, to_json(after, call->context().address));
}

// A Deployment of its own brings it back, so the Project answered is usually `deploying`. Running already: nothing to
// do.
net::Task<Result<Answer>> start(CallPtr call) {
  CO_TRY_ASSIGN(ProjectView before, co_await read_project(call));
  if (!before.current || before.row.stopped) {
    CO_TRY(co_await call->context().controller.start_application(call->project.id, call->actor.client_id));
  }
  CO_TRY_ASSIGN(ProjectView after, co_await read_project(call));
  co_return json_answer(202, to_json(after, call->context().address));
}

}  // namespace

void add_application_routes(std::vector<Route>& routes) {
  routes.push_back({{"GET", "/api/v1/projects/{project}/instances", Permission::kProjectRead}, list_instances});
  routes.push_back({{"GET", "/api/v1/projects/{project}/stats", Permission::kProjectRead}, show_stats});
  routes.push_back(
      {{"POST", "/api/v1/projects/{project}/restart", Permission::kProjectDeploy, "application.restart"}, restart});
  routes.push_back({{"POST", "/api/v1/projects/{project}/stop", Permission::kProjectDeploy, "application.stop"}, stop});
  routes.push_back(
      {{"POST", "/api/v1/projects/{project}/start", Permission::kProjectDeploy, "application.start"}, start});
}

}  // namespace paastech::api
