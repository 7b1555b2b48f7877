#pragma once
// A mail of the Service to one person, and its form on the wire. Pure; no value can add a header or a recipient.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace paastech::mail {

struct Message {
  std::string to;       // one address
  std::string subject;  // UTF-8, one line
  std::string text;     // UTF-8, lines end with \n
  std::string html;     // a whole document; empty: the mail is plain text only
  std::string
      message_id;  // before the @: letters, digits, . _ - ; the same at each attempt, so that a copy is known as one
  std::int64_t date_ms = 0;
};

struct Mailbox {
  std::string name;  // may be empty
  std::string address;
};

// "address" or "Name <address>". ASCII addresses only: others need servers with SMTPUTF8 (RFC 6531) all the way.
Result<Mailbox> parse_mailbox(std::string_view text);

// RFC 5322 and MIME: multipart/alternative, UTF-8 in quoted-printable, CRLF, Auto-Submitted: auto-generated (RFC 3834)
// so that no out-of-office message answers it. from: a mailbox as above. host: the Service's name, after the @ of the
// Message-ID. kInvalidArgument: control characters, text that is not UTF-8, a wrong address or Message-ID.
Result<std::string> compose(const Message& message, const std::string& from, const std::string& host);

}  // namespace paastech::mail
