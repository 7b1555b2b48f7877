// The audit log, read only: of a Project, of everything, of oneself. api/audit.h writes it.
#include <fmt/format.h>

#include "api/list_page.h"
#include "api/route.h"
#include "api/text_out.h"
#include "api/views.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/rfc3339.h"
#include "store/audit.h"

namespace paastech::api {
namespace {

boost::json::object entry_json(const store::AuditRow& row) {
  boost::json::object out{{"id", row.id},
                          {"at", rfc3339(row.at)},
                          {"actor", safe_line(row.actor)},
                          {"address", safe_line(row.address)},
                          {"action", row.action},
                          {"object", safe_line(row.object)},
                          {"result", row.result},
                          {"detail", safe_line(row.detail)}};
  if (!row.actor_id.empty()) out["actor_id"] = row.actor_id;
  if (!row.token_id.empty()) out["token_id"] = row.token_id;
  if (!row.project_id.empty()) out["project_id"] = row.project_id;
  if (!row.project.empty()) out["project"] = safe_line(row.project);
  return out;
}

net::Task<Result<Answer>> answer(CallPtr call, store::AuditFilter filter) {
  CO_TRY_ASSIGN(const ListPage page, read_page(call->query));
  if (!page.after.empty() && (filter.below.empty() || page.after < filter.below)) filter.below = page.after;
  auto load = [filter, page](store::Tx& tx) { return store::list_audit(tx, filter, page.rows()); };
  CO_TRY_ASSIGN(std::vector<store::AuditRow> rows, co_await call->context().database.read(std::move(load)));
  const auto show = [](const store::AuditRow& row) { return entry_json(row); };
  co_return list_answer(std::move(rows), page, show, [](const store::AuditRow& row) { return row.id; });
}

net::Task<Result<Answer>> show_projects(CallPtr call) {
  store::AuditFilter filter;
  filter.project_id = call->project.id;
  Result<Answer> out = co_await answer(call, std::move(filter));
  co_return out;
}

// A limited token does not read about Projects that it does not reach.
net::Task<Result<Answer>> show_own(CallPtr call) {
  store::AuditFilter filter;
  filter.actor_id = call->actor.client_id;
  if (call->actor.projects) filter.token_id = call->identity->token.id;
  Result<Answer> out = co_await answer(call, std::move(filter));
  co_return out;
}

// The id for a name; a uuid stands for itself, so that what is deleted can be asked for.
Result<std::string> id_of(const Query& query, std::string_view name,
                          const std::function<Result<std::string>(const std::string&)>& find) {
  std::string text = query.text(name);
  if (text.empty() || is_uuid(text)) return text;
  Result<std::string> id = find(text);
  if (!id && id.error().code == Code::kNotFound)
    return fail(Code::kInvalidArgument, fmt::format("query parameter `{}`: there is none of that name", name),
                "what is deleted is asked for by its uuid");
  return id;
}

Result<std::string> key_of(const Query& query, std::string_view name) {
  if (!query.has(name)) return std::string();
  const std::optional<std::int64_t> time = parse_rfc3339_ns(query.text(name));
  if (!time)
    return fail(Code::kInvalidArgument, fmt::format("query parameter `{}` must be a time", name),
                "write it like 2026-01-31T12:00:00Z");
  return store::audit_key(*time / 1'000'000);
}

net::Task<Result<Answer>> show_all(CallPtr call) {
  auto find = [query = call->query](store::Tx& tx) -> Result<store::AuditFilter> {
    store::AuditFilter filter;
    TRY_ASSIGN(filter.actor_id, id_of(query, "client", [&tx](const std::string& name) -> Result<std::string> {
                 TRY_ASSIGN(const store::ClientRow client, store::find_client_by_username(tx, name));
                 return client.id;
               }));
    TRY_ASSIGN(filter.project_id, id_of(query, "project", [&tx](const std::string& name) -> Result<std::string> {
                 TRY_ASSIGN(const store::ProjectRow project, store::find_project(tx, name));
                 return project.id;
               }));
    filter.action = query.text("action");
    TRY_ASSIGN(filter.from, key_of(query, "since"));
    TRY_ASSIGN(filter.below, key_of(query, "until"));
    return filter;
  };
  CO_TRY_ASSIGN(store::AuditFilter filter, co_await call->context().database.read(std::move(find)));
  Result<Answer> out = co_await answer(call, std::move(filter));
  co_return out;
}

}  // namespace

void add_audit_routes(std::vector<Route>& routes) {
  routes.push_back({{"GET", "/api/v1/projects/{project}/audit", Permission::kProjectRead},
                    show_projects,
                    BodyKind::kNone,
                    {"limit", "cursor"}});
  routes.push_back({{"GET", "/api/v1/audit", Permission::kClientsManage},
                    show_all,
                    BodyKind::kNone,
                    {"client", "project", "action", "since", "until", "limit", "cursor"}});
  routes.push_back(
      {{"GET", "/api/v1/me/audit", Permission::kAccountRead}, show_own, BodyKind::kNone, {"limit", "cursor"}});
}

}  // namespace paastech::api
