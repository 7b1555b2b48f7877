#pragma once
// Links that prove an address, and the mails of accounts. Secrets are 256 random bits and kept as their SHA-256. The
// functions with a Tx run on the database's thread, inside the caller's transaction; the others on the control-plane
// loop.
#include <chrono>
#include <string>
#include <string_view>

#include "api/context.h"
#include "api/mail_queue.h"
#include "mail/templates.h"
#include "store/clients.h"
#include "store/links.h"
#include "store/tokens.h"

namespace paastech::api {

inline constexpr std::chrono::minutes kConfirmFor = std::chrono::hours(24);  // as long as an unconfirmed account lasts
inline constexpr std::chrono::minutes kChangeFor = std::chrono::hours(24);
inline constexpr std::chrono::minutes kResetFor = std::chrono::hours(1);  // it opens an account that is in use
inline constexpr std::chrono::minutes kInvitationFor = std::chrono::hours(24 * 7);

// kFailedPrecondition where no mail server is configured.
Status may_send_mail(const Context& context);

// https://paas.example.org/confirm?secret=…
std::string link_to(const Context& context, std::string_view page, std::string_view secret = {});

struct NewLink {
  std::string secret;
  store::LinkRow row;
};
NewLink make_link(const Context& context, const std::string& client_id, std::string_view purpose,
                  const std::string& email, std::chrono::minutes valid_for);

mail::Recipient recipient_of(const Context& context, const store::ClientRow& client);
mail::Event event_now(const Context& context, const std::string& address);

// Puts a mail into the queue; nothing where this Service cannot send any.
Status add_notice(store::Tx& tx, Context& context, mail::Message message);
// Tells the Client of a login that begins, where it has not logged in from that address within 90 days; not of the
// first one to a new account.
Status add_login_notice(store::Tx& tx, Context& context, const store::ClientRow& client, const store::TokenRow& login);
// A link that confirms the Client's address, and its mail.
Status add_confirmation(store::Tx& tx, Context& context, const store::ClientRow& client);

}  // namespace paastech::api
