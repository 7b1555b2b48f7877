#include "domain/totp.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "base/url.h"

namespace paastech {
namespace {

constexpr std::int64_t kStepMs = 30'000;
constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

// Without the blanks that apps show between the digits.
std::string digits_of(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != ' ') out.push_back(c);
  return out;
}

// In a time that does not depend on where they differ.
bool same(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  return difference == 0;
}

}  // namespace

std::string base32(std::string_view bytes) {
  std::string out;
  unsigned buffer = 0;
  int bits = 0;
  for (const char c : bytes) {
    buffer = (buffer << 8) | static_cast<unsigned char>(c);
    for (bits += 8; bits >= 5; bits -= 5) out.push_back(kBase32[(buffer >> (bits - 5)) & 31]);
  }
  if (bits > 0) out.push_back(kBase32[(buffer << (5 - bits)) & 31]);
  return out;
}

std::int64_t totp_step_at(std::int64_t now_ms) { return now_ms / kStepMs; }

std::string totp_code(std::string_view seed, std::int64_t step) {
  std::array<unsigned char, 8> message{};
  for (std::size_t i = 0; i < 8; ++i) message[i] = static_cast<unsigned char>(step >> (56 - 8 * i));
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned size = 0;
  HMAC(EVP_sha1(), seed.data(), static_cast<int>(seed.size()), message.data(), message.size(), mac.data(), &size);
  // RFC 4226 section 5.3.
  const std::size_t at = mac[size - 1] & 0x0f;
  const std::uint32_t number = (std::uint32_t{mac[at]} & 0x7f) << 24 | std::uint32_t{mac[at + 1]} << 16 |
                               std::uint32_t{mac[at + 2]} << 8 | std::uint32_t{mac[at + 3]};
  return fmt::format("{:06}", number % 1'000'000);
}

bool is_totp_code(std::string_view text) {
  const std::string code = digits_of(text);
  return code.size() == 6 && code.find_first_not_of("0123456789") == std::string::npos;
}

std::optional<std::int64_t> totp_step_of(std::string_view seed, std::string_view code, std::int64_t now_ms,
                                         std::int64_t used) {
  const std::string given = digits_of(code);
  std::optional<std::int64_t> found;
  const std::int64_t now = totp_step_at(now_ms);
  for (std::int64_t step = now - 1; step <= now + 1; ++step)
    if (same(totp_code(seed, step), given) && step > used && !found) found = step;
  return found;
}

std::string totp_uri(std::string_view seed, std::string_view issuer, std::string_view account) {
  return fmt::format("otpauth://totp/{}:{}?secret={}&issuer={}&algorithm=SHA1&digits=6&period=30",
                     percent_encoded(issuer), percent_encoded(account), base32(seed), percent_encoded(issuer));
}

std::string recovery_code_of(std::string_view bytes) {
  const std::string text = base32(bytes);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i > 0 && i % 4 == 0) out.push_back('-');
    out.push_back(text[i]);
  }
  return out;
}

std::string normal_recovery_code(std::string_view written) {
  std::string out;
  for (const char c : written) {
    if (c == ' ' || c == '-') continue;
    out.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
  }
  return out;
}

}  // namespace paastech
