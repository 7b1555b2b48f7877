#include "cli/command.h"

#include <CLI/CLI.hpp>

#include "cli/tree.h"

namespace paastech::cli {

Option Option::type_name(const std::string& name) const { return Option(option_->type_name(name)); }
Option Option::required() const { return Option(option_->required()); }
Option Option::one_of(std::initializer_list<const char*> values) const {
  return Option(option_->check(CLI::IsMember(std::vector<std::string>(values.begin(), values.end()))));
}
Option Option::between(std::int64_t low, std::int64_t high) const {
  return Option(option_->check(CLI::Range(low, high)));
}
Option Option::excludes(Option other) const { return Option(option_->excludes(other.option_)); }
Option Option::needs(Option other) const { return Option(option_->needs(other.option_)); }

Option Command::add_flag(const std::string& names, bool& value, const std::string& description) const {
  return Option(app_->add_flag(names, value, description));
}
Option Command::add_option(const std::string& names, std::string& value, const std::string& description) const {
  return Option(app_->add_option(names, value, description));
}
Option Command::add_option(const std::string& names, std::vector<std::string>& value,
                           const std::string& description) const {
  return Option(app_->add_option(names, value, description));
}
Option Command::add_option(const std::string& names, int& value, const std::string& description) const {
  return Option(app_->add_option(names, value, description));
}
Option Command::add_option(const std::string& names, std::int64_t& value, const std::string& description) const {
  return Option(app_->add_option(names, value, description));
}

Commands::Commands(CLI::App& given) : root(given) { add_globals(root); }

void Commands::add_globals(CLI::App& app) {
  app.add_flag("--json", globals.json, "print the API's JSON")->group(kGlobalGroup);
  app.add_option("--server", globals.server, "address of the Service")->type_name("URL")->group(kGlobalGroup);
  app.add_option("-p,--project", globals.project, "the project; else that of the Git remote `paastech` here")
      ->type_name("NAME")
      ->group(kGlobalGroup);
}

Command Commands::add(const std::string& name, const std::string& description, Action action) {
  return add(name, description, std::move(action), Command(&root));
}

Command Commands::add(const std::string& name, const std::string& description, Action action, Command parent) {
  CLI::App* app = parent.app_->add_subcommand(name, description);
  add_globals(*app);
  app->callback([this, action = std::move(action)] { chosen = action; });
  return Command(app);
}

Command Commands::group(const std::string& name, const std::string& description, Action otherwise) {
  return group(name, description, std::move(otherwise), Command(&root));
}

Command Commands::group(const std::string& name, const std::string& description, Action otherwise, Command parent) {
  CLI::App* app = parent.app_->add_subcommand(name, description);
  add_globals(*app);
  app->require_subcommand(otherwise ? 0 : 1, 1);
  if (otherwise)
    app->callback([this, app, otherwise = std::move(otherwise)] {
      if (app->get_subcommands().empty()) chosen = otherwise;
    });
  return Command(app);
}

}  // namespace paastech::cli
