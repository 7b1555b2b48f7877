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
  CliTest();
  ~CliTest() override;

  Ran run(std::vector<std::string> arguments);

  int run(std::vector<std::string> arguments, std::istream& in, std::ostream& out, std::ostream& err);

  void write(const std::string& name, const std::string& content) { std::ofstream(home / name) << content; }

  FakeServer server;
  std::filesystem::path home;
  std::map<std::string, std::string> variables;
  std::string input;
  std::string password;
  bool terminal = false;
  int pauses = 0;
  std::vector<std::chrono::milliseconds> paused;  // how long each was
};

}  // namespace paastech::cli
