// paastechd: the Service. `all` runs every role; `config check` explains the configuration.
#include <malloc.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "base/error.h"
#include "paastechd/config.h"
#include "paastechd/daemon.h"

namespace {

using paastech::Role;

int complain(const paastech::Error& error) {
  std::fprintf(stderr, "paastechd: %s\n", error.message.c_str());
  if (!error.hint.empty()) std::fprintf(stderr, "  %s\n", error.hint.c_str());
  return paastech::exit_code(error.code);
}

int run(const std::string& config_file, const std::set<Role>& roles) {
  const auto config = paastech::load_config(config_file, &std::getenv);
  if (!config) return complain(config.error());
  spdlog::set_level(spdlog::level::from_str(config->log_level));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
  const paastech::Status done = paastech::run_daemon(*config, roles);
  return done ? 0 : complain(done.error());
}

int check(const std::string& config_file) {
  const auto config = paastech::load_config(config_file, &std::getenv);
  if (!config) return complain(config.error());
  std::fputs(paastech::describe(*config).c_str(), stdout);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  // Few arenas: the daemon has many threads that allocate little, and memory is what a small machine lacks.
  ::mallopt(M_ARENA_MAX, 2);
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app("PaaSTech, a self-hosted platform as a service");
  app.set_version_flag("--version", PAASTECH_VERSION);
  std::string config_file;
  app.add_option("-c,--config", config_file, "TOML file (default: $PAASTECH_HOME/paastech.toml where it exists)");
  app.require_subcommand(1);
  app.fallthrough();
  int exit = 0;
  const std::pair<const char*, std::set<Role>> roles[] = {
      {"all", {Role::kApi, Role::kPomegranate, Role::kGit, Role::kRouter}},
      {"api", {Role::kApi}},
      {"pomegranate", {Role::kPomegranate}},
      {"git", {Role::kGit}},
      {"router", {Role::kRouter}},
  };
  for (const auto& [name, set] : roles) {
    const std::string about = set.size() > 1 ? "run every role in this process" : std::string("run the role ") + name;
    app.add_subcommand(name, about)->callback([&exit, &config_file, set] { exit = run(config_file, set); });
  }
  CLI::App* config = app.add_subcommand("config", "about the configuration")->require_subcommand(1);
  config->add_subcommand("check", "print what is in force, or explain what is wrong")->callback([&] {
    exit = check(config_file);
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int code = app.exit(e);
    return code == 0 ? 0 : 2;
  }
  return exit;
}
