#include "mail/message.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "domain/names.h"
#include "mail/encode.h"

namespace paastech::mail {
namespace {

// In quoted-printable text a = is always followed by two hex digits or the line's end, so no body can hold this
// (RFC 2045 section 6.7).
constexpr std::string_view kBoundary = "=_paastech";
constexpr std::size_t kNameLimit = 200;  // bytes of a sender's name
constexpr std::size_t kSubjectLimit = 500;
constexpr std::size_t kMessageIdLimit = 128;

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
bool is_body_control(char c) { return is_control(c) && c != '\n' && c != '\t'; }
bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

std::unexpected<Error> refuse(std::string_view what, std::string_view why) {
  return fail(Code::kInvalidArgument, fmt::format("the mail cannot be written: its {} {}", what, why));
}

Status check_header(std::string_view what, std::string_view text, std::size_t limit) {
  if (text.size() > limit) return refuse(what, fmt::format("is longer than {} bytes", limit));
  if (std::ranges::any_of(text, is_control)) return refuse(what, "has a control character");
  if (!is_utf8(text)) return refuse(what, "is not UTF-8");
  return {};
}

Status check_body(std::string_view what, std::string_view text) {
  if (std::ranges::any_of(text, is_body_control)) return refuse(what, "has a control character");
  if (!is_utf8(text)) return refuse(what, "is not UTF-8");
  return {};
}

Status check_address(std::string_view address) {
  TRY(check_email(address));
  if (std::ranges::any_of(address, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
    return fail(Code::kInvalidArgument, "the e-mail address has letters that not every mail server takes",
                "use an address of ASCII characters");
  return {};
}

// A name with any of the specials of RFC 5322 section 3.2.3 goes as encoded words, which need no quoting.
std::string from_line(const Mailbox& sender) {
  if (sender.name.empty()) return fmt::format("From: {}\r\n", sender.address);
  const bool atoms = std::ranges::all_of(sender.name, [](char c) { return (is_name(c) && c != '.') || c == ' '; });
  return fmt::format("From: {}\r\n <{}>\r\n", atoms ? header_text(sender.name) : encoded_words(sender.name),
                     sender.address);
}

std::string part(std::string_view type, std::string_view text) {
  return fmt::format("Content-Type: {}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{}", type,
                     quoted_printable(text));
}

}  // namespace

Result<Mailbox> parse_mailbox(std::string_view text) {
  Mailbox mailbox{.name = {}, .address = std::string(text)};
  if (text.ends_with('>')) {
    const std::size_t open = text.find('<');
    if (open == std::string_view::npos)
      return fail(Code::kInvalidArgument, "the sender is not an e-mail address",
                  "write it like paas@example.org or PaaSTech <paas@example.org>");
    mailbox.name = trim(text.substr(0, open));
    mailbox.address = text.substr(open + 1, text.size() - open - 2);
  }
  TRY(check_header("sender's name", mailbox.name, kNameLimit));
  TRY(check_address(mailbox.address));
  return mailbox;
}

Result<std::string> compose(const Message& message, const std::string& from, const std::string& host) {
  TRY_ASSIGN(const Mailbox sender, parse_mailbox(from));
  TRY(check_address(message.to));
  TRY(check_header("subject", message.subject, kSubjectLimit));
  TRY(check_body("text", message.text));
  TRY(check_body("HTML", message.html));
  const auto id_character = [](char c) { return is_name(c) || c == '_'; };
  if (message.message_id.empty() || message.message_id.size() > kMessageIdLimit ||
      !std::ranges::all_of(message.message_id, id_character))
    return refuse("Message-ID", "is empty, too long or has a character that is not allowed");
  if (host.empty() || host.size() > 253 || !std::ranges::all_of(host, is_name))
    return refuse("Service's name", "is not a host name");
  std::string out = from_line(sender);
  out += fmt::format("To: {}\r\n", message.to);
  out += fmt::format("Subject: {}\r\n", header_text(message.subject));
  out += fmt::format("Date: {}\r\n", date_header(message.date_ms));
  out += fmt::format("Message-ID: <{}@{}>\r\n", message.message_id, host);
  out += "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n";
  if (message.html.empty()) return out + part("text/plain", message.text);
  // The form preferred by the sender comes last (RFC 2046 section 5.1.4).
  out += fmt::format("Content-Type: multipart/alternative; boundary=\"{}\"\r\n\r\n", kBoundary);
  out += fmt::format("--{}\r\n{}", kBoundary, part("text/plain", message.text));
  // The line end before a delimiter belongs to it (RFC 2046 section 5.1.1).
  out += fmt::format("\r\n--{}\r\n{}", kBoundary, part("text/html", message.html));
  return out + fmt::format("\r\n--{}--\r\n", kBoundary);
}

}  // namespace paastech::mail
