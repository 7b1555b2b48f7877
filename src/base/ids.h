#pragma once
// Random identifiers and their text forms. Thread: safe from any.
#include <string>
#include <string_view>
#include <vector>

namespace paastech {

std::string new_uuid();                       // version 4 (RFC 9562), lower case, from libsodium's generator
bool is_uuid(std::string_view text);          // exactly the lower-case 8-4-4-4-12 form
std::string random_bytes(std::size_t count);  // raw, fit for keys and nonces
std::string random_token(std::size_t bytes);  // base64url without padding
std::string hex(std::string_view bytes);
std::string sha256(std::string_view bytes);  // 32 raw bytes
std::string base64(std::string_view bytes);  // standard alphabet, padded
// False where the text is not base64; out then holds nothing useful.
bool from_base64(std::string_view text, std::string& out);

}  // namespace paastech
