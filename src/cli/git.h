#pragma once
// The user's working copy, through the `git` program.
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace paastech::cli {

constexpr const char* kRemote = "paastech";

// The last part of the path of ssh://[user@]host[:port]/NAME[.git] or [user@]host:NAME[.git]; nothing where it is no
// such URL.
std::optional<std::string> project_of_remote(std::string_view url);
// A valid project name (3-30, lower-case letters, digits, hyphens, a letter first) close to the folder's, or empty.
std::string name_from_folder(std::string_view folder);

class Git {
 public:
  explicit Git(std::filesystem::path directory) : directory_(std::move(directory)) {}
  // A folder that need not be in a repository: makes an empty one for it in `store`, outside of it, and forgets the
  // one that this process' environment may name.
  static Result<Git> over(std::filesystem::path directory, std::filesystem::path store);
  Status require_repository() const;  // kFailedPrecondition outside of one
  Result<std::string> top_folder() const;
  Result<std::optional<std::string>> remote() const;  // the URL of the remote `paastech`
  Status add_remote(const std::string& url) const;
  Result<bool> has_commit() const;
  Result<bool> has_changes() const;  // tracked files that differ from HEAD
  // What deploys there: main, or master where the server has only that. Asks it, unless main is checked out here: a
  // push of main deploys. Nothing where git could not ask; it has said why on this terminal.
  Result<std::optional<std::string>> deploy_branch(const std::string& target) const;
  // The commit that the branch is at there, fetched without its history; empty: there is no such branch yet.
  Result<std::string> fetch_tip(const std::string& target, const std::string& branch) const;
  // HEAD becomes a commit of all that is in the folder but what its .gitignore files name, on top of the parent.
  // kFailedPrecondition: there is nothing, or a repository of its own within.
  Status commit_all(const std::string& parent) const;
  // `git push TARGET HEAD:BRANCH` on this terminal; the exit code of git.
  Result<int> push(const std::string& target, const std::string& branch, bool force, bool out_to_err) const;

 private:
  std::vector<std::string> command(std::initializer_list<std::string> arguments) const;
  Result<std::string> answer(std::initializer_list<std::string> arguments) const;  // git has said why it failed
  std::filesystem::path directory_;
  std::filesystem::path store_ = {};  // empty: where git finds it
};

}  // namespace paastech::cli
