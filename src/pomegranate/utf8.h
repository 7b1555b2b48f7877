#pragma once
// Makes bytes of a program's output fit for a protobuf string: what is not UTF-8 becomes U+FFFD (RFC 3629). Pure.
#include <string>
#include <string_view>

namespace paastech::pomegranate {

std::string valid_utf8(std::string_view bytes);
void append_valid_utf8(std::string& out, std::string_view bytes);

}  // namespace paastech::pomegranate
