#pragma once
// How a command group makes itself known to the parser. A command is a function of the Session that answers the exit
// code. The global options may stand at any level: `paastech --json ps` is `paastech ps --json`.
#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>

#include "cli/session.h"

namespace paastech::cli {

using Action = std::function<Outcome<int>(Session&)>;

class Commands {
 public:
  explicit Commands(CLI::App& root);
  // A command that acts; parent: the root where not given.
  CLI::App* add(const std::string& name, const std::string& description, Action action, CLI::App* parent = nullptr);
  // A group of commands. otherwise: what the bare group does; without it, a command is required.
  CLI::App* group(const std::string& name, const std::string& description, Action otherwise = {},
                  CLI::App* parent = nullptr);

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
void add_admin_clients_commands(Commands& commands, CLI::App* admin);
void add_admin_quota_commands(Commands& commands, CLI::App* admin);
void add_admin_announcements_commands(Commands& commands, CLI::App* admin);
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
