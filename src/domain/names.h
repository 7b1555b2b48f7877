#pragma once
// The rules of names, pure. Each check answers with a sentence that says what is allowed.
#include <string_view>

#include "base/result.h"

namespace paastech {

Status check_project_name(
    std::string_view name);  // 3-30, lower-case letters, digits, hyphens, a letter first, no hyphen last
Status check_username(std::string_view name);  // a letter first, letters digits - _, letter or digit last, 3-30
Status check_email(std::string_view address);  // ASCII, one @, a dotted domain, at most 254, no controls
// 10-128 characters of UTF-8 in its composed form (base/unicode.h), no control characters; of a new one see
// domain/password.h
Status check_password(std::string_view password);
Status check_environment_name(std::string_view name);  // [A-Za-z_][A-Za-z0-9_]*, at most 128 (POSIX.1-2017 section 8.1)
Status check_environment_value(std::string_view value);  // UTF-8 (JSON and gRPC carry it), no NUL, at most 64 KiB
bool is_utf8(std::string_view text);                     // well-formed, by Unicode's table 3-7

}  // namespace paastech
