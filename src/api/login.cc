#include "api/login.h"

#include <charconv>

#include "api/account_mail.h"
#include "api/origin.h"
#include "api/refusal.h"
#include "api/text_out.h"
#include "base/ids.h"
#include "base/text.h"

namespace paastech::api {
namespace {

constexpr std::int64_t kTicketMs = 300'000;
constexpr std::string_view kTicketContext = "login/second-factor";
constexpr std::string_view kFailures = "failed logins within a minute";

std::unexpected<Error> ticket_over() {
  return fail(Code::kUnauthenticated, "this login took too long", "begin again with your e-mail address and password");
}

// What a check gave: who proved it, or why not.
Result<store::ClientRow> proven(Call& call, Login login, Error wrong) {
  if (login.retry_after_ms > 0) return too_many(call, login.retry_after_ms, kFailures);
  if (!login.client) return std::unexpected(std::move(wrong));
  return std::move(*login.client);
}

}  // namespace

Status may_log_in(const store::ClientRow& client) {
  if (client.suspended_at == 0) return {};
  const std::string why = client.suspended_reason.empty() ? "" : ": " + safe_text(client.suspended_reason);
  return fail(Code::kPermissionDenied, "your account is suspended" + why, "ask the administrator of this Service");
}

net::Task<Result<store::ClientRow>> prove_password(CallPtr call, std::string email, std::string password) {
  CO_TRY_ASSIGN(Login login,
                co_await call->services.auth.check_login(std::move(email), std::move(password), call->address));
  CO_TRY_ASSIGN(store::ClientRow client,
                proven(*call, std::move(login),
                       {Code::kUnauthenticated, "the e-mail address or the password is wrong",
                        "check both; who has just signed up opens the link in the mail first"}));
  call->tried = client;
  CO_TRY(may_log_in(client));
  co_return client;
}

net::Task<Status> prove_password_of(CallPtr call, store::ClientRow client, std::string password) {
  CO_TRY_ASSIGN(Login login,
                co_await call->services.auth.check_password(std::move(client), std::move(password), call->address));
  CO_TRY(proven(*call, std::move(login),
                {Code::kPermissionDenied, "the password is wrong", "give the password of your account"}));
  co_return Status{};
}

net::Task<Status> prove_password_again(CallPtr call, std::string password) {
  Status proven = co_await prove_password_of(call, call->identity->client, std::move(password));
  co_return proven;
}

net::Task<Status> prove_code(CallPtr call, store::ClientRow client, std::string code) {
  CO_TRY_ASSIGN(Login login,
                co_await call->services.auth.check_code(std::move(client), std::move(code), call->address));
  CO_TRY(proven(*call, std::move(login),
                {Code::kUnauthenticated, "the code is wrong, or was used already",
                 "wait for the next code of your authenticator, or use a recovery code"}));
  co_return Status{};
}

net::Task<Result<NewToken>> start_session(CallPtr call, store::ClientRow client, std::string kind, std::string name) {
  store::TokenRow row;
  row.client_id = client.id;
  row.kind = std::move(kind);
  row.name = safe_line(name);
  row.address = call->address;
  NewToken token = call->services.auth.make_token(std::move(row));
  Context& context = call->context();
  auto begin = [&context, client, row = token.row](store::Tx& tx) -> Status {
    TRY(add_login_notice(tx, context, client, row));
    return store_token(tx, row);
  };
  CO_TRY(co_await context.database.write(std::move(begin)));
  co_return token;
}

Status check_cookies(const Call& call) {
  const Site site(call.services.context.address.api_url);
  if (!site.cookie_name().empty()) return {};
  return fail(
      Code::kFailedPrecondition,
      "there are no logins in a browser at " + site.origin() + ", for over http everybody between could take them over",
      "the administrator sets service.api_url to an https address; paastech login --email works meanwhile");
}

std::string make_ticket(const Context& context, const store::ClientRow& client) {
  const std::string text =
      client.id + " " + std::to_string(context.clock.now_ms() + kTicketMs) + " " + hex(sha256(client.password_hash));
  return context.secrets.seal(text, kTicketContext);
}

net::Task<Result<store::ClientRow>> redeem_ticket(CallPtr call, std::string ticket) {
  const Context& context = call->context();
  const Result<std::string> text = context.secrets.open(ticket, kTicketContext);
  if (!text) co_return ticket_over();
  const std::vector<std::string> parts = split(*text, ' ');
  if (parts.size() != 3 || std::stoll(parts[1]) <= context.clock.now_ms()) co_return ticket_over();
  auto find = [id = parts[0]](store::Tx& tx) { return store::find_client(tx, id); };
  Result<store::ClientRow> client = co_await call->context().database.read(std::move(find));
  if (!client && client.error().code == Code::kNotFound) co_return ticket_over();
  CO_TRY_ASSIGN(store::ClientRow found, std::move(client));
  if (hex(sha256(found.password_hash)) != parts[2]) co_return ticket_over();
  call->tried = found;
  CO_TRY(may_log_in(found));
  co_return found;
}

}  // namespace paastech::api
