#pragma once
// A Procfile as Heroku describes it: a line `name: command` for each process; empty lines and lines that begin with #
// say nothing. The image's own shell runs the commands. Pure; thread: any.
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace paastech::build {

struct ProcfileLine {
  std::string name;  // a process, or `release`
  std::string command;
  int line = 0;  // from 1
};

// In their order. At most 64 KiB, 20 processes and 4096 bytes a command. kInvalidArgument: "Procfile line L: …".
Result<std::vector<ProcfileLine>> parse_procfile(std::string_view text);

}  // namespace paastech::build
