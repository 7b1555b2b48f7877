// Deployments: list, show, cancel, and those of an image of a registry. The others are made by `git push` and by
// changes.
#include <charconv>

#include "api/http/deployment_number.h"
#include "api/json_body.h"
#include "api/views.h"

namespace paastech::api {

Result<std::int64_t> deployment_number(const Call& call) {
  const auto found = call.parameters.find("number");
  const std::string text = found == call.parameters.end() ? "" : found->second;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1)
    return fail(Code::kNotFound, "a deployment is named by its number, such as 3",
                "see them: paastech deployments list");
  return number;
}

net::Task<Result<DeploymentView>> read_deployment(CallPtr call, std::int64_t number) {
  const store::ProjectRow project = call->project;
  auto load = [project, number](store::Tx& tx) -> Result<DeploymentView> {
    Result<store::DeploymentRow> row = store::find_deployment(tx, project.id, number);
    if (!row && row.error().code == Code::kNotFound)
      return fail(Code::kNotFound, "project " + project.name + " has no deployment " + std::to_string(number),
                  "see them: paastech deployments list");
    if (!row) return std::unexpected(row.error());
    return load_deployment(tx, std::move(*row));
  };
  Result<DeploymentView> view = co_await call->context().database.read(std::move(load));
  co_return view;
}

boost::json::object new_deployment_json(Call& call, const store::DeploymentRow& row) {
  return to_json(DeploymentView{row, call.identity->client.username}, call.project, call.context().address);
}

namespace {

net::Task<Result<Answer>> list_deployments(CallPtr call) {
  CO_TRY_ASSIGN(std::int64_t limit, call->query.number("limit", 20, 1, 100));
  CO_TRY_ASSIGN(std::int64_t before, call->query.number("before", 0, 1, INT64_MAX));
  const std::string project = call->project.id;
  auto load = [project, limit, before](store::Tx& tx) -> Result<std::vector<DeploymentView>> {
    TRY_ASSIGN(std::vector<store::DeploymentRow> rows,
               store::list_deployments(tx, project, static_cast<int>(limit) + 1, before));
    std::vector<DeploymentView> views;
    for (store::DeploymentRow& row : rows) {
      TRY_ASSIGN(DeploymentView view, load_deployment(tx, std::move(row)));
      views.push_back(std::move(view));
    }
    return views;
  };
  CO_TRY_ASSIGN(std::vector<DeploymentView> views, co_await call->context().database.read(std::move(load)));
  const bool more = views.size() > static_cast<std::size_t>(limit);
  if (more) views.pop_back();
  boost::json::array list;
  for (const DeploymentView& view : views) list.push_back(to_json(view, call->project, call->context().address));
  boost::json::object out = items(std::move(list));
  if (more) out["next"] = views.back().row.number;
  co_return json_answer(200, out);
}

net::Task<Result<Answer>> show_deployment(CallPtr call) {
  CO_TRY_ASSIGN(std::int64_t number, deployment_number(*call));
  CO_TRY_ASSIGN(DeploymentView view, co_await read_deployment(call, number));
  co_return json_answer(200, to_json(view, call->project, call->context().address));
}

net::Task<Result<Answer>> deploy_image(CallPtr call) {
  Body body(call->body);
  const std::string image = body.text("image", 1, 256);
  CO_TRY(body.finish());
  controller::Controller& controller = call->context().controller;
  CO_TRY_ASSIGN(const store::DeploymentRow row,
                co_await controller.deploy_image(call->project.id, call->actor.client_id, image));
  const boost::json::object out{{"deployment", new_deployment_json(*call, row)}};
  co_return json_answer(202, out);
}

net::Task<Result<Answer>> cancel_deployment(CallPtr call) {
  CO_TRY_ASSIGN(std::int64_t number, deployment_number(*call));
  CO_TRY_ASSIGN(DeploymentView before, co_await read_deployment(call, number));
  if (!is_running(before.row.state))
    co_return fail(
        Code::kAborted,
        "deployment " + std::to_string(number) + " has ended already (" + std::string(to_text(before.row.state)) + ")",
        "only a queued or running deployment can be cancelled");
  CO_TRY(co_await call->context().controller.cancel(call->project.id, number));
  CO_TRY_ASSIGN(DeploymentView after, co_await read_deployment(call, number));
  co_return json_answer(202, to_json(after, call->project, call->context().address));
}

}  // namespace

void add_deployment_routes(std::vector<Route>& routes) {
  routes.push_back({{"GET", "/api/v1/projects/{project}/deployments", Permission::kProjectRead},
                    list_deployments,
                    BodyKind::kNone,
                    {"limit", "before"}});
  routes.push_back(
      {{"GET", "/api/v1/projects/{project}/deployments/{number}", Permission::kProjectRead}, show_deployment});
  routes.push_back({{"POST", "/api/v1/projects/{project}/deployments", Permission::kProjectDeploy, "deployment.image"},
                    deploy_image,
                    BodyKind::kJson});
  routes.push_back({{"POST", "/api/v1/projects/{project}/deployments/{number}/cancel", Permission::kProjectDeploy,
                     "deployment.cancel"},
                    cancel_deployment});
}

}  // namespace paastech::api
