// Signing up, by invitation or where everybody may, and the page of the link that confirms an address. Looking uses no
// link up, for mail scanners open them: the button does.
#include "api/sign_up.h"

#include <fmt/format.h>

#include "api/json_body.h"
#include "api/pages/form_page.h"
#include "api/pages/page.h"
#include "base/error.h"
#include "store/invitations.h"

namespace paastech::api {
namespace {

constexpr std::string_view kSignUpTitle = "Make an account";
constexpr std::string_view kPasswordHint = "10 characters at least; four words by chance are good";

// With an invitation its address is given and cannot be changed.
std::string sign_up_form(const SignUpRequest& wanted) {
  std::string fields;
  if (wanted.invitation.empty()) {
    fields += input(
        {.name = "email", .label = "E-mail address", .type = "email", .autocomplete = "email", .value = wanted.email});
  } else {
    fields += hidden("invitation", wanted.invitation) + hidden("email", wanted.email);
    fields += fmt::format("<p>Your address: <strong>{}</strong></p>\n", escaped(wanted.email));
  }
  fields += input({.name = "username",
                   .label = "User name",
                   .autocomplete = "username",
                   .value = wanted.username,
                   .hint = "3 to 30 letters, digits, - and _; others can see it"});
  fields += input({.name = "password",
                   .label = "Password",
                   .type = "password",
                   .autocomplete = "new-password",
                   .hint = std::string(kPasswordHint)});
  return form("/signup", fields, "Make the account");
}

Result<Answer> again(Error error, const SignUpRequest& wanted) {
  return form_again(std::move(error), {Code::kInvalidArgument, Code::kAlreadyExists, Code::kResourceExhausted},
                    kSignUpTitle, sign_up_form(wanted));
}

net::Task<Result<Answer>> show_sign_up(CallPtr call) {
  const AccountOptions& options = call->context().accounts;
  if (options.sign_up == SignUp::kOpen) co_return page(200, kSignUpTitle, sign_up_form({}));
  const std::string why = options.sign_up == SignUp::kClosed
                              ? "<p>This Service takes no new accounts. Ask its administrator for one.</p>\n"
                              : "<p>Accounts of this Service are by invitation only. Open the link of your invitation, "
                                "or ask the administrator for one.</p>\n";
  co_return page(200, kSignUpTitle, why + "<p><a href=\"/login\">Log in</a></p>\n");
}

net::Task<Result<Answer>> show_invitation(CallPtr call) {
  CO_TRY_ASSIGN(const std::string secret, link_secret(*call));
  auto find = [hash = token_hash(secret), now = call->context().clock.now_ms()](store::Tx& tx) {
    return store::find_invitation(tx, hash, now);
  };
  CO_TRY_ASSIGN(const store::InvitationRow row, co_await call->context().database.read(std::move(find)));
  const SignUpRequest wanted{.email = row.email, .username = {}, .password = {}, .invitation = secret};
  co_return page(200, kSignUpTitle,
                 fmt::format("<p><strong>{}</strong> invites you to {}.</p>\n", escaped(row.inviter),
                             escaped(call->context().address.fqdn)) +
                     sign_up_form(wanted));
}

net::Task<Result<Answer>> take_sign_up(CallPtr call) {
  Body body(call->body);
  SignUpRequest wanted;
  wanted.email = body.text("email", 0, 254);
  wanted.username = body.text("username", 0, 30);
  wanted.password = body.text("password", 0, 512);
  wanted.invitation = body.optional_text("invitation", 1, 100).value_or("");
  const Status read = body.finish();
  if (!read) co_return again(read.error(), wanted);
  Result<std::optional<store::ClientRow>> client = co_await sign_up(call, wanted);
  if (!client) co_return again(client.error(), wanted);
  if (*client)
    co_return page(200, "Your account is there",
                   fmt::format("<p>Welcome, <strong>{}</strong>. You can <a href=\"/login\">log in</a> now.</p>\n",
                               escaped((*client)->username)));
  co_return page(
      202, "Look into your mailbox",
      fmt::format("<p>A message is on its way to <strong>{}</strong>. Open the link in it within a day; until "
                  "then you cannot log in.</p>\n",
                  escaped(wanted.email)));
}

constexpr std::string_view kConfirm = "Confirm your address";

// A new address of an account needs no password: who asked for it was logged in.
std::string confirmation_form(const Proven& proven, const std::string& secret) {
  const std::string who = fmt::format(
      "<p>The account <strong>{}</strong> uses the address <strong>{}</strong>. If it is yours, confirm it. "
      "If you know of no such account, close this page.</p>\n",
      escaped(proven.username), escaped(proven.email));
  std::string fields = hidden("secret", secret);
  if (!proven.needs_password) return who + form("/confirm", fields, "Confirm the address");
  fields += input({.name = "password",
                   .label = "Password",
                   .type = "password",
                   .autocomplete = "current-password",
                   .hint = "The one that the account was made with"});
  return who + form("/confirm", fields, "Confirm the address") +
         "<p>Not your password? <a href=\"/forgot\">Set a new one</a>, which confirms the address too.</p>\n";
}

net::Task<Result<Answer>> show_confirmation(CallPtr call) {
  CO_TRY_ASSIGN(const std::string secret, link_secret(*call));
  CO_TRY_ASSIGN(const Proven proven, co_await look_at_confirmation(call, secret));
  co_return page(200, kConfirm, confirmation_form(proven, secret));
}

net::Task<Result<Answer>> take_confirmation(CallPtr call) {
  Body body(call->body);
  const std::string secret = body.text("secret", 1, 100);
  const std::string password = body.optional_text("password", 0, 512).value_or("");
  CO_TRY(body.finish());
  const Result<Proven> confirmed = co_await confirm_address(call, secret, password);
  if (!confirmed) {
    // The form once more; what is not about the password goes its usual way.
    const Error& error = confirmed.error();
    if (error.code != Code::kInvalidArgument && error.code != Code::kPermissionDenied &&
        error.code != Code::kResourceExhausted)
      co_return std::unexpected(error);
    CO_TRY_ASSIGN(const Proven wanted, co_await look_at_confirmation(call, secret));
    co_return page(http_status(error.code), kConfirm, refusal(error) + confirmation_form(wanted, secret));
  }
  const Proven& proven = *confirmed;
  co_return page(200, "Your address is confirmed",
                 fmt::format("<p>{} is the address of the account <strong>{}</strong>. You can <a href=\"/login\">log "
                             "in</a> with it.</p>\n",
                             escaped(proven.email), escaped(proven.username)));
}

}  // namespace

void add_sign_up_pages(std::vector<Route>& routes) {
  routes.push_back({{"GET", "/signup", Permission::kPublic, "", true}, show_sign_up});
  routes.push_back({{"POST", "/signup", Permission::kPublic, "account.create", true}, take_sign_up, BodyKind::kForm});
  routes.push_back(
      {{"GET", "/invitation", Permission::kPublic, "", true}, show_invitation, BodyKind::kNone, {"secret"}});
  routes.push_back(
      {{"GET", "/confirm", Permission::kPublic, "", true}, show_confirmation, BodyKind::kNone, {"secret"}});
  routes.push_back(
      {{"POST", "/confirm", Permission::kPublic, "account.confirm", true}, take_confirmation, BodyKind::kForm});
}

}  // namespace paastech::api
