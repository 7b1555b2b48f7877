// Projects: create, list, show, delete.
#include "api/json_body.h"
#include "api/list_page.h"
#include "api/route.h"
#include "api/text_out.h"
#include "api/views.h"
#include "base/ids.h"
#include "domain/names.h"

namespace paastech::api {
namespace {

// Beside the row: why its Application cannot be made what it should be, where that is so.
void add_problem(boost::json::object& shown, const controller::Condition& condition) {
  if (condition.problem.empty()) return;
  shown["problem"] =
      boost::json::object{{"message", safe_text(condition.problem)}, {"since", rfc3339(condition.problem_since_ms)}};
}

net::Task<Result<Answer>> list_projects(CallPtr call) {
  store::ProjectPage wanted;
  wanted.client_id = call->actor.client_id;
  if (call->actor.projects) wanted.token_id = call->identity->token.id;
  CO_TRY_ASSIGN(wanted.everybody, call->query.flag("all"));
  if (wanted.everybody) {
    CO_TRY(allow(call->actor, Permission::kClientsManage, Resource::none()));
  }
  CO_TRY_ASSIGN(const ListPage page, read_page(call->query));
  wanted.after = page.after;
  wanted.limit = page.rows();
  // What is asked most is put into words beside, by the thread that read it.
  auto load = [wanted, page, &address = call->context().address](store::Tx& tx) -> Result<ListItems> {
    TRY_ASSIGN(std::vector<ProjectView> views, store::list_project_summaries(tx, wanted));
    const auto show = [&address](const ProjectView& view, boost::json::storage_ptr memory) {
      return to_json(view, address, std::move(memory));
    };
    return list_items(std::move(views), page, show, [](const ProjectView& view) { return view.row.name; });
  };
  CO_TRY_ASSIGN(ListItems projects, co_await call->context().database.read(std::move(load)));
  for (boost::json::value& shown : projects.list) {
    const std::string id(shown.at("id").as_string());
    add_problem(shown.as_object(), call->context().controller.condition(id));
  }
  co_return list_answer(std::move(projects));
}

net::Task<Result<Answer>> create_project(CallPtr call) {
  Body body(call->body);
  store::ProjectRow row;
  row.name = body.text("name", 1, 100);
  CO_TRY(body.finish());
  CO_TRY(check_project_name(row.name));
  row.id = new_uuid();
  row.owner_id = call->actor.client_id;
  row.created_at = call->context().clock.now_ms();
  CO_TRY(co_await call->context().controller.create_project(row));
  call->project = row;
  const ProjectView view{row, call->identity->client.username, Role::kOwner};
  co_return json_answer(201, to_json(view, call->context().address));
}

net::Task<Result<Answer>> show_project(CallPtr call) {
  auto load = [id = call->project.id, asker = call->actor.client_id](store::Tx& tx) {
    return store::find_project_summary(tx, id, asker);
  };
  CO_TRY_ASSIGN(ProjectView view, co_await call->context().database.read(std::move(load)));
  boost::json::object shown = to_json(view, call->context().address);
  add_problem(shown, call->context().controller.condition(view.row.id));
  co_return json_answer(200, shown);
}

net::Task<Result<Answer>> delete_project(CallPtr call) {
  const std::string& name = call->project.name;
  if (call->query.text("confirm") != name)
    co_return fail(Code::kInvalidArgument, "deleting project " + name + " is not confirmed: `confirm` is not its name",
                   "repeat the request with ?confirm=" + name);
  CO_TRY_ASSIGN(controller::Removal removal, co_await call->context().controller.delete_project(call->project.id));
  boost::json::array leftovers;
  for (const auto& leftover : removal.leftovers)
    leftovers.push_back(boost::json::object{
        {"kind", leftover.kind}, {"id", safe_line(leftover.id)}, {"reason", safe_text(leftover.reason)}});
  boost::json::object out;
  out["removed"] = boost::json::object{
      {"containers", removal.containers}, {"networks", removal.networks}, {"images", removal.images}};
  out["leftovers"] = std::move(leftovers);
  co_return json_answer(200, out);
}

}  // namespace

void add_project_routes(std::vector<Route>& routes) {
  routes.push_back({{"GET", "/api/v1/projects", Permission::kProjectList},
                    list_projects,
                    BodyKind::kNone,
                    {"all", "limit", "cursor"}});
  routes.push_back(
      {{"POST", "/api/v1/projects", Permission::kProjectCreate, "project.create"}, create_project, BodyKind::kJson});
  routes.push_back({{"GET", "/api/v1/projects/{project}", Permission::kProjectRead}, show_project});
  routes.push_back({{"DELETE", "/api/v1/projects/{project}", Permission::kProjectOwn, "project.delete"},
                    delete_project,
                    BodyKind::kNone,
                    {"confirm"}});
}

}  // namespace paastech::api
