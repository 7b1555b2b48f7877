// As whom a Project's images are fetched from registries. Passwords are sealed, and never answered.
#include "store/registries.h"
#include "api/json_body.h"
#include "api/route.h"
#include "api/text_out.h"
#include "api/views.h"

namespace paastech::api {
namespace {

std::string host_of(const Call& call) {
  const auto found = call.parameters.find("host");
  return found == call.parameters.end() ? "" : found->second;
}

net::Task<Result<Answer>> list_registries(CallPtr call) {
  auto load = [id = call->project.id](store::Tx& tx) { return store::list_registries(tx, id); };
  CO_TRY_ASSIGN(const std::vector<store::RegistryRow> rows, co_await call->context().database.read(std::move(load)));
  boost::json::array list;
  for (const store::RegistryRow& row : rows)
    list.push_back(boost::json::object{{"host", row.host}, {"username", safe_line(row.username)}});
  co_return json_answer(200, items(std::move(list)));
}

net::Task<Result<Answer>> set_registry(CallPtr call) {
  Body body(call->body);
  store::RegistryRow row;
  row.host = host_of(*call);
  row.username = body.text("username", 1, 256);
  const std::string password = body.text("password", 1, 4096);
  CO_TRY(body.finish());
  const std::string id = call->project.id;
  row.password = call->context().secrets.seal(password, store::registry_context(id, row.host));
  auto save = [id, row](store::Tx& tx) { return store::set_registry(tx, id, row); };
  CO_TRY(co_await call->context().database.write(std::move(save)));
  boost::json::object out{{"host", row.host}, {"username", safe_line(row.username)}};
  co_return json_answer(200, out);
}

net::Task<Result<Answer>> remove_registry(CallPtr call) {
  const std::string host = host_of(*call);
  auto remove = [id = call->project.id, host](store::Tx& tx) { return store::remove_registry(tx, id, host); };
  CO_TRY_ASSIGN(const bool there, co_await call->context().database.write(std::move(remove)));
  if (!there)
    co_return fail(Code::kNotFound, "this project has no login for " + safe_line(host),
                   "see them: paastech registry list");
  co_return no_content();
}

}  // namespace

void add_registry_routes(std::vector<Route>& routes) {
  const char* one = "/api/v1/projects/{project}/registries/{host}";
  routes.push_back({{"GET", "/api/v1/projects/{project}/registries", Permission::kProjectConfigure}, list_registries});
  routes.push_back({{"PUT", one, Permission::kProjectConfigure, "registry.set"}, set_registry, BodyKind::kJson});
  routes.push_back({{"DELETE", one, Permission::kProjectConfigure, "registry.remove"}, remove_registry});
}

}  // namespace paastech::api
