#include "api/cursor.h"

#include <algorithm>

#include "api/text_out.h"
#include "base/ids.h"

namespace paastech::api {
namespace {

constexpr char kVersion = '1';
constexpr std::size_t kSumBytes = 4;     // finds accidents; a made-up cursor is harmless
constexpr std::size_t kMaxText = 1'024;  // openapi.yaml, parameters/cursor

std::string sum(std::string_view key) { return sha256("cursor/1/" + std::string(key)).substr(0, kSumBytes); }

}  // namespace

std::string make_cursor(std::string_view key) {
  std::string text = base64(std::string(1, kVersion) + sum(key) + std::string(key));
  std::replace(text.begin(), text.end(), '+', '-');  // RFC 4648 section 5
  std::replace(text.begin(), text.end(), '/', '_');
  text.erase(text.find_last_not_of('=') + 1);
  return text;
}

Result<std::string> read_cursor(std::string_view text) {
  const auto damaged = fail(Code::kInvalidArgument, "the cursor is damaged, or of another version of the Service",
                            "begin anew without `cursor`, and pass on `next` as it was answered");
  if (text.empty() || text.size() > kMaxText) return damaged;
  std::string standard(text);
  if (standard.find_first_of("+/=") != std::string::npos) return damaged;
  std::replace(standard.begin(), standard.end(), '-', '+');
  std::replace(standard.begin(), standard.end(), '_', '/');
  standard.append((4 - standard.size() % 4) % 4, '=');
  std::string raw;
  if (!from_base64(standard, raw) || raw.size() < 1 + kSumBytes || raw[0] != kVersion) return damaged;
  std::string key = raw.substr(1 + kSumBytes);
  if (raw.substr(1, kSumBytes) != sum(key)) return damaged;
  // Somebody made the sum as well: no key of ours looks so, and PostgreSQL takes no such text.
  if (key.contains('\0') || valid_utf8(key) != key) return damaged;
  return key;
}

}  // namespace paastech::api
