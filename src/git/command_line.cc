#include "git/command_line.h"

#include <fmt/format.h>

#include "base/ids.h"
#include "base/text.h"
#include "domain/names.h"

namespace paastech::git {
namespace {

constexpr std::string_view kPush = "git-receive-pack ";
constexpr std::string_view kFetch = "git-upload-pack ";
constexpr std::size_t kMaxLine = 256;  // a uuid, both affixes and a verb need 62

std::unexpected<Error> not_git() {
  return fail(Code::kInvalidArgument, "only `git push` and `git fetch` (or clone) work over this connection",
              "add the remote with `paastech init`, then: git push paastech main");
}

}  // namespace

Result<GitCommand> parse_git_command(std::string_view line) {
  if (line.size() > kMaxLine) return not_git();
  GitCommand command;
  command.write = line.starts_with(kPush);
  if (!command.write && !line.starts_with(kFetch)) return not_git();
  std::string_view name = line.substr(command.write ? kPush.size() : kFetch.size());
  if (name.size() < 2 || name.front() != '\'' || name.back() != '\'') return not_git();
  name = name.substr(1, name.size() - 2);
  // A quote or backslash inside means escapes, which no permitted name needs.
  if (name.find_first_of("'\\!") != std::string_view::npos) return not_git();
  if (name.starts_with('/')) name.remove_prefix(1);
  if (name.ends_with(".git")) name.remove_suffix(4);
  if (!is_uuid(name)) {
    if (const Status ok = check_project_name(name); !ok)
      return fail(Code::kInvalidArgument,
                  fmt::format("'{}' is not the name of a project: {}", sanitize_terminal(name), ok.error().message),
                  "see the remote's URL with `git remote -v`, your projects with `paastech projects list`");
  }
  command.repository = std::string(name);
  return command;
}

bool is_git_protocol(std::string_view value) {
  return value == "version=0" || value == "version=1" || value == "version=2";
}

}  // namespace paastech::git
