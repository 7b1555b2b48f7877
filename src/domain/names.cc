#include "domain/names.h"

#include <algorithm>
#include <string>

#include "base/text.h"
#include "base/unicode.h"

namespace paastech {
namespace {

constexpr std::size_t kValueLimit = std::size_t{64} << 10;

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// what is wrong, and then what is allowed
Status refuse(std::string_view wrong, std::string_view allowed) {
  return fail(Code::kInvalidArgument, std::string(wrong) + ": " + std::string(allowed));
}

bool check_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, [](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
}

// At least two labels between dots.
bool check_domain(std::string_view domain) {
  std::size_t labels = 0;
  while (true) {
    const std::size_t dot = domain.find('.');
    if (!check_label(domain.substr(0, dot))) return false;
    ++labels;
    if (dot == std::string_view::npos) return labels >= 2;
    domain.remove_prefix(dot + 1);
  }
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_sequence(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

Status check_project_name(std::string_view name) {
  constexpr std::string_view kAllowed =
      "it needs 3 to 30 lower-case letters, digits and hyphens, a letter first and no hyphen last";
  if (name.size() < 3) return refuse("the project name is too short", kAllowed);
  if (name.size() > 30) return refuse("the project name is too long", kAllowed);
  if (!std::ranges::all_of(name, [](char c) { return is_lower(c) || is_digit(c) || c == '-'; }))
    return refuse("the project name has a character that is not allowed", kAllowed);
  if (!is_lower(name.front())) return refuse("the project name does not begin with a letter", kAllowed);
  if (name.back() == '-') return refuse("the project name ends with a hyphen", kAllowed);
  return {};
}

Status check_username(std::string_view name) {
  constexpr std::string_view kAllowed =
      "it needs 3 to 30 letters, digits, hyphens and underscores, a letter first and a letter or digit last";
  if (name.size() < 3) return refuse("the user name is too short", kAllowed);
  if (name.size() > 30) return refuse("the user name is too long", kAllowed);
  if (!std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; }))
    return refuse("the user name has a character that is not allowed", kAllowed);
  if (!is_letter(name.front())) return refuse("the user name does not begin with a letter", kAllowed);
  if (!is_letter(name.back()) && !is_digit(name.back()))
    return refuse("the user name ends with a hyphen or underscore", kAllowed);
  return {};
}

// Limits: RFC 5321 section 4.5.3.1 (64 bytes before the @, 254 in all by erratum 1690). Quoted local parts are left
// out: nobody has one, and their characters are those that break headers. ASCII alone, for addresses are compared, and
// Unicode writes one text in several ways.
Status check_email(std::string_view address) {
  constexpr std::string_view kAllowed =
      "it needs the form name@example.org, at most 254 characters of ASCII (a domain with others begins with xn--)";
  if (address.size() > 254) return refuse("the e-mail address is too long", kAllowed);
  if (std::ranges::count(address, '@') != 1) return refuse("the e-mail address does not have exactly one @", kAllowed);
  const auto bad = [](char c) {
    return is_control(c) || (c & 0x80) != 0 || std::string_view(" \"(),:;<>[\\]").find(c) != std::string_view::npos;
  };
  if (std::ranges::any_of(address, bad))
    return refuse("the e-mail address has a character that is not allowed", kAllowed);
  const std::string_view local = address.substr(0, address.find('@'));
  if (local.empty() || local.size() > 64)
    return refuse("the part of the e-mail address before the @ is empty or too long", kAllowed);
  if (!check_domain(address.substr(local.size() + 1)))
    return refuse("the domain of the e-mail address is not valid", kAllowed);
  return {};
}

Status check_password(std::string_view password) {
  constexpr std::string_view kAllowed = "it needs 10 to 128 characters, none of them a control character";
  if (!is_utf8(password)) return refuse("the password is not UTF-8", kAllowed);
  if (std::ranges::any_of(password, is_control)) return refuse("the password has a control character", kAllowed);
  const std::size_t characters = count_characters(composed(password));
  if (characters < 10) return refuse("the password is too short", kAllowed);
  if (characters > 128) return refuse("the password is too long", kAllowed);
  return {};
}

Status check_environment_name(std::string_view name) {
  constexpr std::string_view kAllowed =
      "it needs 1 to 128 letters, digits and underscores, and does not begin with a digit";
  if (name.empty()) return refuse("the name of the environment variable is empty", kAllowed);
  if (name.size() > 128) return refuse("the name of the environment variable is too long", kAllowed);
  if (!std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c) || c == '_'; }))
    return refuse("the name of the environment variable has a character that is not allowed", kAllowed);
  if (is_digit(name.front())) return refuse("the name of the environment variable begins with a digit", kAllowed);
  return {};
}

Status check_environment_value(std::string_view value) {
  constexpr std::string_view kAllowed = "it is UTF-8 text of at most 65536 bytes without NUL";
  if (value.size() > kValueLimit) return refuse("the value of the environment variable is too long", kAllowed);
  if (value.find('\0') != std::string_view::npos)
    return refuse("the value of the environment variable has a NUL byte", kAllowed);
  if (!is_utf8(value)) return refuse("the value of the environment variable is not text", kAllowed);
  return {};
}

}  // namespace paastech
