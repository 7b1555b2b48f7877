// Tokens for programs: named, of a scope, for all or some Projects, for a time.
#include "api/json_body.h"
#include "api/route.h"
#include "api/text_out.h"
#include "api/views.h"
#include "store/members.h"

namespace paastech::api {
namespace {

constexpr std::size_t kMaxTokens = 100;    // of one Client
constexpr std::size_t kMaxProjects = 100;  // of one token

using Names = std::vector<std::string>;

boost::json::object token_json(const store::TokenRow& row, const Names& projects, std::int64_t now) {
  boost::json::object out{{"id", row.id},
                          {"name", row.name},
                          {"scope", to_text(row.scope)},
                          {"created_at", rfc3339(row.created_at)},
                          {"expired", has_ended(row, now)}};
  if (row.limited) out["projects"] = boost::json::array(projects.begin(), projects.end());
  if (row.expires_at > 0) out["expires_at"] = rfc3339(row.expires_at);
  if (row.last_used_at > 0) {
    out["last_used_at"] = rfc3339(row.last_used_at);
    out["address"] = row.address;
  }
  return out;
}

net::Task<Result<Answer>> list_tokens(CallPtr call) {
  using Tokens = std::pair<std::vector<store::TokenRow>, std::map<std::string, Names>>;
  auto load = [client = call->actor.client_id](store::Tx& tx) -> Result<Tokens> {
    Tokens out;
    TRY_ASSIGN(out.first, store::list_tokens(tx, client));
    TRY_ASSIGN(out.second, store::token_project_names(tx, client));
    return out;
  };
  CO_TRY_ASSIGN(Tokens tokens, co_await call->context().database.read(std::move(load)));
  boost::json::array list;
  for (const store::TokenRow& row : tokens.first)
    if (row.kind == "api") list.push_back(token_json(row, tokens.second[row.id], call->context().clock.now_ms()));
  co_return json_answer(200, items(std::move(list)));
}

// The ids of the Projects that the token may reach; each must be one that its maker may read.
Result<Names> ids_of(store::Tx& tx, const Actor& actor, const Names& names) {
  Names ids;
  for (const std::string& name : names) {
    Resource resource = Resource::missing_project(name);
    Result<store::ProjectRow> project = store::find_project(tx, name);
    if (!project && project.error().code != Code::kNotFound) return std::unexpected(project.error());
    if (project) {
      TRY_ASSIGN(const Role role, store::role_in(tx, *project, actor.client_id));
      resource = Resource::project(project->id, role, name);
    }
    TRY(allow(actor, Permission::kProjectRead, resource));
    if (std::find(ids.begin(), ids.end(), project->id) == ids.end()) ids.push_back(project->id);
  }
  return ids;
}

Status check_room(store::Tx& tx, const std::string& client_id) {
  TRY_ASSIGN(const std::vector<store::TokenRow> present, store::list_tokens(tx, client_id));
  const auto count = std::count_if(present.begin(), present.end(), [](const auto& row) { return row.kind == "api"; });
  if (static_cast<std::size_t>(count) < kMaxTokens) return {};
  return fail(Code::kFailedPrecondition, "you have 100 tokens already, which is the most",
              "revoke one first: paastech tokens revoke ID");
}

net::Task<Result<Answer>> create_token(CallPtr call) {
  Body body(call->body);
  const std::string name = body.text("name", 1, 100);
  const std::string scope_name = body.text("scope", 1, 20);
  const bool limited = call->body.contains("projects");
  const Names names = body.optional_list("projects", kMaxProjects, 36);
  const std::optional<std::int64_t> days = body.optional_number("expires_in_days", 1, 365);
  CO_TRY(body.finish());
  const std::optional<Scope> scope = scope_from_text(scope_name);
  if (!scope || *scope == Scope::kSession)
    co_return fail(Code::kInvalidArgument, "`scope` must be read, deploy or manage",
                   "read: look; deploy: also push and restart; manage: also variables, members and deletion");
  if (limited && names.empty())
    co_return fail(Code::kInvalidArgument, "`projects` must name a project", "leave it out for all your projects");
  store::TokenRow row;
  row.client_id = call->actor.client_id;
  row.kind = "api";
  row.name = safe_line(name);
  row.scope = *scope;
  row.limited = limited;
  if (days) row.expires_at = call->context().clock.now_ms() + *days * kDayMs;
  const NewToken made = call->services.auth.make_token(std::move(row));
  auto insert = [actor = call->actor, names, wanted = made.row](store::Tx& tx) -> Result<store::TokenRow> {
    store::TokenRow token = wanted;
    TRY(check_room(tx, token.client_id));
    TRY_ASSIGN(token.projects, ids_of(tx, actor, names));
    TRY(store_token(tx, token));
    return token;
  };
  CO_TRY_ASSIGN(store::TokenRow stored, co_await call->context().database.write(std::move(insert)));
  auto load = [client = stored.client_id](store::Tx& tx) { return store::token_project_names(tx, client); };
  CO_TRY_ASSIGN(auto projects, co_await call->context().database.read(std::move(load)));
  call->object = stored.id;
  boost::json::object out = token_json(stored, projects[stored.id], call->context().clock.now_ms());
  out["token"] = made.secret;
  co_return json_answer(201, out);
}

net::Task<Result<Answer>> revoke_token(CallPtr call) {
  const std::string client = call->actor.client_id;
  const std::string id = call->parameters["token"];
  auto remove = [client, id](store::Tx& tx) { return store::delete_token_of(tx, client, id, true); };
  CO_TRY_ASSIGN(bool removed, co_await call->context().database.write(std::move(remove)));
  if (!removed) co_return fail(Code::kNotFound, "you have no token of that id", "see them: paastech tokens list");
  call->services.streams.ask_again(client);
  co_return no_content();
}

}  // namespace

void add_token_routes(std::vector<Route>& routes) {
  const Permission manage = Permission::kAccountManage;
  routes.push_back({{"GET", "/api/v1/tokens", manage}, list_tokens});
  routes.push_back({{"POST", "/api/v1/tokens", manage, "token.create"}, create_token, BodyKind::kJson});
  routes.push_back({{"DELETE", "/api/v1/tokens/{token}", manage, "token.revoke"}, revoke_token});
}

}  // namespace paastech::api
