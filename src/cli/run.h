#pragma once
// The whole client: parses the arguments, runs the command, prints its failure. Answers the process' exit code
// (see outcome.h). Never throws.
#include "cli/io.h"

namespace paastech::cli {

int run(int argc, const char* const* argv, Io& io);

}  // namespace paastech::cli
