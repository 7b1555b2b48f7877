// Signing up and confirming addresses.
#include "api/sign_up.h"

#include "api/json_body.h"
#include "api/views.h"

namespace paastech::api {
namespace {

net::Task<Result<Answer>> create_account(CallPtr call) {
  Body body(call->body);
  SignUpRequest wanted;
  wanted.email = body.text("email", 1, 254);
  wanted.username = body.text("username", 1, 30);
  wanted.password = body.text("password", 1, 512);  // 128 characters
  wanted.invitation = body.optional_text("invitation", 1, 100).value_or("");
  CO_TRY(body.finish());
  CO_TRY_ASSIGN(const std::optional<store::ClientRow> client, co_await sign_up(call, std::move(wanted)));
  if (client) co_return json_answer(201, to_json(*client));
  co_return json_answer(202, {{"state", "confirmation_mailed"}});
}

net::Task<Result<Answer>> confirm(CallPtr call) {
  Body body(call->body);
  std::string secret = body.text("secret", 1, 100);
  std::string password = body.optional_text("password", 1, 512).value_or("");
  CO_TRY(body.finish());
  CO_TRY_ASSIGN(const Proven proven, co_await confirm_address(call, std::move(secret), std::move(password)));
  co_return json_answer(200, {{"email", proven.email}, {"username", proven.username}});
}

net::Task<Result<Answer>> mail_again(CallPtr call) {
  Body body(call->body);
  std::string email = body.text("email", 1, 254);
  CO_TRY(body.finish());
  CO_TRY(co_await send_confirmation(call, std::move(email)));
  co_return json_answer(202, {{"state", "confirmation_mailed"}});
}

}  // namespace

void add_sign_up_routes(std::vector<Route>& routes) {
  routes.push_back(
      {{"POST", "/api/v1/signup", Permission::kPublic, "account.create"}, create_account, BodyKind::kJson});
  routes.push_back(
      {{"POST", "/api/v1/confirmations", Permission::kPublic, "account.confirm"}, confirm, BodyKind::kJson});
  routes.push_back({{"POST", "/api/v1/confirmations/resend", Permission::kPublic, "account.ask_confirmation"},
                    mail_again,
                    BodyKind::kJson});
}

}  // namespace paastech::api
