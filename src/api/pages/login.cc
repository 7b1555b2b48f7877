// Logging in and out with a browser: two forms, the second for whoever has a second factor.
#include "api/login.h"
#include "api/json_body.h"
#include "api/origin.h"
#include "api/pages/form_page.h"
#include "api/pages/page.h"
#include "api/route.h"

namespace paastech::api {
namespace {

std::string password_form(const std::string& email, const std::string& then) {
  std::string fields =
      input({.name = "email", .label = "E-mail address", .type = "email", .autocomplete = "username", .value = email});
  fields += input({.name = "password", .label = "Password", .type = "password", .autocomplete = "current-password"});
  if (!then.empty()) fields += hidden("then", then);
  return form("/login", fields, "Log in") + "<p><a href=\"/forgot\">Forgot your password?</a></p>\n";
}

std::string code_form(const std::string& ticket, const std::string& then) {
  std::string fields = input({.name = "code",
                              .label = "Code",
                              .autocomplete = "one-time-code",
                              .hint = "What your authenticator shows now, or one of your recovery codes"});
  fields += hidden("ticket", ticket);
  if (!then.empty()) fields += hidden("then", then);
  return form("/login", fields, "Go on");
}

net::HttpResponse logged_in_page(const store::ClientRow& client) {
  return page(200, "You are logged in",
              "<p>You are logged in as <strong>" + escaped(client.username) + "</strong>.</p>\n" +
                  form("/logout", "", "Log out"));
}

net::Task<Result<Answer>> show_login(CallPtr call) {
  CO_TRY(check_cookies(*call));
  if (call->identity) co_return logged_in_page(call->identity->client);
  co_return page(200, "Log in", password_form("", local_path(call->query.text("then"))));
}

Result<Answer> login_again(Error error, const std::string& form_text) {
  return form_again(std::move(error), {Code::kUnauthenticated, Code::kResourceExhausted, Code::kPermissionDenied},
                    "Log in", form_text);
}

net::Task<Result<Answer>> enter(CallPtr call, store::ClientRow client, std::string then) {
  CO_TRY_ASSIGN(NewToken token, co_await start_session(call, client, "web", "browser"));
  const Site site(call->context().address.api_url);
  call->answer_headers.add("Set-Cookie", site.set_cookie(token.secret, kWebLoginMs / 1000));
  net::HttpResponse response;
  response.status = 303;
  response.headers.add("Location", then.empty() ? "/login" : then);
  co_return response;
}

net::Task<Result<Answer>> take_code(CallPtr call, std::string ticket, std::string code, std::string then) {
  Result<store::ClientRow> client = co_await redeem_ticket(call, ticket);
  if (!client) co_return login_again(client.error(), password_form("", then));
  Status right = co_await prove_code(call, *client, code);
  if (!right) co_return login_again(right.error(), code_form(ticket, then));
  Result<Answer> entered = co_await enter(call, std::move(*client), then);
  co_return entered;
}

net::Task<Result<Answer>> take_login(CallPtr call) {
  CO_TRY(check_cookies(*call));
  Body body(call->body);
  const std::string then = local_path(body.optional_text("then", 0, 512).value_or(""));
  const std::optional<std::string> ticket = body.optional_text("ticket", 1, 1024);
  if (ticket) {
    const std::string code = body.text("code", 1, 100);
    CO_TRY(body.finish());
    Result<Answer> answer = co_await take_code(call, *ticket, code, then);
    co_return answer;
  }
  const std::string email = body.text("email", 1, 254);
  const std::string password = body.text("password", 1, 512);
  CO_TRY(body.finish());
  Result<store::ClientRow> client = co_await prove_password(call, email, password);
  if (!client) co_return login_again(client.error(), password_form(email, then));
  if (client->second_factor()) {
    call->audited = true;  // nothing has happened yet
    co_return page(200, "Second step", code_form(make_ticket(call->context(), *client), then));
  }
  Result<Answer> entered = co_await enter(call, std::move(*client), then);
  co_return entered;
}

net::Task<Result<Answer>> log_out_page(CallPtr call) {
  if (call->identity) {
    auto remove = [id = call->identity->token.id](store::Tx& tx) { return store::delete_token(tx, id); };
    CO_TRY(co_await call->context().database.write(std::move(remove)));
    call->services.streams.ask_again(call->actor.client_id);
    call->answer_headers.add("Set-Cookie", Site(call->context().address.api_url).clear_cookie());
  } else {
    call->audited = true;  // nothing has ended
  }
  co_return page(200, "You are logged out", "<p><a href=\"/login\">Log in again</a></p>\n");
}

}  // namespace

void add_login_pages(std::vector<Route>& routes) {
  const Permission anybody = Permission::kPublic;
  routes.push_back({{"GET", "/login", anybody, "", true}, show_login, BodyKind::kNone, {"then"}});
  routes.push_back({{"POST", "/login", anybody, "session.create", true}, take_login, BodyKind::kForm});
  routes.push_back({{"POST", "/logout", anybody, "session.end", true}, log_out_page, BodyKind::kForm});
}

}  // namespace paastech::api
