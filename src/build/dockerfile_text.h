#pragma once
// Reads a Dockerfile into instructions as Docker's own parser does: directives, continued lines, comments, ONBUILD. The
// one reader for all checks, so that no two of them see different files. Pure; thread: any.
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace paastech::build {

struct Instruction {
  int line = 0;      // where it begins, from 1
  std::string name;  // upper case, behind any ONBUILD
  std::string rest;  // with every kind of space made ' '
  bool on_build = false;
};

// kInvalidArgument, the message beginning with "Dockerfile line N: ", for directives that are refused.
Result<std::vector<Instruction>> read_instructions(std::string_view text);
std::unexpected<Error> refuse_line(int line, std::string_view what, std::string hint);

inline constexpr std::string_view kQuotes = "\"'\\`";           // quotes, and what escapes
std::vector<std::string_view> words_of(std::string_view text);  // split at spaces, whatever is quoted
std::string unquoted(std::string_view text);                    // without any of kQuotes

}  // namespace paastech::build
