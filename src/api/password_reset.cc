#include "api/password_reset.h"

#include "api/account_mail.h"
#include "base/text.h"
#include "domain/names.h"
#include "domain/password.h"
#include "store/accounts.h"

namespace paastech::api {
namespace {

net::Task<void> mail_reset(Context& context, std::string email) {
  auto work = [&context, email](store::Tx& tx) -> Status {
    Result<store::ClientRow> client = store::find_client_by_email(tx, email);
    if (!client && client.error().code == Code::kNotFound) return {};
    if (!client) return std::unexpected(client.error());
    const NewLink link = make_link(context, client->id, store::kResetPassword, client->email, kResetFor);
    TRY(store::insert_link(tx, link.row));
    return context.mails->add(
        tx, mail::reset_password(recipient_of(context, *client), link_to(context, "/reset", link.secret), kResetFor));
  };
  Status done = co_await context.database.write_at_last(std::move(work));
  if (!done) spdlog::warn("mailing a password reset: {}", done.error().message);
}

Result<store::ClientRow> client_of(store::Tx& tx, const store::LinkRow& link) {
  if (link.purpose != store::kResetPassword)
    return fail(Code::kNotFound, "this link is for something else", "open it as it was mailed");
  return store::find_client(tx, link.client_id);
}

net::Task<Result<store::ClientRow>> find_reset(CallPtr call, std::string secret) {
  const std::int64_t now = call->context().clock.now_ms();
  auto look = [secret, now](store::Tx& tx) -> Result<store::ClientRow> {
    TRY_ASSIGN(const store::LinkRow link, store::find_link(tx, token_hash(secret), now));
    return client_of(tx, link);
  };
  Result<store::ClientRow> client = co_await call->context().database.read(std::move(look));
  co_return client;
}

}  // namespace

net::Task<Status> ask_password_reset(CallPtr call, std::string email) {
  Context& context = call->context();
  email = lower(email);
  CO_TRY(may_send_mail(context));
  CO_TRY(check_email(email));
  CO_TRY(co_await context.database.takes_changes());
  CO_TRY_ASSIGN(const bool mailed, admit_reset_mail(*call, email));
  if (mailed) context.tasks.spawn("password reset mail", mail_reset(context, email));
  co_return Status{};
}

net::Task<Result<std::string>> look_at_password_reset(CallPtr call, std::string secret) {
  CO_TRY_ASSIGN(const store::ClientRow client, co_await find_reset(call, secret));
  co_return client.username;
}

net::Task<Result<std::int64_t>> complete_password_reset(CallPtr call, std::string secret, std::string password) {
  Context& context = call->context();
  CO_TRY(admit_attempt(*call));
  CO_TRY_ASSIGN(const store::ClientRow client, co_await find_reset(call, secret));
  call->object = client.username;
  CO_TRY(check_new_password(password, client.username, client.email));
  CO_TRY_ASSIGN(const std::string hash, co_await call->services.auth.hash(password));
  auto work = [&context, secret, hash, address = call->address](store::Tx& tx) -> Result<std::int64_t> {
    const std::int64_t now = context.clock.now_ms();
    TRY_ASSIGN(const store::LinkRow link, store::take_link(tx, token_hash(secret), now));
    TRY_ASSIGN(const store::ClientRow current, client_of(tx, link));
    TRY(store::set_password_hash(tx, current.id, hash));
    TRY(store::set_confirmed(tx, current.id, now));
    return after_password_change(tx, context, current, "", address);
  };
  CO_TRY_ASSIGN(const std::int64_t ended, co_await context.database.write(std::move(work)));
  call->services.streams.ask_again(client.id);
  co_return ended;
}

Result<std::int64_t> after_password_change(store::Tx& tx, Context& context, const store::ClientRow& client,
                                           const std::string& but, const std::string& address) {
  TRY(store::delete_links(tx, client.id));
  TRY_ASSIGN(const std::int64_t ended, store::delete_logins(tx, client.id, but));
  TRY(add_notice(
      tx, context,
      mail::password_changed(recipient_of(context, client), event_now(context, address), link_to(context, "/forgot"))));
  return ended;
}

}  // namespace paastech::api
