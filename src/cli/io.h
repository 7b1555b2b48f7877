#pragma once
// What the client has of the world outside: injected, so that a test runs whole commands without a terminal.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <istream>
#include <optional>
#include <ostream>
#include <string>

#include "base/result.h"

namespace paastech::cli {

struct Io {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool in_is_terminal = false;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  int columns = 0;                  // of the terminal; 0: no limit
  std::filesystem::path directory;  // where the command runs
  std::string hostname;
  std::int64_t now_ms = 0;  // when the command began, milliseconds since 1970 UTC
  std::function<std::optional<std::string>(const char* name)> variable;        // of the process environment
  std::function<Result<std::string>(const std::string& prompt)> ask_password;  // without echo
  std::function<void(std::chrono::milliseconds)> pause;
};

}  // namespace paastech::cli
