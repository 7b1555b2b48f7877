#pragma once
// What an SSH client may ask for: two verbs of Git's wire protocol with one strictly checked repository name (threats
// 14 and 15). Pure; nothing of the line is ever given to a shell.
#include <string>
#include <string_view>

#include "base/result.h"

namespace paastech::git {

struct GitCommand {
  bool write = false;      // git-receive-pack, a push; else git-upload-pack, a fetch
  std::string repository;  // project name or lower-case uuid
};

// Accepts exactly `git-receive-pack 'NAME'` and `git-upload-pack 'NAME'`, quoted as git quotes (quote.c, sq_quote_buf),
// NAME with an optional leading slash and an optional `.git`. Everything else is kInvalidArgument with a message and
// hint.
Result<GitCommand> parse_git_command(std::string_view line);

// The value of GIT_PROTOCOL is passed on to git only in the form the protocol defines: version=0, 1 or 2.
bool is_git_protocol(std::string_view value);

}  // namespace paastech::git
