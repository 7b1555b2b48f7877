#include "cli/manual.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "base/text.h"
#include "cli/topics.h"
#include "cli/tree.h"

namespace paastech::cli {
namespace {

// As groff_char(7) asks: a backslash and a minus have names, and no line begins with a control character.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

std::string names_of(const CLI::Option& option) {
  std::string names;
  for (const std::string& name : option.get_snames()) names += (names.empty() ? "-" : ", -") + name;
  for (const std::string& name : option.get_lnames()) names += (names.empty() ? "--" : ", --") + name;
  if (takes_value(option) && !option.get_type_name().empty()) names += " " + option.get_type_name();
  return names;
}

std::string options_of(const CLI::App& app, bool global) {
  std::string out;
  for (const CLI::Option* option : named_options(app)) {
    const bool is_global =
        option->get_group() == kGlobalGroup || option->check_lname("help") || option->check_lname("version");
    if (is_global == global)
      out += fmt::format(".TP\n.B {}\n{}\n", roff(names_of(*option)), roff(option->get_description()));
  }
  return out;
}

std::string usage_of(const CLI::App& app) {
  std::string line = full_name(&app);
  for (const CLI::Option* option : app.get_options([](const CLI::Option* one) { return one->get_positional(); })) {
    const std::string name = option->get_name(true);
    line += option->get_required() ? " " + name : " [" + name + "]";
    if (option->get_expected_max() > 1) line += "…";
  }
  return line;
}

void add_commands(const CLI::App& app, std::string& out) {
  for (const CLI::App* command : commands_of(app)) {
    if (commands_of(*command).empty())
      out += fmt::format(".SS {}\n{}.\n{}", roff(usage_of(*command)), roff(command->get_description()),
                         options_of(*command, false));
    add_commands(*command, out);
  }
}

}  // namespace

std::string manual(const CLI::App& root) {
  std::string out = fmt::format(
      ".TH PAASTECH 1 \"\" \"PaaSTech {}\" \"User Commands\"\n.SH NAME\npaastech \\- {}\n.SH SYNOPSIS\n"
      ".B paastech\n.I COMMAND\n[\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]...\n.SH OPTIONS\n{}.SH COMMANDS\n",
      roff(PAASTECH_VERSION), roff("push a Git repository, get a live URL"), options_of(root, true));
  add_commands(root, out);
  for (const Topic& topic : topics()) {
    const std::vector<std::string> lines = split(topic.text, '\n');
    out += fmt::format(".SH \"{}\"\n.nf\n", roff(lines.front()));
    for (std::size_t i = 2; i < lines.size(); ++i) out += lines[i].empty() ? ".sp\n" : roff(lines[i]) + "\n";
    out += ".fi\n";
  }
  out +=
      ".SH ENVIRONMENT\n.TP\n.B PAASTECH_SERVER\nThe address of the Service, as \\-\\-server.\n"
      ".TP\n.B PAASTECH_TOKEN\nA token to use instead of the kept login.\n"
      ".TP\n.B PAASTECH_CONFIG_HOME\nThe folder of the kept logins; else ~/.config/paastech.\n";
  return out;
}

}  // namespace paastech::cli
