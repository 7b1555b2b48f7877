#pragma once
// How a command group makes itself known to the parser. A command is a function of the Session that answers the exit
// code. The global options may stand at any level: `paastech --json ps` is `paastech ps --json`.
// The parser is CLI11; its header is for the few files that look into it, for every file that has it pays seconds.
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "cli/session.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace paastech::cli {

// The number of a Deployment, as a limit that help can name.
constexpr std::int64_t kHighestNumber = 1'000'000'000;

using Action = std::function<Outcome<int>(Session&)>;

// Handles of what the parser owns, to be copied. What an option is bound to must live until the command has run.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}
  Option type_name(const std::string& name) const;  // what help calls the value; empty: nothing
  Option required() const;
  Option one_of(std::initializer_list<const char*> values) const;
  Option between(std::int64_t low, std::int64_t high) const;  // both included
  Option excludes(Option other) const;
  Option needs(Option other) const;

 private:
  CLI::Option* option_;
};

class Command {
 public:
  explicit Command(CLI::App* app) : app_(app) {}
  // names: "-f,--force"; one without hyphens stands by its place.
  Option add_flag(const std::string& names, bool& value, const std::string& description) const;
  Option add_option(const std::string& names, std::string& value, const std::string& description) const;
  Option add_option(const std::string& names, std::vector<std::string>& value, const std::string& description) const;
  Option add_option(const std::string& names, int& value, const std::string& description) const;
  Option add_option(const std::string& names, std::int64_t& value, const std::string& description) const;

 private:
  friend class Commands;
  CLI::App* app_;
};

class Commands {
 public:
  explicit Commands(CLI::App& root);
  // A command that acts, at the root where no parent is given.
  Command add(const std::string& name, const std::string& description, Action action);
  Command add(const std::string& name, const std::string& description, Action action, Command parent);
  // A group of commands. otherwise: what the bare group does; without it, a command is required.
  Command group(const std::string& name, const std::string& description, Action otherwise = {});
  Command group(const std::string& name, const std::string& description, Action otherwise, Command parent);

  CLI::App& root;
  Globals globals;
  Action chosen;

 private:
  void add_globals(CLI::App& app);
};

void add_login_commands(Commands& commands);
void add_account_commands(Commands& commands);
void add_sessions_commands(Commands& commands);
void add_tokens_commands(Commands& commands);
void add_two_factor_commands(Commands& commands);
void add_admin_commands(Commands& commands);  // with the three below
void add_admin_clients_commands(Commands& commands, Command admin);
void add_admin_quota_commands(Commands& commands, Command admin);
void add_admin_announcements_commands(Commands& commands, Command admin);
void add_keys_commands(Commands& commands);
void add_members_commands(Commands& commands);
void add_audit_command(Commands& commands);
void add_projects_commands(Commands& commands);
void add_init_command(Commands& commands);
void add_deploy_command(Commands& commands);
void add_env_commands(Commands& commands);
void add_deployments_commands(Commands& commands);
void add_processes_commands(Commands& commands);
void add_apps_commands(Commands& commands);
void add_registry_commands(Commands& commands);
void add_stats_command(Commands& commands);
void add_logs_command(Commands& commands);

}  // namespace paastech::cli
