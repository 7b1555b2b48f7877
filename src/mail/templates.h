#pragma once
// The words of every mail that the Service sends, as plain text and as HTML with the same content. Pure. What comes
// from people (names, projects, programs) is untrusted: one line, no control or direction characters, bounded, escaped
// in HTML. The links are the Service's own. The caller sets message_id and date_ms.
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "mail/message.h"

namespace paastech::mail {

struct Recipient {
  std::string service;    // the Service's fqdn
  std::string to;         // address
  std::string name = {};  // user name; empty where there is no account yet
};

// Something that was done with an account: when, from where, by what.
struct Event {
  std::int64_t at_ms = 0;
  std::string address = {};  // IP address; may be empty
  std::string program = {};  // "Firefox on Linux", "paastech 0.1"; may be empty
};

// To somebody who asks for something: the link does it, ignoring the mail leaves all as it is.
Message confirm_address(const Recipient& recipient, std::string_view link, std::chrono::minutes valid_for);
Message reset_password(const Recipient& recipient, std::string_view link, std::chrono::minutes valid_for);
// To the new address, which takes the place of the old one with the link.
Message change_address(const Recipient& recipient, std::string_view link, std::chrono::minutes valid_for);
Message invitation_to_service(const Recipient& recipient, std::string_view inviter, std::string_view link,
                              std::chrono::minutes valid_for);
Message invitation_to_project(const Recipient& recipient, std::string_view inviter, std::string_view project,
                              std::string_view role, std::string_view link, std::chrono::minutes valid_for);

// To the owner of an account whose address somebody wanted to make another one with; recipient.name is its user name.
// reset_link: as below.
Message address_in_use(const Recipient& recipient, std::string_view reset_link);

// Notices of what has happened. reset_link: the page where a forgotten password is set anew; empty: none is named.
Message password_changed(const Recipient& recipient, const Event& event, std::string_view reset_link);
// To the old address.
Message address_changed(const Recipient& recipient, const Event& event, std::string_view new_address);
Message new_login(const Recipient& recipient, const Event& event, std::string_view reset_link);
Message two_factor_off(const Recipient& recipient, const Event& event, std::string_view reset_link);
Message account_suspended(const Recipient& recipient, std::string_view reason);  // reason may be empty

}  // namespace paastech::mail
