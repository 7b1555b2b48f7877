// Accounts, made by administrators.
#include "api/json_body.h"
#include "api/route.h"
#include "api/views.h"
#include "base/ids.h"
#include "base/text.h"
#include "domain/names.h"

namespace paastech::api {
namespace {

constexpr std::size_t kPasswordBytes = 18;  // random bytes of a made password: 24 characters, 144 bits

net::Task<Result<Answer>> create_client(CallPtr call) {
  Body body(call->body);
  store::ClientRow row;
  row.email = lower(body.text("email", 1, 254));
  row.username = lower(body.text("username", 1, 30));
  const std::optional<std::string> given = body.optional_text("password", 1, 128);
  row.administrator = body.optional_flag("administrator", false);
  CO_TRY(body.finish());
  CO_TRY(check_email(row.email));
  CO_TRY(check_username(row.username));
  const std::string password = given ? *given : random_token(kPasswordBytes);
  CO_TRY(check_password(password));
  row.password_hash = co_await call->services.auth.hash(password);
  row.id = new_uuid();
  row.created_at = call->context().clock.now_ms();
  auto insert = [row](store::Tx& tx) { return store::insert_client(tx, row); };
  CO_TRY(co_await call->context().database.write(std::move(insert)));
  boost::json::object out = to_json(row);
  if (!given) out["password"] = password;
  co_return json_answer(201, out);
}

}  // namespace

void add_client_routes(std::vector<Route>& routes) {
  routes.push_back({{"POST", "/api/v1/clients", Permission::kClientsManage}, create_client, true});
}

}  // namespace paastech::api
