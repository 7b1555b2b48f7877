#include "api/token_text.h"

#include <algorithm>
#include <boost/crc.hpp>

#include "base/ids.h"

namespace paastech::api {
namespace {

constexpr std::string_view kLogin = "pt_";
constexpr std::string_view kApi = "ptat_";
constexpr std::size_t kBytes = 32;
constexpr std::size_t kRandom = 43;   // 32 bytes in base64url without padding
constexpr std::size_t kChecksum = 6;  // 62^6 > 2^32
constexpr std::string_view kBase62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

std::string checksum(std::string_view text) {
  boost::crc_32_type crc;
  crc.process_bytes(text.data(), text.size());
  std::string out(kChecksum, '0');
  auto rest = static_cast<std::size_t>(crc.checksum());
  for (std::size_t i = kChecksum; i-- > 0; rest /= 62) out[i] = kBase62[rest % 62];
  return out;
}

bool is_base64url(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

}  // namespace

std::string new_login_token() { return std::string(kLogin) + random_token(kBytes); }

std::string new_api_token() {
  const std::string token = std::string(kApi) + random_token(kBytes);
  return token + checksum(token);
}

bool is_token(std::string_view text) {
  if (text.starts_with(kLogin)) return text.size() == kLogin.size() + kRandom && is_base64url(text);
  if (!text.starts_with(kApi) || text.size() != kApi.size() + kRandom + kChecksum || !is_base64url(text)) return false;
  const std::string_view token = text.substr(0, text.size() - kChecksum);
  return text.substr(token.size()) == checksum(token);
}

}  // namespace paastech::api
