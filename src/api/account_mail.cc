#include "api/account_mail.h"

#include <algorithm>

#include "api/auth.h"
#include "base/ids.h"
#include "base/rate_limit.h"
#include "store/audit.h"

namespace paastech::api {

Status may_send_mail(const Context& context) {
  if (context.mails != nullptr) return {};
  return fail(Code::kFailedPrecondition, "this Service cannot send mail", "ask its administrator");
}

std::string link_to(const Context& context, std::string_view page, std::string_view secret) {
  std::string out = context.address.api_url;
  while (out.ends_with('/')) out.pop_back();
  out += page;
  if (!secret.empty()) out += "?secret=" + std::string(secret);  // base64url needs no escapes
  return out;
}

NewLink make_link(const Context& context, const std::string& client_id, std::string_view purpose,
                  const std::string& email, std::chrono::minutes valid_for) {
  NewLink link{random_token(32), {}};
  link.row.hash = token_hash(link.secret);
  link.row.client_id = client_id;
  link.row.purpose = purpose;
  link.row.email = email;
  link.row.created_at = context.clock.now_ms();
  link.row.expires_at = link.row.created_at + std::chrono::milliseconds(valid_for).count();
  return link;
}

mail::Recipient recipient_of(const Context& context, const store::ClientRow& client) {
  return {.service = context.address.fqdn, .to = client.email, .name = client.username};
}

mail::Event event_now(const Context& context, const std::string& address) {
  return {.at_ms = context.clock.now_ms(), .address = address};
}

Status add_notice(store::Tx& tx, Context& context, mail::Message message) {
  if (context.mails == nullptr) return {};
  return context.mails->add(tx, std::move(message));
}

Status add_login_notice(store::Tx& tx, Context& context, const store::ClientRow& client, const store::TokenRow& login) {
  if (context.mails == nullptr) return {};
  const std::int64_t since = login.created_at - kIdleMs;
  TRY_ASSIGN(const std::vector<std::string> known, store::login_addresses(tx, client.id, store::audit_key(since)));
  const bool first = known.empty() && client.created_at >= since;
  const auto same = [key = address_key(login.address)](const std::string& one) { return address_key(one) == key; };
  if (first || std::ranges::any_of(known, same)) return {};
  const mail::Event event{.at_ms = login.created_at, .address = login.address, .program = login.name};
  return add_notice(tx, context, mail::new_login(recipient_of(context, client), event, link_to(context, "/forgot")));
}

Status add_confirmation(store::Tx& tx, Context& context, const store::ClientRow& client) {
  const NewLink link = make_link(context, client.id, store::kConfirmEmail, client.email, kConfirmFor);
  TRY(store::insert_link(tx, link.row));
  return context.mails->add(
      tx, mail::confirm_address(recipient_of(context, client), link_to(context, "/confirm", link.secret), kConfirmFor));
}

}  // namespace paastech::api
