#pragma once
// Amounts on the command line, as people write them. A usage error names the option or word and shows an example. Pure.
#include <cstdint>
#include <string>

#include "cli/outcome.h"

namespace paastech::cli {

// 0 and above. what: "--projects". hint: what to write.
Outcome<std::int64_t> read_whole(const std::string& what, const std::string& text, const std::string& hint);
Outcome<std::int64_t> read_bytes(const std::string& what, const std::string& text,
                                 const std::string& hint);  // "512M", "16GiB": powers of 1024
Outcome<std::int64_t> read_milli_cpus(const std::string& what, const std::string& text);  // "0.5" → 500

}  // namespace paastech::cli
