#pragma once
// The text forms of tokens. Pure.
#include <string>
#include <string_view>

namespace paastech::api {

// Of a login: "pt_" + 43 characters of base64url (256 random bits).
std::string new_login_token();
// Of a program: "ptat_" + 43 characters + 6 of checksum: CRC-32 of all before it in base62, as GitHub's tokens have it,
// so that scanners for leaked secrets find it without false alarms: ptat_[A-Za-z0-9_-]{43}[A-Za-z0-9]{6}.
std::string new_api_token();
// Whether it has one of the two forms, checksum included.
bool is_token(std::string_view text);

}  // namespace paastech::api
