#pragma once
// The tree of commands as CLI11 holds it, for what is made from it: help, completion, the manual page. Pure.
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace paastech::cli {

constexpr const char* kGlobalGroup = "Global options";

std::vector<const CLI::App*> commands_of(const CLI::App& app);
const CLI::App* command_named(const CLI::App& app, const std::string& name);  // null: there is none
std::string full_name(const CLI::App* app);                                   // "paastech env set"
bool takes_value(const CLI::Option& option);
std::vector<const CLI::Option*> named_options(const CLI::App& app);  // without the positional ones

}  // namespace paastech::cli
