#pragma once
// The real terminal and process as an Io.
#include "cli/io.h"

namespace paastech::cli {

Io process_io();

}  // namespace paastech::cli
