#pragma once
// Completion on the command line: a script for each shell, which asks `paastech __complete WORD…` at every Tab.
#include <functional>
#include <string>
#include <vector>

#include "cli/outcome.h"

namespace CLI {
class App;
}  // namespace CLI

namespace paastech::cli {

Outcome<std::string> completion_script(const std::string& shell);  // bash, zsh or fish

// What may stand for the last of the words; those before it are complete. project_names is asked where a project's name
// may stand.
std::vector<std::string> complete(const CLI::App& root, std::vector<std::string> words,
                                  const std::function<std::vector<std::string>()>& project_names);

}  // namespace paastech::cli
