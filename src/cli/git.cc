#include "cli/git.h"

#include <fmt/format.h>
#include <stdlib.h>

#include "base/text.h"
#include "cli/spawn.h"

namespace paastech::cli {
namespace {

constexpr std::size_t kShortestName = 3;
constexpr std::size_t kLongestName = 30;

// Text of a server becomes a remote: nothing but ssh, since git also knows URLs that run programs (ext::).
Status check_ssh_url(const std::string& url) {
  if (url.starts_with("ssh://") && url.find_first_of(" \t\r\n\\") == std::string::npos && url[6] != '-') return {};
  return fail(Code::kFailedPrecondition,
              fmt::format("the server names `{}` as the Git address, which is no ssh:// URL", url),
              "tell its administrator");
}

// What names another repository than the one that is meant: a hook of git's has these set for its own
// (`git rev-parse --local-env-vars`). Settings that come the same way stay: they may say how to reach the server.
constexpr auto kOfAnotherRepository = {"GIT_ALTERNATE_OBJECT_DIRECTORIES",
                                       "GIT_COMMON_DIR",
                                       "GIT_DIR",
                                       "GIT_GRAFT_FILE",
                                       "GIT_IMPLICIT_WORK_TREE",
                                       "GIT_INDEX_FILE",
                                       "GIT_NAMESPACE",
                                       "GIT_OBJECT_DIRECTORY",
                                       "GIT_PREFIX",
                                       "GIT_QUARANTINE_PATH",
                                       "GIT_SHALLOW_FILE",
                                       "GIT_WORK_TREE"};

// The path of the first entry of `git ls-files --stage` that is a repository of its own, empty: there is none.
std::string first_repository_within(std::string_view listed) {
  for (const std::string& line : split(listed, '\n')) {  // MODE SP ID SP STAGE TAB PATH (git-ls-files(1))
    const std::size_t tab = line.find('\t');
    if (line.starts_with("160000 ") && tab != std::string::npos) return line.substr(tab + 1);
  }
  return {};
}

}  // namespace

std::optional<std::string> project_of_remote(std::string_view url) {
  std::string_view path;
  if (url.starts_with("ssh://")) {
    const std::size_t slash = url.find('/', 6);
    if (slash == std::string_view::npos) return std::nullopt;
    path = url.substr(slash + 1);
  } else {
    const std::size_t colon = url.find(':');
    if (colon == std::string_view::npos || url.substr(0, colon).find('/') != std::string_view::npos ||
        url.find("://") != std::string_view::npos || url.substr(colon).starts_with("::"))
      return std::nullopt;
    path = url.substr(colon + 1);
  }
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.ends_with(".git")) path.remove_suffix(4);
  if (path.empty() || path.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string_view::npos)
    return std::nullopt;
  return std::string(path);
}

std::string name_from_folder(std::string_view folder) {
  std::string name;
  for (const char c : lower(folder)) {
    const bool letter = c >= 'a' && c <= 'z';
    if (letter || (c >= '0' && c <= '9' && !name.empty()))
      name.push_back(c);
    else if (!name.empty() && name.back() != '-')
      name.push_back('-');
    if (name.size() == kLongestName) break;
  }
  while (name.ends_with('-')) name.pop_back();
  return name.size() >= kShortestName ? name : std::string();
}

std::vector<std::string> Git::command(std::initializer_list<std::string> arguments) const {
  std::vector<std::string> argv{"git", "-C", directory_.string()};
  // Nothing of the user's own settings decides what of a folder is deployed.
  if (!store_.empty())
    argv.insert(argv.end(),
                {"--git-dir", store_.string(), "--work-tree", directory_.string(), "-c", "core.bare=false", "-c",
                 "core.autocrlf=false", "-c", "core.quotePath=false", "-c", "core.excludesFile=", "-c",
                 "core.hooksPath=/dev/null", "-c", "user.name=paastech", "-c", "user.email=paastech@localhost"});
  argv.insert(argv.end(), arguments);
  return argv;
}

Result<std::string> Git::answer(std::initializer_list<std::string> arguments) const {
  TRY_ASSIGN(const Captured out, capture(command(arguments), true));
  if (out.exit != 0)
    return fail(Code::kFailedPrecondition, fmt::format("git could not {} {}", *arguments.begin(), directory_.string()),
                "git says why above");
  return std::string(trim(out.out));
}

Result<Git> Git::over(std::filesystem::path directory, std::filesystem::path store) {
  Git git(std::move(directory));
  git.store_ = std::move(store);
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the CLI has one thread
  for (const char* name : kOfAnotherRepository) ::unsetenv(name);
  TRY(git.answer({"init", "--quiet"}));
  TRY(git.answer({"symbolic-ref", "HEAD", "refs/heads/source"}));  // neither main nor master: the server's counts
  return git;
}

Result<std::string> Git::fetch_tip(const std::string& target, const std::string& branch) const {
  TRY(check_ssh_url(target));
  const std::string name = "refs/heads/" + branch;
  TRY_ASSIGN(const std::string there, answer({"ls-remote", "--", target, name}));
  if (!there.ends_with("\t" + name)) return std::string();
  TRY(answer({"fetch", "--quiet", "--depth=1", "--no-tags", "--", target, name}));
  return answer({"rev-parse", "FETCH_HEAD"});
}

Status Git::commit_all(const std::string& parent) const {
  TRY(answer({"add", "--all", "--", "."}));
  TRY_ASSIGN(const std::string files, answer({"ls-files", "--stage"}));
  if (files.empty())
    return fail(Code::kFailedPrecondition, fmt::format("there is nothing in {} to deploy", directory_.string()),
                "a .gitignore there may name everything");
  if (const std::string within = first_repository_within(files); !within.empty())
    return fail(Code::kFailedPrecondition,
                fmt::format("{} in {} is a Git repository of its own, of which Git would take no files",
                            sanitize_terminal(within), directory_.string()),
                "move its .git away, or name the folder in .gitignore");
  TRY_ASSIGN(const std::string tree, answer({"write-tree"}));
  std::string commit;
  if (parent.empty()) {
    TRY_ASSIGN(commit, answer({"commit-tree", tree, "-m", "Deployed from a folder"}));
  } else {
    TRY_ASSIGN(commit, answer({"commit-tree", tree, "-p", parent, "-m", "Deployed from a folder"}));
  }
  TRY(answer({"update-ref", "HEAD", commit}));
  return {};
}

Status Git::require_repository() const {
  TRY_ASSIGN(const Captured answer, capture(command({"rev-parse", "--is-inside-work-tree"})));
  if (answer.exit == 0 && trim(answer.out) == "true") return {};
  return fail(Code::kFailedPrecondition, "this folder is not in a Git repository",
              "run `git init`, or change to the folder of your code");
}

Result<std::string> Git::top_folder() const {
  TRY_ASSIGN(const Captured answer, capture(command({"rev-parse", "--show-toplevel"})));
  if (answer.exit != 0) return fail(Code::kFailedPrecondition, "git does not say where the repository begins");
  return std::string(trim(answer.out));
}

Result<std::optional<std::string>> Git::remote() const {
  TRY_ASSIGN(const Captured answer, capture(command({"config", "--get", fmt::format("remote.{}.url", kRemote)})));
  if (answer.exit != 0) return std::optional<std::string>();
  return std::optional<std::string>(trim(answer.out));
}

Status Git::add_remote(const std::string& url) const {
  TRY(check_ssh_url(url));
  TRY_ASSIGN(const Captured answer, capture(command({"remote", "add", "--", kRemote, url})));
  if (answer.exit == 0) return {};
  return fail(Code::kInternal, fmt::format("git could not add the remote `{}`", kRemote),
              fmt::format("try it by hand: git remote add {} {}", kRemote, url));
}

Result<bool> Git::has_commit() const {
  TRY_ASSIGN(const Captured answer, capture(command({"rev-parse", "--verify", "--quiet", "HEAD"})));
  return answer.exit == 0;
}

Result<bool> Git::has_changes() const {
  TRY_ASSIGN(const Captured answer, capture(command({"status", "--porcelain", "--untracked-files=no"})));
  return answer.exit == 0 && !trim(answer.out).empty();
}

Result<std::optional<std::string>> Git::deploy_branch(const std::string& target) const {
  if (target != kRemote) TRY(check_ssh_url(target));
  TRY_ASSIGN(const Captured here, capture(command({"symbolic-ref", "--quiet", "HEAD"})));
  if (trim(here.out) == "refs/heads/main") return std::string("main");
  TRY_ASSIGN(const Captured there,
             capture(command({"ls-remote", "--", target, "refs/heads/main", "refs/heads/master"}), true));
  if (there.exit != 0) return std::nullopt;
  const auto has = [&there](const char* branch) {  // a line is ID, tab, name; the patterns also match longer names
    return there.out.find(fmt::format("\trefs/heads/{}\n", branch)) != std::string::npos;
  };
  return std::string(has("master") && !has("main") ? "master" : "main");
}

Result<int> Git::push(const std::string& target, const std::string& branch, bool force, bool out_to_err) const {
  if (target != kRemote) TRY(check_ssh_url(target));
  std::vector<std::string> argv = command({"push"});
  if (force) argv.push_back("--force");
  argv.insert(argv.end(), {"--", target, "HEAD:refs/heads/" + branch});
  return run_here(std::move(argv), out_to_err);
}

}  // namespace paastech::cli
