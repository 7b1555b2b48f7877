// The running Application: its Instances, restart, stop, start.
#include "api/http/deployment_number.h"
#include "api/json_body.h"
#include "api/route.h"
#include "api/text_out.h"
#include "api/views.h"

namespace paastech::api {

using namespace std::chrono_literals;

net::Task<Result<engine::ListReply>> list_instances_of(CallPtr call) {
  Result<engine::ListReply> reply = co_await call->context().engine.list(call->project.id, 15s);
  co_return reply;
}

namespace {

// What the controller knows beside the Engine: that it crashed, why, and when it starts again.
void add_crash(boost::json::object& item, const controller::Condition& condition, const engine::Instance& instance) {
  const auto found = condition.restarts.find({instance.deployment(), instance.process(), instance.index()});
  if (found == condition.restarts.end()) return;
  boost::json::object crash{{"count", found->second.crashes}, {"reason", safe_line(found->second.reason)}};
  if (found->second.due_in_ms > 0) crash["restarts_in_seconds"] = (found->second.due_in_ms + 999) / 1000;
  item["crash"] = std::move(crash);
}

net::Task<Result<Answer>> list_instances(CallPtr call) {
  CO_TRY_ASSIGN(const engine::ListReply reply, co_await list_instances_of(call));
  const controller::Condition condition = call->context().controller.condition(call->project.id);
  boost::json::array list;
  for (const engine::Instance& instance : reply.instances()) {
    boost::json::object item{{"name", safe_line(instance.name())}, {"process", instance.process()},
                             {"index", instance.index()},          {"deployment", instance.deployment()},
                             {"state", instance.state()},          {"restarts", instance.restarts()},
                             {"exit_code", instance.exit_code()},  {"out_of_memory", instance.out_of_memory()}};
    if (instance.started_at_ms() > 0) item["started_at"] = rfc3339(instance.started_at_ms());
    add_crash(item, condition, instance);
    list.push_back(std::move(item));
  }
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
  const boost::json::object out{{"deployment", new_deployment_json(*call, row)}};
  co_return json_answer(202, out);
}

net::Task<Result<Answer>> roll_back(CallPtr call) {
  Body body(call->body);
  const std::optional<std::int64_t> number = body.optional_number("deployment", 1, INT64_MAX);
  CO_TRY(body.finish());
  Context& context = call->context();
  CO_TRY_ASSIGN(store::DeploymentRow row,
                co_await context.controller.roll_back(call->project.id, call->actor.client_id, number.value_or(0)));
  const boost::json::object out{{"deployment", new_deployment_json(*call, row)}};
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
  routes.push_back(
      {{"POST", "/api/v1/projects/{project}/restart", Permission::kProjectDeploy, "application.restart"}, restart});
  routes.push_back({{"POST", "/api/v1/projects/{project}/rollback", Permission::kProjectDeploy, "application.rollback"},
                    roll_back,
                    BodyKind::kJson});
  routes.push_back({{"POST", "/api/v1/projects/{project}/stop", Permission::kProjectDeploy, "application.stop"}, stop});
  routes.push_back(
      {{"POST", "/api/v1/projects/{project}/start", Permission::kProjectDeploy, "application.start"}, start});
}

}  // namespace paastech::api
