#pragma once
// The nearest of several words to a mistyped one. Pure.
#include <string>
#include <string_view>
#include <vector>

namespace paastech::cli {

std::string nearest(std::string_view word, const std::vector<std::string>& known);  // empty where none is near

}  // namespace paastech::cli
