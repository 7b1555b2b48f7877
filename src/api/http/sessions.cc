// Logging in and out.
#include "api/json_body.h"
#include "api/route.h"
#include "api/text_out.h"
#include "api/views.h"

namespace paastech::api {
namespace {

net::Task<Result<Answer>> log_in(CallPtr call) {
  Body body(call->body);
  const std::string email = body.text("email", 1, 254);  // RFC 5321 section 4.5.3.1.3
  const std::string password = body.text("password", 1, 128);
  const std::string name = body.optional_text("name", 1, 100).value_or("API");
  CO_TRY(body.finish());
  Services& services = call->services;
  CO_TRY_ASSIGN(Login login, co_await services.auth.check_login(email, password, call->request.peer));
  if (login.retry_after_ms > 0) {
    const std::string seconds = std::to_string((login.retry_after_ms + 999) / 1000);
    call->answer_headers.add("Retry-After", seconds);
    co_return fail(Code::kResourceExhausted, "too many failed logins within a minute",
                   "wait " + seconds + " seconds and try again");
  }
  if (!login.client)
    co_return fail(Code::kUnauthenticated, "the e-mail address or the password is wrong",
                   "check both; an administrator can make you an account");
  CO_TRY_ASSIGN(NewToken token, co_await services.auth.issue_token(login.client->id, safe_line(name)));
  boost::json::object out;
  out["token"] = token.secret;
  out["token_id"] = token.row.id;
  out["client"] = to_json(*login.client);
  co_return json_answer(201, out);
}

net::Task<Result<Answer>> log_out(CallPtr call) {
  const std::string id = call->identity->token_id;
  auto remove = [id](store::Tx& tx) { return store::delete_token(tx, id); };
  CO_TRY(co_await call->context().database.write(std::move(remove)));
  net::HttpResponse done;
  done.status = 204;
  co_return done;
}

}  // namespace

void add_session_routes(std::vector<Route>& routes) {
  routes.push_back({{"POST", "/api/v1/sessions", Permission::kPublic}, log_in, true});
  routes.push_back({{"DELETE", "/api/v1/sessions/current", Permission::kAccount}, log_out});
}

}  // namespace paastech::api
