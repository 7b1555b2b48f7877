#include "api/sign_up.h"

#include "api/account_mail.h"
#include "api/login.h"
#include "base/ids.h"
#include "base/text.h"
#include "domain/names.h"
#include "domain/password.h"
#include "store/accounts.h"
#include "store/invitations.h"

namespace paastech::api {
namespace {

Status sign_up_allowed(const Context& context, bool invited) {
  switch (context.accounts.sign_up) {
    case SignUp::kClosed:
      return fail(Code::kPermissionDenied, "this Service takes no new accounts", "ask its administrator for one");
    case SignUp::kInvite:
      if (invited) return {};
      return fail(Code::kPermissionDenied, "accounts of this Service are by invitation only",
                  "ask its administrator for one");
    case SignUp::kOpen: break;
  }
  return invited ? Status{} : may_send_mail(context);
}

Status check(const SignUpRequest& wanted) {
  TRY(check_email(wanted.email));
  TRY(mail::parse_mailbox(wanted.email));
  TRY(check_username(wanted.username));
  return check_new_password(wanted.password, wanted.username, wanted.email);
}

// The invitation proves the address, for nobody else has its link.
Status accept(store::Tx& tx, const store::ClientRow& row, const std::string& secret, std::int64_t now) {
  TRY_ASSIGN(store::InvitationRow invitation, store::take_invitation(tx, token_hash(secret), now));
  if (invitation.email != row.email)
    return fail(Code::kInvalidArgument, "the invitation is to another address",
                "sign up with the address that it was sent to");
  return store::insert_client(tx, row);
}

// Where the address is known its owner is told, and the new row gets an address that nobody has: so it holds the user
// name for a day as an account would, and asking for that name again tells nothing either.
Status enter(store::Tx& tx, Context& context, store::ClientRow row) {
  Result<store::ClientRow> known = store::find_client_by_email(tx, row.email);
  if (!known && known.error().code != Code::kNotFound) return std::unexpected(known.error());
  if (!known) {
    TRY(store::insert_client(tx, row));
    return add_confirmation(tx, context, row);
  }
  row.email = "held-" + row.id + "@invalid";  // RFC 2606 section 2
  row.password_hash = "!";                    // which no password opens
  TRY(store::insert_client(tx, row));
  if (known->confirmed_at == 0) return add_confirmation(tx, context, *known);
  return add_notice(tx, context, mail::address_in_use(recipient_of(context, *known), link_to(context, "/forgot")));
}

Result<store::LinkRow> find_confirmation(store::Tx& tx, const std::string& secret, std::int64_t now) {
  TRY_ASSIGN(store::LinkRow link, store::find_link(tx, token_hash(secret), now));
  if (link.purpose != store::kConfirmEmail && link.purpose != store::kChangeEmail)
    return fail(Code::kNotFound, "this link is for something else", "open it as it was mailed");
  return link;
}

Result<Proven> prove(store::Tx& tx, Context& context, const std::string& secret, const std::string& address) {
  const std::int64_t now = context.clock.now_ms();
  TRY(find_confirmation(tx, secret, now));
  TRY_ASSIGN(const store::LinkRow link, store::take_link(tx, token_hash(secret), now));
  TRY_ASSIGN(const store::ClientRow client, store::find_client(tx, link.client_id));
  if (link.purpose == store::kChangeEmail) {
    TRY(store::set_email(tx, client.id, link.email));
    TRY(store::delete_links(tx, client.id));  // those that went to the old address
    TRY(add_notice(tx, context,
                   mail::address_changed(recipient_of(context, client), event_now(context, address), link.email)));
  }
  TRY(store::set_confirmed(tx, client.id, now));
  return Proven{client.username, link.email};
}

Result<store::ClientRow> client_of(store::Tx& tx, const store::LinkRow& link, Proven& proven) {
  TRY_ASSIGN(store::ClientRow client, store::find_client(tx, link.client_id));
  proven = {client.username, link.email, link.purpose == store::kConfirmEmail};
  return client;
}

net::Task<Status> prove_maker(CallPtr call, std::string secret, std::string password) {
  const std::int64_t now = call->context().clock.now_ms();
  auto find = [secret, now](store::Tx& tx) -> Result<std::optional<store::ClientRow>> {
    TRY_ASSIGN(const store::LinkRow link, find_confirmation(tx, secret, now));
    Proven proven;
    TRY_ASSIGN(store::ClientRow client, client_of(tx, link, proven));
    if (!proven.needs_password) return std::nullopt;
    return client;
  };
  CO_TRY_ASSIGN(const std::optional<store::ClientRow> client, co_await call->context().database.read(std::move(find)));
  if (!client) co_return Status{};
  call->object = client->username;
  const std::string forgotten = "whoever does not know it sets a new one: " + link_to(call->context(), "/forgot");
  if (password.empty())
    co_return fail(Code::kInvalidArgument, "password: give the one that the account was made with", forgotten);
  Status proven = co_await prove_password_of(call, *client, std::move(password));
  if (!proven && proven.error().code == Code::kPermissionDenied)
    co_return fail(Code::kPermissionDenied, "this is not the password that the account was made with", forgotten);
  co_return proven;
}

net::Task<void> mail_confirmation(Context& context, std::string email) {
  auto work = [&context, email](store::Tx& tx) -> Status {
    Result<store::ClientRow> client = store::find_client_by_email(tx, email);
    if (!client && client.error().code == Code::kNotFound) return {};
    if (!client) return std::unexpected(client.error());
    if (client->confirmed_at != 0) return {};
    return add_confirmation(tx, context, *client);
  };
  Status done = co_await context.database.write_at_last(std::move(work));
  if (!done) spdlog::warn("mailing a confirmation: {}", done.error().message);
}

}  // namespace

net::Task<Result<std::optional<store::ClientRow>>> sign_up(CallPtr call, SignUpRequest wanted) {
  Context& context = call->context();
  const bool invited = !wanted.invitation.empty();
  CO_TRY(admit_attempt(*call));
  CO_TRY(sign_up_allowed(context, invited));
  wanted.email = lower(wanted.email);
  wanted.username = lower(wanted.username);
  CO_TRY(check(wanted));
  CO_TRY(invited ? Status() : admit_mail(*call, wanted.email));
  store::ClientRow row;
  row.id = new_uuid();
  row.email = wanted.email;
  row.username = wanted.username;
  row.created_at = context.clock.now_ms();
  if (invited) row.confirmed_at = row.created_at;
  call->object = row.username;
  CO_TRY_ASSIGN(row.password_hash, co_await call->services.auth.hash(wanted.password));
  auto work = [&context, row, secret = wanted.invitation, now = row.created_at](store::Tx& tx) -> Status {
    if (!secret.empty()) return accept(tx, row, secret, now);
    return enter(tx, context, row);
  };
  CO_TRY(co_await context.database.write(std::move(work)));
  if (!invited) co_return std::nullopt;
  co_return row;
}

net::Task<Result<Proven>> confirm_address(CallPtr call, std::string secret, std::string password) {
  Context& context = call->context();
  CO_TRY(admit_attempt(*call));
  CO_TRY(co_await prove_maker(call, secret, std::move(password)));
  auto work = [&context, secret, address = call->address](store::Tx& tx) {
    return prove(tx, context, secret, address);
  };
  CO_TRY_ASSIGN(Proven proven, co_await context.database.write(std::move(work)));
  call->object = proven.username;
  co_return proven;
}

net::Task<Result<Proven>> look_at_confirmation(CallPtr call, std::string secret) {
  const std::int64_t now = call->context().clock.now_ms();
  auto look = [secret, now](store::Tx& tx) -> Result<Proven> {
    TRY_ASSIGN(const store::LinkRow link, find_confirmation(tx, secret, now));
    Proven proven;
    TRY(client_of(tx, link, proven));
    return proven;
  };
  Result<Proven> proven = co_await call->context().database.read(std::move(look));
  co_return proven;
}

net::Task<Status> send_confirmation(CallPtr call, std::string email) {
  Context& context = call->context();
  email = lower(email);
  CO_TRY(may_send_mail(context));
  CO_TRY(check_email(email));
  CO_TRY(co_await context.database.takes_changes());
  CO_TRY(admit_mail(*call, email));
  context.tasks.spawn("confirmation mail", mail_confirmation(context, email));
  co_return Status{};
}

}  // namespace paastech::api
