#pragma once
// Starts a program by argument vector and waits for it; nothing ever passes through a shell. The child gets an empty
// standard input or `input`, none of our other descriptors, and dies at the deadline. Thread: any; the call blocks.
#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"

namespace paastech {

struct ProgramResult {
  int exit_code = 0;        // 128 + signal where it was killed by one
  std::string output = {};  // of standard output and error, mixed, as they came
};

struct ProgramLimits {
  std::chrono::milliseconds timeout{30'000};
  std::size_t max_output = 1 << 20;  // what comes beyond is read and dropped
};

// argv[0] is looked up in PATH. kNotFound: there is no such program. kDeadlineExceeded: killed at the deadline.
Result<ProgramResult> run_program(std::vector<std::string> argv, std::string input = {}, ProgramLimits limits = {});

}  // namespace paastech
