// Logging in and out, and the list of one's logins.
#include "api/json_body.h"
#include "api/login.h"
#include "api/origin.h"
#include "api/refusal.h"
#include "api/route.h"
#include "api/views.h"

namespace paastech::api {
namespace {

net::Task<Result<Answer>> log_in(CallPtr call) {
  Body body(call->body);
  const std::string email = body.text("email", 1, 254);  // RFC 5321 section 4.5.3.1.3
  const std::string password = body.text("password", 1, 512);
  const std::optional<std::string> code = body.optional_text("code", 1, 100);
  const std::string name = body.optional_text("name", 1, 100).value_or("API");
  const bool cookie = body.optional_flag("cookie", false);
  CO_TRY(body.finish());
  if (cookie) {
    CO_TRY(check_cookies(*call));
  }
  CO_TRY_ASSIGN(store::ClientRow client, co_await prove_password(call, email, password));
  if (client.second_factor()) {
    if (!code)
      co_return refuse(*call, 401, "second_factor_required",
                       {Code::kUnauthenticated, "your account asks for a code besides the password",
                        "send the code of your authenticator, or a recovery code, as `code`"});
    CO_TRY(co_await prove_code(call, client, *code));
  }
  const std::string kind = cookie ? "web" : "cli";
  CO_TRY_ASSIGN(NewToken token, co_await start_session(call, client, kind, name));
  boost::json::object out;
  if (cookie) {
    const Site site(call->context().address.api_url);
    call->answer_headers.add("Set-Cookie", site.set_cookie(token.secret, kWebLoginMs / 1000));
  } else {
    out["token"] = token.secret;
  }
  out["token_id"] = token.row.id;
  out["client"] = to_json(client);
  co_return json_answer(201, out);
}

net::Task<Result<Answer>> log_out(CallPtr call) {
  const std::string id = call->identity->token.id;
  auto remove = [id](store::Tx& tx) { return store::delete_token(tx, id); };
  CO_TRY(co_await call->context().database.write(std::move(remove)));
  call->services.streams.ask_again(call->actor.client_id);
  const Site site(call->context().address.api_url);
  if (!site.token_in(call->request).empty()) call->answer_headers.add("Set-Cookie", site.clear_cookie());
  co_return no_content();
}

net::Task<Result<Answer>> list_sessions(CallPtr call) {
  auto load = [client = call->actor.client_id](store::Tx& tx) { return store::list_tokens(tx, client); };
  CO_TRY_ASSIGN(std::vector<store::TokenRow> rows, co_await call->context().database.read(std::move(load)));
  const std::int64_t now = call->context().clock.now_ms();
  boost::json::array list;
  for (const store::TokenRow& row : rows) {
    if (row.kind == "api" || has_ended(row, now)) continue;
    list.push_back({{"id", row.id},
                    {"name", row.name},
                    {"kind", row.kind},
                    {"address", row.address},
                    {"created_at", rfc3339(row.created_at)},
                    {"last_used_at", rfc3339(row.last_used_at)},
                    {"current", row.id == call->identity->token.id}});
  }
  co_return json_answer(200, items(std::move(list)));
}

net::Task<Result<Answer>> end_session(CallPtr call) {
  const std::string client = call->actor.client_id;
  const std::string id = call->parameters["session"];
  auto remove = [client, id](store::Tx& tx) { return store::delete_token_of(tx, client, id, false); };
  CO_TRY_ASSIGN(bool removed, co_await call->context().database.write(std::move(remove)));
  if (!removed) co_return fail(Code::kNotFound, "you have no login of that id", "see them: paastech sessions list");
  call->services.streams.ask_again(client);
  co_return no_content();
}

net::Task<Result<Answer>> end_other_sessions(CallPtr call) {
  const std::string client = call->actor.client_id;
  const std::string current = call->identity->token.id;
  auto remove = [client, current](store::Tx& tx) { return store::delete_logins(tx, client, current); };
  CO_TRY_ASSIGN(std::int64_t ended, co_await call->context().database.write(std::move(remove)));
  call->services.streams.ask_again(client);
  boost::json::object out;
  out["ended"] = ended;
  co_return json_answer(200, out);
}

}  // namespace

void add_session_routes(std::vector<Route>& routes) {
  const Permission manage = Permission::kAccountManage;
  routes.push_back({{"POST", "/api/v1/sessions", Permission::kPublic, "session.create"}, log_in, BodyKind::kJson});
  routes.push_back({{"GET", "/api/v1/sessions", manage}, list_sessions});
  routes.push_back({{"DELETE", "/api/v1/sessions", manage, "session.end_others"}, end_other_sessions});
  routes.push_back({{"DELETE", "/api/v1/sessions/current", Permission::kAccountRead, "session.end"}, log_out});
  routes.push_back({{"DELETE", "/api/v1/sessions/{session}", manage, "session.end"}, end_session});
}

}  // namespace paastech::api
