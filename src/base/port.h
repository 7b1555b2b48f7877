#pragma once
// A port as people write it. Pure.
#include <optional>
#include <string_view>

namespace paastech {

// 0 to 65535, in decimal digits and nothing else.
std::optional<int> port_number(std::string_view digits);

}  // namespace paastech
