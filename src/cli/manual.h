#pragma once
// The manual page paastech(1), made from the tree of commands. Pure.
#include <string>

namespace CLI {
class App;
}  // namespace CLI

namespace paastech::cli {

std::string manual(const CLI::App& root);  // man(7) macros

}  // namespace paastech::cli
