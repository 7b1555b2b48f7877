#include "cli/completion.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/tree.h"

namespace paastech::cli {
namespace {

constexpr std::string_view kBash = R"sh(# In ~/.bashrc: eval "$(paastech completion bash)"
_paastech() {
  local IFS=$'\n'
  COMPREPLY=($(paastech __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _paastech paastech
)sh";

constexpr std::string_view kZsh = R"sh(#compdef paastech
# In ~/.zshrc, after compinit: eval "$(paastech completion zsh)"
_paastech() {
  local -a found
  found=(${(f)"$(paastech __complete "${(@)words[2,CURRENT]}" 2>/dev/null)"})
  compadd -a found
}
compdef _paastech paastech
)sh";

constexpr std::string_view kFish = R"sh(# In ~/.config/fish/config.fish: paastech completion fish | source
function __paastech_complete
  set -l words (commandline -opc)
  paastech __complete $words[2..] (commandline -ct) 2>/dev/null
end
complete -c paastech -f -a '(__paastech_complete)'
)sh";

const CLI::Option* option_named(const CLI::App& app, const std::string& word) {
  for (const CLI::Option* option : named_options(app))
    for (const bool is_long : {true, false})
      for (const std::string& name : is_long ? option->get_lnames() : option->get_snames())
        if (word == (is_long ? "--" : "-") + name) return option;
  return nullptr;
}

// What was typed so far: the command, whether the last complete word is an option that waits for its value, and how
// many positional words there were.
struct Position {
  const CLI::App* app;
  const CLI::Option* waiting = nullptr;
  std::size_t positionals = 0;
};

Position position_of(const CLI::App& root, const std::vector<std::string>& words) {
  Position at{&root};
  for (const std::string& word : words) {
    if (at.waiting) {
      at.waiting = nullptr;
    } else if (word.starts_with('-')) {
      const CLI::Option* option = option_named(*at.app, word);
      if (option && takes_value(*option)) at.waiting = option;
    } else if (const CLI::App* command = command_named(*at.app, word)) {
      at.app = command;
    } else {
      ++at.positionals;
    }
  }
  return at;
}

bool names_a_project(const Position& at) {
  if (at.waiting) return at.waiting->check_lname("project") || at.waiting->check_lname("only");
  const CLI::App* parent = at.app->get_parent();
  const bool of_projects = parent && parent->get_name() == "projects";
  return of_projects && at.positionals == 0 && (at.app->get_name() == "info" || at.app->get_name() == "delete");
}

}  // namespace

Outcome<std::string> completion_script(const std::string& shell) {
  if (shell == "bash") return std::string(kBash);
  if (shell == "zsh") return std::string(kZsh);
  if (shell == "fish") return std::string(kFish);
  return usage(fmt::format("there is no completion for the shell `{}`", shell), "bash, zsh and fish have one");
}

std::vector<std::string> complete(const CLI::App& root, std::vector<std::string> words,
                                  const std::function<std::vector<std::string>()>& project_names) {
  if (words.empty()) words.emplace_back();
  const std::string last = std::move(words.back());
  words.pop_back();
  const Position at = position_of(root, words);
  std::vector<std::string> found;
  if (names_a_project(at)) {
    found = project_names();
  } else if (!at.waiting && last.starts_with('-')) {
    for (const CLI::Option* option : named_options(*at.app))
      for (const std::string& name : option->get_lnames()) found.push_back("--" + name);
  } else if (!at.waiting) {
    for (const CLI::App* command : commands_of(*at.app)) found.push_back(command->get_name());
  }
  std::erase_if(found, [&](const std::string& word) { return !word.starts_with(last); });
  std::ranges::sort(found);
  return found;
}

}  // namespace paastech::cli
