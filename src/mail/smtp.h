#pragma once
// Hands a mail to the operator's mail server by SMTP (RFC 5321, 6409), through libcurl. Thread: any; send blocks for at
// most twice timeout_s, so it belongs on a pool of its own, of one thread. Each mail has its own connection.
#include <atomic>
#include <string>

#include "base/result.h"
#include "mail/message.h"

namespace paastech::mail {

struct SmtpOptions {
  std::string host;
  int port = 587;                     // RFC 6409; 465 for security "tls" (RFC 8314)
  std::string security = "starttls";  // or "tls" from the first byte; "none" only to the machine itself
  std::string username = {};          // empty: no AUTH
  std::string password = {};
  std::string from = {};     // "PaaSTech <paas@example.org>", also the envelope's sender
  std::string service = {};  // the Service's name: for EHLO, and in the Message-ID
  std::string ca_file = {};  // PEM; takes the place of the machine's authorities
  int timeout_s = 60;        // for the whole exchange. RFC 5321 section 4.5.3.2 gives relays 10 minutes for the last
                             // answer; a submission server answers at once. A mail whose answer came too late arrives
                             // twice, with the same Message-ID
};

// At start: whether send could work with these. kInvalidArgument says which value is wrong.
Status check(const SmtpOptions& options);

// The server's certificate is always verified; nothing goes to a server that cannot do TLS, other than over loopback.
// kInvalidArgument: this mail will never be taken (the server refuses the recipient or the mail for good): do not
// retry. kUnavailable: try again later. kFailedPrecondition: the operator has to do something (password, certificate,
// sender); also to be tried again, since the mail is good. The message carries the server's words, made printable,
// never the password nor the recipient. Once *stop is set, send ends within about a second, with kUnavailable.
Status send(const SmtpOptions& options, const Message& message, const std::atomic<bool>* stop = nullptr);

}  // namespace paastech::mail
