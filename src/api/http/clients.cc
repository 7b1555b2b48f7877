// Accounts as administrators see, make, change, suspend and delete them.
#include "api/account_mail.h"
#include "api/account_removal.h"
#include "api/json_body.h"
#include "api/list_page.h"
#include "api/route.h"
#include "api/text_out.h"
#include "api/usage.h"
#include "api/views.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/text.h"
#include "domain/names.h"
#include "domain/password.h"
#include "store/managed_clients.h"

namespace paastech::api {
namespace {

constexpr std::size_t kPasswordBytes = 18;  // random bytes of a made password: 24 characters, 144 bits

net::Task<Result<Answer>> create_client(CallPtr call) {
  Body body(call->body);
  store::ClientRow row;
  row.email = lower(body.text("email", 1, 254));
  row.username = lower(body.text("username", 1, 30));
  const std::optional<std::string> given = body.optional_text("password", 1, 512);
  row.administrator = body.optional_flag("administrator", false);
  const std::optional<std::string> plan = body.optional_text("plan", 1, 30);
  CO_TRY(body.finish());
  if (row.administrator) {
    CO_TRY(allow(call->actor, Permission::kAdministratorsManage, Resource::none()));
  }
  CO_TRY(check_email(row.email));
  CO_TRY(check_username(row.username));
  if (given) {
    CO_TRY(check_new_password(*given, row.username, row.email));
  }
  const std::string password = given ? *given : random_token(kPasswordBytes);
  CO_TRY_ASSIGN(row.password_hash, co_await call->services.auth.hash(password));
  row.id = new_uuid();
  row.created_at = call->context().clock.now_ms();
  row.confirmed_at = row.created_at;  // whom an administrator makes needs no mail
  row.plan = row.administrator ? kUnlimitedPlan : kDefaultPlan;
  auto insert = [row, plan](store::Tx& tx) -> Status {
    TRY(store::insert_client(tx, row));
    if (plan) TRY(store::set_plan_of(tx, row.id, *plan));
    return {};
  };
  CO_TRY(co_await call->context().database.write(std::move(insert)));
  call->object = row.username;
  boost::json::object out = to_json(row);
  if (!given) out["password"] = password;
  co_return json_answer(201, out);
}

boost::json::object described(const store::ManagedClient& client) {
  boost::json::object out = to_json(client.row);
  out["state"] = store::state_of(client);
  out["plan"] = client.row.plan;
  out["projects"] = client.projects;
  if (client.last_seen_at > 0) out["last_seen_at"] = rfc3339(client.last_seen_at);
  if (client.row.suspended_at > 0) out["suspended_at"] = rfc3339(client.row.suspended_at);
  if (!client.row.suspended_reason.empty()) out["suspended_reason"] = safe_text(client.row.suspended_reason);
  return out;
}

net::Task<Result<Answer>> list_clients(CallPtr call) {
  CO_TRY_ASSIGN(const ListPage page, read_page(call->query));
  store::ClientPage wanted;
  wanted.search = call->query.text("q");
  wanted.after = page.after;
  wanted.limit = page.rows();
  auto load = [wanted](store::Tx& tx) { return store::list_managed_clients(tx, wanted); };
  CO_TRY_ASSIGN(std::vector<store::ManagedClient> clients, co_await call->context().database.read(std::move(load)));
  const auto key = [](const store::ManagedClient& client) { return client.row.username; };
  co_return list_answer(std::move(clients), page, described, key);
}

net::Task<Result<Answer>> show_client(CallPtr call) {
  auto load = [wanted = call->parameters["client"]](store::Tx& tx) { return store::find_managed_client(tx, wanted); };
  CO_TRY_ASSIGN(const store::ManagedClient client, co_await call->context().database.read(std::move(load)));
  CO_TRY_ASSIGN(const ClientUsage usage, co_await client_usage(call->context(), client.row.id));
  boost::json::object out = described(client);
  out["usage"] = to_json(usage);
  co_return json_answer(200, out);
}

// What a change is made on: an account that has no end before it.
Result<store::ManagedClient> find_for_change(store::Tx& tx, const std::string& wanted) {
  TRY_ASSIGN(store::ManagedClient client, store::find_managed_client(tx, wanted));
  if (client.deleting) return fail(Code::kFailedPrecondition, client.row.username + "'s account is being deleted");
  return client;
}

Status change_role(store::Tx& tx, const store::ClientRow& client, bool administrator) {
  if (!administrator) TRY(store::spare_last_administrator(tx, client));
  if (administrator && client.confirmed_at == 0)
    return fail(Code::kFailedPrecondition, client.username + "'s address is not confirmed yet",
                "only who can log in can administer");
  return store::set_administrator(tx, client.id, administrator);
}

net::Task<Result<Answer>> change_client(CallPtr call) {
  Body body(call->body);
  const std::optional<std::string> plan = body.optional_text("plan", 1, 30);
  const bool names_role = call->body.contains("administrator");
  const bool administrator = body.optional_flag("administrator", false);
  CO_TRY(body.finish());
  if (names_role) {
    CO_TRY(allow(call->actor, Permission::kAdministratorsManage, Resource::none()));
  }
  auto work = [wanted = call->parameters["client"], plan, names_role,
               administrator](store::Tx& tx) -> Result<store::ManagedClient> {
    TRY_ASSIGN(const store::ManagedClient before, find_for_change(tx, wanted));
    if (plan) TRY(store::set_plan_of(tx, before.row.id, *plan));
    if (names_role) TRY(change_role(tx, before.row, administrator));
    return store::find_managed_client(tx, before.row.id);
  };
  CO_TRY_ASSIGN(const store::ManagedClient after, co_await call->context().database.write(std::move(work)));
  call->object = after.row.username;
  co_return json_answer(200, described(after));
}

// A token of a program may end other accounts, but no administrator's.
Status may_end(const Actor& actor, const store::ClientRow& client) {
  if (!client.administrator) return {};
  return allow(actor, Permission::kAdministratorsManage, Resource::none());
}

// Its logins end for good. Tokens for programs and SSH keys stay, refused, so that what uses them works again later.
Result<store::ManagedClient> suspend_now(store::Tx& tx, Context& context, const Actor& actor, const std::string& wanted,
                                         const std::string& reason) {
  TRY_ASSIGN(const store::ManagedClient client, find_for_change(tx, wanted));
  TRY(may_end(actor, client.row));
  TRY(store::spare_last_administrator(tx, client.row));
  const bool anew = client.row.suspended_at == 0;
  TRY(store::set_suspended(tx, client.row.id, anew ? context.clock.now_ms() : client.row.suspended_at, reason));
  TRY(store::delete_logins(tx, client.row.id, ""));
  if (anew) TRY(add_notice(tx, context, mail::account_suspended(recipient_of(context, client.row), reason)));
  return store::find_managed_client(tx, client.row.id);
}

// What the Applications then do is the controller's: its next comparison does it where this call is cut off.
net::Task<void> follow(Context& context, store::ClientRow client) {
  Status followed = co_await context.controller.follow_suspension(client.id);
  if (!followed) spdlog::warn("the Applications of {}: {}", client.username, followed.error().message);
}

net::Task<Result<Answer>> suspend(CallPtr call) {
  Body body(call->body);
  const std::string reason = body.text("reason", 1, 2'000);
  CO_TRY(body.finish());
  Context& context = call->context();
  auto work = [&context, actor = call->actor, wanted = call->parameters["client"], reason](store::Tx& tx) {
    return suspend_now(tx, context, actor, wanted, reason);
  };
  CO_TRY_ASSIGN(const store::ManagedClient client, co_await context.database.write(std::move(work)));
  call->object = client.row.username;
  call->services.streams.ask_again(client.row.id);
  co_await follow(context, client.row);
  co_return json_answer(200, described(client));
}

net::Task<Result<Answer>> resume(CallPtr call) {
  auto work = [wanted = call->parameters["client"]](store::Tx& tx) -> Result<store::ManagedClient> {
    TRY_ASSIGN(const store::ManagedClient client, find_for_change(tx, wanted));
    TRY(store::set_suspended(tx, client.row.id, 0));
    return store::find_managed_client(tx, client.row.id);
  };
  CO_TRY_ASSIGN(const store::ManagedClient client, co_await call->context().database.write(std::move(work)));
  call->object = client.row.username;
  co_await follow(call->context(), client.row);
  co_return json_answer(200, described(client));
}

net::Task<Result<Answer>> delete_client(CallPtr call) {
  auto load = [wanted = call->parameters["client"]](store::Tx& tx) { return store::find_managed_client(tx, wanted); };
  CO_TRY_ASSIGN(const store::ManagedClient client, co_await call->context().database.read(std::move(load)));
  const std::string& name = client.row.username;
  call->object = name;
  CO_TRY(may_end(call->actor, client.row));
  if (call->query.text("confirm") != name)
    co_return fail(Code::kInvalidArgument,
                   "deleting " + name + "'s account, and its " + std::to_string(client.projects) +
                       " projects, is not confirmed: `confirm` is not its user name",
                   "repeat the request with ?confirm=" + name);
  CO_TRY(co_await remove_account(call->context(), client.row.id));
  call->services.streams.ask_again(client.row.id);
  co_return json_answer(202, {{"state", "deleting"}});
}

}  // namespace

void add_client_routes(std::vector<Route>& routes) {
  constexpr Permission kAdministrators = Permission::kClientsManage;
  routes.push_back(
      {{"GET", "/api/v1/clients", kAdministrators}, list_clients, BodyKind::kNone, {"q", "limit", "cursor"}});
  routes.push_back({{"POST", "/api/v1/clients", kAdministrators, "client.create"}, create_client, BodyKind::kJson});
  routes.push_back({{"GET", "/api/v1/clients/{client}", kAdministrators}, show_client});
  routes.push_back(
      {{"PATCH", "/api/v1/clients/{client}", kAdministrators, "client.update"}, change_client, BodyKind::kJson});
  routes.push_back({{"DELETE", "/api/v1/clients/{client}", kAdministrators, "client.delete"},
                    delete_client,
                    BodyKind::kNone,
                    {"confirm"}});
  routes.push_back(
      {{"POST", "/api/v1/clients/{client}/suspend", kAdministrators, "client.suspend"}, suspend, BodyKind::kJson});
  routes.push_back({{"POST", "/api/v1/clients/{client}/resume", kAdministrators, "client.resume"}, resume});
}

}  // namespace paastech::api
