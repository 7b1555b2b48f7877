#include "mail/templates.h"

#include <fmt/format.h>

#include <array>
#include <vector>

#include "base/clock.h"
#include "base/html.h"
#include "domain/names.h"

namespace paastech::mail {
namespace {

constexpr std::size_t kShort = 100;  // bytes of a name or a program; user names and Projects have at most 30
constexpr std::size_t kReason = 300;

struct Letter {
  std::string subject;
  std::vector<std::string> before = {};  // paragraphs, plain text
  std::string action = {};               // what the link does
  std::string link = {};
  std::vector<std::string> after = {};
};

// The length of the character at the front where it steers the text instead of standing in it, else 0: controls, and
// what hides or turns text round (Unicode 15: U+0080-9F, U+061C, U+200B-200F, U+2028-202E, U+2060-206F, U+FEFF).
std::size_t steering_length(std::string_view text) {
  const auto byte = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  if (byte(0) < 0x20 || byte(0) == 0x7f) return 1;
  if (byte(0) == 0xc2 && byte(1) < 0xa0) return 2;
  if (byte(0) == 0xd8 && byte(1) == 0x9c) return 2;
  if (byte(0) == 0xe2 && byte(1) == 0x80 && byte(2) >= 0x8b && byte(2) <= 0x8f) return 3;
  if (byte(0) == 0xe2 && byte(1) == 0x80 && byte(2) >= 0xa8 && byte(2) <= 0xae) return 3;
  if (byte(0) == 0xe2 && byte(1) == 0x81 && byte(2) >= 0xa0 && byte(2) <= 0xaf) return 3;
  if (byte(0) == 0xef && byte(1) == 0xbb && byte(2) == 0xbf) return 3;
  return 0;
}

// Foreign text for one line of ours: each steering character becomes a space, "…" stands for what is too long.
std::string clean(std::string_view text, std::size_t limit = kShort) {
  const bool utf8 = is_utf8(text);
  std::string out;
  while (!text.empty()) {
    if (out.size() >= limit && static_cast<unsigned char>(text[0] & 0xc0) != 0x80) return out + "…";
    const bool foreign = !utf8 && static_cast<unsigned char>(text[0]) >= 0x80;
    const std::size_t steering = foreign ? 0 : steering_length(text);
    if (steering > 0)
      out += ' ';
    else
      out += foreign ? '?' : text[0];
    text.remove_prefix(steering > 0 ? steering : 1);
  }
  return out;
}

// Ours; but whatever it holds, it stays one line.
std::string clean_link(std::string_view link) {
  std::string out;
  for (const char c : link)
    if (static_cast<unsigned char>(c) > 0x20 && c != 0x7f) out += c;
  return out;
}

// "30 minutes", "24 hours", "7 days": the largest unit that says it exactly; days from two on.
std::string duration(std::chrono::minutes time) {
  constexpr std::int64_t kDay = 24LL * 60;
  const std::int64_t count = time.count();
  if (count % kDay == 0 && count >= 2 * kDay) return fmt::format("{} days", count / kDay);
  if (count % 60 == 0 && count > 0) return count == 60 ? "1 hour" : fmt::format("{} hours", count / 60);
  return count == 1 ? "1 minute" : fmt::format("{} minutes", count);
}

// "on 2026-01-31 at 12:00 UTC, from 192.0.2.1, with Firefox on Linux"
std::string circumstances(const Event& event) {
  const std::string time = rfc3339(event.at_ms);
  std::string out = fmt::format("on {} at {} UTC", time.substr(0, 10), time.substr(11, 5));
  if (!event.address.empty()) out += ", from " + clean(event.address);
  if (!event.program.empty()) out += ", with " + clean(event.program);
  return out;
}

std::string text_of(const std::string& greeting, const Letter& letter, const std::string& closing) {
  std::string out = greeting + "\n\n";
  for (const std::string& paragraph : letter.before) out += paragraph + "\n\n";
  if (!letter.link.empty()) out += fmt::format("{}:\n{}\n\n", letter.action, letter.link);
  for (const std::string& paragraph : letter.after) out += paragraph + "\n\n";
  return out + "--\n" + closing + "\n";
}

std::string html_of(const std::string& greeting, const Letter& letter, const std::string& closing) {
  const auto paragraph = [](const std::string& text) { return fmt::format("<p>{}</p>\n", escape_html(text)); };
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title></head>\n"
      "<body style=\"font-family:sans-serif;line-height:1.5\">\n",
      escape_html(letter.subject));
  out += paragraph(greeting);
  for (const std::string& text : letter.before) out += paragraph(text);
  if (!letter.link.empty()) {
    const std::string link = escape_html(letter.link);
    // The address is readable too: one sees where it leads, and can copy it.
    out += fmt::format("<p><a href=\"{}\"><strong>{}</strong></a><br>\n<small>{}</small></p>\n", link,
                       escape_html(letter.action), link);
  }
  for (const std::string& text : letter.after) out += paragraph(text);
  return out + fmt::format("<hr>\n<p><small>{}</small></p>\n</body></html>\n", escape_html(closing));
}

Message render(const Recipient& recipient, const Letter& letter) {
  const std::string greeting = recipient.name.empty() ? "Hello," : fmt::format("Hello {},", clean(recipient.name));
  const std::string closing =
      fmt::format("PaaSTech at {}. A program wrote this message to {}.", clean(recipient.service), clean(recipient.to));
  Message message;
  message.to = recipient.to;
  message.subject = letter.subject;
  message.text = text_of(greeting, letter, closing);
  message.html = html_of(greeting, letter, closing);
  return message;
}

std::string once(std::chrono::minutes valid_for) {
  return fmt::format("The link works once, for {}.", duration(valid_for));
}

// A notice that asks to act where it was somebody else.
Message alarm(const Recipient& recipient, std::string subject, std::string what, std::string consequence,
              std::string_view reset_link) {
  Letter letter{.subject = std::move(subject),
                .before = {std::move(what), "If that was you, nothing is left to do. " + std::move(consequence)}};
  if (!reset_link.empty()) {
    letter.action = "Set a new password";
    letter.link = clean_link(reset_link);
  }
  return render(recipient, letter);
}

}  // namespace

Message confirm_address(const Recipient& recipient, std::string_view link, std::chrono::minutes valid_for) {
  const std::string service = clean(recipient.service);
  return render(recipient,
                {.subject = fmt::format("Confirm your address for {}", service),
                 .before = {fmt::format("Somebody, most likely you, made an account at {} with this address. Confirm "
                                        "that it is yours, and you can sign in.",
                                        service)},
                 .action = "Confirm the address",
                 .link = clean_link(link),
                 .after = {once(valid_for), "If it was not you, ignore this message: the account is removed unused."}});
}

Message reset_password(const Recipient& recipient, std::string_view link, std::chrono::minutes valid_for) {
  const std::string service = clean(recipient.service);
  return render(
      recipient,
      {.subject = fmt::format("Set a new password for {}", service),
       .before = {fmt::format("Somebody, most likely you, asked for a new password for your account at {}.", service)},
       .action = "Set a new password",
       .link = clean_link(link),
       .after = {once(valid_for) + " Setting the password ends all sessions.",
                 "If it was not you, ignore this message: your password stays as it is."}});
}

Message change_address(const Recipient& recipient, std::string_view link, std::chrono::minutes valid_for) {
  const std::string service = clean(recipient.service);
  return render(recipient, {.subject = fmt::format("Confirm your new address for {}", service),
                            .before = {fmt::format("The account {} at {} wants to use this address from now on.",
                                                   clean(recipient.name), service)},
                            .action = "Use this address",
                            .link = clean_link(link),
                            .after = {once(valid_for),
                                      "If it was not you, ignore this message: the account keeps its old address."}});
}

Message invitation_to_service(const Recipient& recipient, std::string_view inviter, std::string_view link,
                              std::chrono::minutes valid_for) {
  const std::string service = clean(recipient.service);
  return render(recipient,
                {.subject = fmt::format("An invitation to {}", service),
                 .before = {fmt::format("{} invites you to {}, a place to which you push code with Git, and which "
                                        "builds and runs it.",
                                        clean(inviter), service)},
                 .action = "Make an account",
                 .link = clean_link(link),
                 .after = {once(valid_for), "If you do not want it, ignore this message: no account is made."}});
}

Message invitation_to_project(const Recipient& recipient, std::string_view inviter, std::string_view project,
                              std::string_view role, std::string_view link, std::chrono::minutes valid_for) {
  const std::string service = clean(recipient.service);
  return render(recipient, {.subject = fmt::format("An invitation to the project {}", clean(project)),
                            .before = {fmt::format("{} invites you to the project {} at {}, as its {}.", clean(inviter),
                                                   clean(project), service, clean(role))},
                            .action = "Accept the invitation",
                            .link = clean_link(link),
                            .after = {once(valid_for),
                                      "If you do not want it, ignore this message: you do not become a member."}});
}

Message address_in_use(const Recipient& recipient, std::string_view reset_link) {
  const std::string service = clean(recipient.service);
  return render(
      recipient,
      {.subject = fmt::format("You have an account at {} already", service),
       .before = {fmt::format("Somebody, most likely you, wanted to make an account at {} with this address. There is "
                              "one already, with the user name {}: sign in with that.",
                              service, clean(recipient.name))},
       .action = "If you forgot the password, set a new one",
       .link = clean_link(reset_link),
       .after = {"If it was not you, ignore this message: nothing was changed, and nobody was told that you have an "
                 "account."}});
}

Message password_changed(const Recipient& recipient, const Event& event, std::string_view reset_link) {
  return alarm(
      recipient, fmt::format("Your password for {} was changed", clean(recipient.service)),
      fmt::format("The password of your account was changed {}. All other sessions were ended.", circumstances(event)),
      "If not, somebody else is in your account: set a new password at once.", reset_link);
}

Message address_changed(const Recipient& recipient, const Event& event, std::string_view new_address) {
  return alarm(recipient, fmt::format("Your address for {} was changed", clean(recipient.service)),
               fmt::format("The address of your account was changed to {} {}. Messages no longer come here.",
                           clean(new_address), circumstances(event)),
               "If not, somebody else is in your account: tell the administrator of the Service at once.", {});
}

Message new_login(const Recipient& recipient, const Event& event, std::string_view reset_link) {
  return alarm(recipient, fmt::format("A new sign-in at {}", clean(recipient.service)),
               fmt::format("Somebody signed in to your account {}.", circumstances(event)),
               "If not, somebody knows your password: set a new one at once, which also ends all sessions.",
               reset_link);
}

Message two_factor_off(const Recipient& recipient, const Event& event, std::string_view reset_link) {
  return alarm(recipient, fmt::format("Two-factor sign-in at {} was turned off", clean(recipient.service)),
               fmt::format("Two-factor sign-in of your account was turned off {}. From now on the password alone is "
                           "enough.",
                           circumstances(event)),
               "If not, somebody else is in your account: set a new password at once, then turn it on again.",
               reset_link);
}

Message account_suspended(const Recipient& recipient, std::string_view reason) {
  Letter letter{
      .subject = fmt::format("Your account at {} is suspended", clean(recipient.service)),
      .before = {"An administrator suspended your account. Your sessions have ended and your applications are "
                 "stopped. Nothing was deleted."}};
  if (!reason.empty()) letter.before.push_back("The reason: " + clean(reason, kReason));
  letter.after.push_back(
      "Only an administrator of the Service can resume it: ask there. If you ignore this message, it stays as it is.");
  return render(recipient, letter);
}

}  // namespace paastech::mail
