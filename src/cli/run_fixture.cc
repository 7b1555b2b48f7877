#include "cli/run_fixture.h"

namespace paastech::cli {

CliTest::CliTest() {
  std::string pattern = (std::filesystem::temp_directory_path() / "paastech-cli-XXXXXX").string();
  home = ::mkdtemp(pattern.data());
  variables["PAASTECH_CONFIG_HOME"] = home / "config";
  variables["PAASTECH_SERVER"] = server.url();
  variables["PAASTECH_TOKEN"] = "pt_secret";
}

CliTest::~CliTest() {
  std::error_code none;
  std::filesystem::remove_all(home, none);
}

Ran CliTest::run(std::vector<std::string> arguments) {
  std::istringstream in(input);
  std::ostringstream out;
  std::ostringstream err;
  Ran result;
  result.exit = run(std::move(arguments), in, out, err);
  result.out = out.str();
  result.err = err.str();
  return result;
}

int CliTest::run(std::vector<std::string> arguments, std::istream& in, std::ostream& out, std::ostream& err) {
  Io io{.in = in,
        .out = out,
        .err = err,
        .in_is_terminal = terminal,
        .out_is_terminal = terminal,
        .err_is_terminal = terminal,
        .directory = home,
        .hostname = "box",
        .now_ms = 1'767'225'600'000,  // 2026-01-01T00:00:00Z
        .variable = [this](const char* name) -> std::optional<std::string> {
          const auto found = variables.find(name);
          return found == variables.end() ? std::nullopt : std::optional(found->second);
        },
        .ask_password = [this](const std::string&) -> Result<std::string> { return password; },
        .pause =
            [this](std::chrono::milliseconds time) {
              ++pauses;
              paused.push_back(time);
            }};
  std::vector<const char*> argv{"paastech"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  return cli::run(static_cast<int>(argv.size()), argv.data(), io);
}

}  // namespace paastech::cli
