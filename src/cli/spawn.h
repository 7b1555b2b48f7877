#pragma once
// Other programs, by argument vector only; no shell (key constraint 3). Calls block until the program ends.
#include <string>
#include <vector>

#include "base/result.h"

namespace paastech::cli {

struct Captured {
  int exit = 0;  // 128 + N where signal N ended it
  std::string out;
};

// At most 64 MiB of its output: the names of all files that a push may have (git/repository_store.h). Its input and
// standard error are /dev/null, or, asking, those of this process: for what may have something to ask, or to complain
// of.
Result<Captured> capture(std::vector<std::string> argv, bool asking = false);
Result<int> run_here(std::vector<std::string> argv, bool out_to_err);  // with this process' own streams
void launch(std::vector<std::string> argv);                            // without streams, and does not wait for it
bool run_quietly(std::vector<std::string> argv);                       // no streams at all; true where it ended with 0

}  // namespace paastech::cli
