// Passwords set anew by a link, and changed.
#include "api/account_mail.h"
#include "api/json_body.h"
#include "api/login.h"
#include "api/password_reset.h"
#include "base/clock.h"
#include "base/ids.h"
#include "domain/password.h"
#include "store/accounts.h"

namespace paastech::api {
namespace {

net::Task<Result<Answer>> ask_reset(CallPtr call) {
  Body body(call->body);
  std::string email = body.text("email", 1, 254);
  CO_TRY(body.finish());
  CO_TRY(co_await ask_password_reset(call, std::move(email)));
  co_return json_answer(202, {{"state", "reset_mailed"}});
}

net::Task<Result<Answer>> complete_reset(CallPtr call) {
  Body body(call->body);
  std::string secret = body.text("secret", 1, 100);
  std::string password = body.text("password", 1, 512);
  CO_TRY(body.finish());
  CO_TRY_ASSIGN(const std::int64_t ended,
                co_await complete_password_reset(call, std::move(secret), std::move(password)));
  co_return json_answer(200, {{"sessions_ended", ended}});
}

net::Task<Result<Answer>> change_password(CallPtr call) {
  Body body(call->body);
  std::string current = body.text("current", 1, 512);
  const std::string password = body.text("password", 1, 512);
  CO_TRY(body.finish());
  const store::ClientRow client = call->identity->client;
  CO_TRY(co_await prove_password_again(call, std::move(current)));
  CO_TRY(check_new_password(password, client.username, client.email));
  CO_TRY_ASSIGN(const std::string hash, co_await call->services.auth.hash(password));
  auto work = [&context = call->context(), client, hash, token = call->identity->token.id,
               address = call->address](store::Tx& tx) -> Result<std::int64_t> {
    TRY(store::set_password_hash(tx, client.id, hash));
    return after_password_change(tx, context, client, token, address);
  };
  CO_TRY_ASSIGN(const std::int64_t ended, co_await call->context().database.write(std::move(work)));
  call->services.streams.ask_again(client.id);
  co_return json_answer(200, {{"sessions_ended", ended}});
}

// By an administrator, for somebody whom mails do not reach: the link is handed over some other way.
net::Task<Result<Answer>> make_reset_link(CallPtr call) {
  Context& context = call->context();
  const std::string wanted = call->parameters["client"];
  auto work = [&context, wanted](store::Tx& tx) -> Result<NewLink> {
    Result<store::ClientRow> client =
        is_uuid(wanted) ? store::find_client(tx, wanted) : store::find_client_by_username(tx, wanted);
    if (!client) return std::unexpected(client.error());
    NewLink link = make_link(context, client->id, store::kResetPassword, client->email, kResetFor);
    TRY(store::insert_link(tx, link.row));
    return link;
  };
  CO_TRY_ASSIGN(const NewLink link, co_await context.database.write(std::move(work)));
  co_return json_answer(
      201, {{"link", link_to(context, "/reset", link.secret)}, {"expires_at", rfc3339(link.row.expires_at)}});
}

}  // namespace

void add_password_routes(std::vector<Route>& routes) {
  routes.push_back(
      {{"POST", "/api/v1/password-resets", Permission::kPublic, "password.ask_reset"}, ask_reset, BodyKind::kJson});
  routes.push_back({{"POST", "/api/v1/password-resets/complete", Permission::kPublic, "password.reset"},
                    complete_reset,
                    BodyKind::kJson});
  routes.push_back({{"POST", "/api/v1/me/password", Permission::kAccountManage, "password.change"},
                    change_password,
                    BodyKind::kJson});
  routes.push_back(
      {{"POST", "/api/v1/clients/{client}/reset-link", Permission::kAdministratorsManage, "password.make_link"},
       make_reset_link});
}

}  // namespace paastech::api
