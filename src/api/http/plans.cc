// Plans, and what a Client has of its own.
#include "store/plans.h"

#include "api/json_body.h"
#include "api/list_page.h"
#include "api/route.h"
#include "api/usage.h"
#include "api/views.h"

namespace paastech::api {
namespace {

constexpr std::int64_t kMost = (1LL << 53) - 1;  // what every reader of JSON can hold (RFC 8259 section 6)

boost::json::object described(const Plan& plan) {
  boost::json::object out;
  out["name"] = plan.name;
  out["limits"] = to_json(plan.limits);
  return out;
}

net::Task<Result<Answer>> list_plans(CallPtr call) {
  CO_TRY_ASSIGN(const ListPage page, read_page(call->query));
  auto load = [page](store::Tx& tx) { return store::list_plans(tx, page.after, page.rows()); };
  CO_TRY_ASSIGN(std::vector<Plan> plans, co_await call->context().database.read(std::move(load)));
  co_return list_answer(std::move(plans), page, described, [](const Plan& plan) { return plan.name; });
}

net::Task<Result<Answer>> show_plan(CallPtr call) {
  auto load = [name = call->parameters["plan"]](store::Tx& tx) { return store::find_plan(tx, name); };
  CO_TRY_ASSIGN(const Plan plan, co_await call->context().database.read(std::move(load)));
  co_return json_answer(200, described(plan));
}

// In force at once for every Client that has it; what is there already stays.
net::Task<Result<Answer>> set_plan(CallPtr call) {
  Body body(call->body);
  const auto limit = [&body](std::string_view field) {
    return body.optional_number(field, kUnlimited, kMost).value_or(0);
  };
  Plan plan{call->parameters["plan"],
            {.projects = limit("projects"),
             .instances = limit("instances"),
             .memory_bytes = limit("memory_bytes"),
             .milli_cpus = limit("milli_cpus"),
             .build_minutes = limit("build_minutes"),
             .disk_bytes = limit("disk_bytes")}};
  CO_TRY(body.finish());
  CO_TRY(check_plan_name(plan.name));
  auto store = [plan](store::Tx& tx) { return store::set_plan(tx, plan); };
  CO_TRY(co_await call->context().database.write(std::move(store)));
  co_return json_answer(200, described(plan));
}

net::Task<Result<Answer>> delete_plan(CallPtr call) {
  auto remove = [name = call->parameters["plan"]](store::Tx& tx) { return store::delete_plan(tx, name); };
  CO_TRY(co_await call->context().database.write(std::move(remove)));
  co_return no_content();
}

net::Task<Result<Answer>> show_usage(CallPtr call) {
  CO_TRY_ASSIGN(const ClientUsage usage, co_await client_usage(call->context(), call->actor.client_id));
  co_return json_answer(200, to_json(usage));
}

}  // namespace

void add_plan_routes(std::vector<Route>& routes) {
  routes.push_back(
      {{"GET", "/api/v1/plans", Permission::kClientsManage}, list_plans, BodyKind::kNone, {"limit", "cursor"}});
  routes.push_back({{"GET", "/api/v1/plans/{plan}", Permission::kClientsManage}, show_plan});
  routes.push_back(
      {{"PUT", "/api/v1/plans/{plan}", Permission::kClientsManage, "plan.set"}, set_plan, BodyKind::kJson});
  routes.push_back({{"DELETE", "/api/v1/plans/{plan}", Permission::kClientsManage, "plan.delete"}, delete_plan});
  routes.push_back({{"GET", "/api/v1/me/usage", Permission::kAccountRead}, show_usage});
}

}  // namespace paastech::api
