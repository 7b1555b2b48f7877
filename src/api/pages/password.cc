// A forgotten password: asking for the link, and the page of the link. Looking uses it up as little as with the others.
#include <fmt/format.h>

#include "api/json_body.h"
#include "api/pages/form_page.h"
#include "api/pages/page.h"
#include "api/password_reset.h"

namespace paastech::api {
namespace {

constexpr std::string_view kForgot = "Forgot your password?";
constexpr std::string_view kReset = "Set a new password";

std::string forgot_form(const std::string& email) {
  return form("/forgot",
              input({.name = "email",
                     .label = "E-mail address",
                     .type = "email",
                     .autocomplete = "username",
                     .value = email,
                     .hint = "That of your account; a link goes there"}),
              "Send the link");
}

std::string reset_form(const std::string& secret) {
  return form("/reset",
              hidden("secret", secret) + input({.name = "password",
                                                .label = "New password",
                                                .type = "password",
                                                .autocomplete = "new-password",
                                                .hint = "10 characters at least; four words by chance are good"}),
              "Set it");
}

Result<Answer> password_again(Error error, std::string_view title, const std::string& form_text) {
  return form_again(std::move(error), {Code::kInvalidArgument, Code::kResourceExhausted}, title, form_text);
}

net::Task<Result<Answer>> show_forgot(CallPtr) { co_return page(200, kForgot, forgot_form("")); }

net::Task<Result<Answer>> take_forgot(CallPtr call) {
  Body body(call->body);
  const std::string email = body.text("email", 0, 254);
  CO_TRY(body.finish());
  const Status asked = co_await ask_password_reset(call, email);
  if (!asked) co_return password_again(asked.error(), kForgot, forgot_form(email));
  co_return page(
      202, "Look into your mailbox",
      fmt::format("<p>If there is an account with the address <strong>{}</strong>, a link to set a new password "
                  "is on its way there. It works for an hour.</p>\n",
                  escaped(email)));
}

net::Task<Result<Answer>> show_reset(CallPtr call) {
  CO_TRY_ASSIGN(const std::string secret, link_secret(*call));
  CO_TRY_ASSIGN(const std::string username, co_await look_at_password_reset(call, secret));
  co_return page(
      200, kReset,
      fmt::format(
          "<p>Of the account <strong>{}</strong>. All its logins end with that; tokens for programs stay.</p>\n",
          escaped(username)) +
          reset_form(secret));
}

net::Task<Result<Answer>> take_reset(CallPtr call) {
  Body body(call->body);
  const std::string secret = body.text("secret", 1, 100);
  const std::string password = body.text("password", 0, 512);
  CO_TRY(body.finish());
  Result<std::int64_t> ended = co_await complete_password_reset(call, secret, password);
  if (!ended) co_return password_again(ended.error(), kReset, reset_form(secret));
  co_return page(
      200, "Your password is set",
      fmt::format("<p>Logins that ended: {}. You can <a href=\"/login\">log in</a> with the new password.</p>\n",
                  *ended));
}

}  // namespace

void add_password_pages(std::vector<Route>& routes) {
  routes.push_back({{"GET", "/forgot", Permission::kPublic, "", true}, show_forgot});
  routes.push_back(
      {{"POST", "/forgot", Permission::kPublic, "password.ask_reset", true}, take_forgot, BodyKind::kForm});
  routes.push_back({{"GET", "/reset", Permission::kPublic, "", true}, show_reset, BodyKind::kNone, {"secret"}});
  routes.push_back({{"POST", "/reset", Permission::kPublic, "password.reset", true}, take_reset, BodyKind::kForm});
}

}  // namespace paastech::api
