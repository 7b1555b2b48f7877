#pragma once
// Runs whole commands against the FakeServer, in a folder of their own.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "cli/fake_server.h"
#include "cli/run.h"

namespace paastech::cli {

// What POST /sessions answers, and what a device gets that was let in.
inline constexpr const char* kSession =
    R"({"token":"pt_new","token_id":"t1","client":{"username":"ann","email":"ann@x.org"}})";

struct Ran {
  int exit = -1;
  std::string out;
  std::string err;
};

class CliTest : public ::testing::Test {
 protected:
  CliTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "paastech-cli-XXXXXX").string();
    home = ::mkdtemp(pattern.data());
    variables["PAASTECH_CONFIG_HOME"] = home / "config";
    variables["PAASTECH_SERVER"] = server.url();
    variables["PAASTECH_TOKEN"] = "pt_secret";
  }
  ~CliTest() override {
    std::error_code none;
    std::filesystem::remove_all(home, none);
  }

  Ran run(std::vector<std::string> arguments) {
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    Ran result;
    result.exit = run(std::move(arguments), in, out, err);
    result.out = out.str();
    result.err = err.str();
    return result;
  }

  int run(std::vector<std::string> arguments, std::istream& in, std::ostream& out, std::ostream& err) {
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
          .pause = [this](std::chrono::milliseconds) { ++pauses; }};
    std::vector<const char*> argv{"paastech"};
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    return cli::run(static_cast<int>(argv.size()), argv.data(), io);
  }

  void write(const std::string& name, const std::string& content) { std::ofstream(home / name) << content; }

  FakeServer server;
  std::filesystem::path home;
  std::map<std::string, std::string> variables;
  std::string input;
  std::string password;
  bool terminal = false;
  int pauses = 0;
};

}  // namespace paastech::cli
