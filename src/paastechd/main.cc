// paastechd: the Service. `all` runs every role; `config check` explains the configuration; `keys` is about the keys of
// sealed values, `authority` about the certificates of roles on other hosts.
#include <malloc.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "base/error.h"
#include "paastechd/config.h"
#include "paastechd/daemon.h"
#include "paastechd/database.h"
#include "paastechd/keys.h"
#include "paastechd/links.h"

namespace {

using paastech::DaemonRole;

int complain(const paastech::Error& error) {
  std::fprintf(stderr, "paastechd: %s\n", error.message.c_str());
  if (!error.hint.empty()) std::fprintf(stderr, "  %s\n", error.hint.c_str());
  return paastech::exit_code(error.code);
}

int run(const std::string& config_file, const std::set<DaemonRole>& roles) {
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

int with_config(const std::string& config_file, const std::function<paastech::Status(const paastech::Config&)>& work) {
  const auto config = paastech::load_config(config_file, &std::getenv);
  if (!config) return complain(config.error());
  const paastech::Status done = work(*config);
  return done ? 0 : complain(done.error());
}

int issue(const std::string& config_file, const std::string& role, const std::string& out) {
  const auto config = paastech::load_config(config_file, &std::getenv);
  if (!config) return complain(config.error());
  const paastech::Status done = paastech::issue_certificates(*config, role, out);
  return done ? 0 : complain(done.error());
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
  const std::pair<const char*, std::set<DaemonRole>> roles[] = {
      {"all", {DaemonRole::kApi, DaemonRole::kPomegranate, DaemonRole::kGit, DaemonRole::kRouter}},
      {"api", {DaemonRole::kApi}},
      {"pomegranate", {DaemonRole::kPomegranate}},
      {"git", {DaemonRole::kGit}},
      {"router", {DaemonRole::kRouter}},
  };
  for (const auto& [name, set] : roles) {
    const std::string about = set.size() > 1 ? "run every role in this process" : std::string("run the role ") + name;
    app.add_subcommand(name, about)->callback([&exit, &config_file, set] { exit = run(config_file, set); });
  }
  CLI::App* config = app.add_subcommand("config", "about the configuration")->require_subcommand(1);
  config->add_subcommand("check", "print what is in force, or explain what is wrong")->callback([&] {
    exit = check(config_file);
  });
  CLI::App* database = app.add_subcommand("database", "about the database")->require_subcommand(1);
  CLI::App* copy = database->add_subcommand("copy", "move a stopped Service to an empty database of the other kind");
  std::string from;
  std::string to;
  copy->add_option("from", from, "sqlite:PATH or postgresql://user@host:port/name")->required();
  copy->add_option("to", to, "the same; default: the configured database, which keeps its password off this line");
  copy->callback([&] {
    const auto work = [&](const paastech::Config& in_force) { return paastech::copy_database(in_force, from, to); };
    exit = with_config(config_file, work);
  });
  CLI::App* keys = app.add_subcommand("keys", "the keys that values are sealed with")->require_subcommand(1);
  keys->add_subcommand("rotate", "seal every value anew with a new key; the Service may run")->callback([&] {
    exit = with_config(config_file, &paastech::rotate_keys);
  });
  keys->add_subcommand("list", "ids and dates of the keys, and how many values use each")->callback([&] {
    exit = with_config(config_file, &paastech::list_keys);
  });
  CLI::App* authority = app.add_subcommand("authority", "certificates of roles on other hosts")->require_subcommand(1);
  std::string role;
  std::string out;
  CLI::App* bundle = authority->add_subcommand("issue", "make ca.crt, ROLE.crt and ROLE.key for another host");
  bundle->add_option("ROLE", role, "api, pomegranate, git or router")->required();
  bundle->add_option("--out", out, "the folder to make them in")->required();
  bundle->callback([&] { exit = issue(config_file, role, out); });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int code = app.exit(e);
    return code == 0 ? 0 : 2;
  }
  return exit;
}
