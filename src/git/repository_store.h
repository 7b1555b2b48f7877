#pragma once
// The bare repositories beneath one folder, <project uuid>.git each, read through libgit2. Git's own programs write
// them. Thread: safe from any; the calls block on the disk.
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "git/process.h"

namespace paastech::git {

struct TreeFile {
  std::string path;
  std::string kind;     // missing | file | symlink | directory | submodule | too_large
  std::string content;  // of a file of at most kMaxFile bytes
};

struct CommitFiles {
  std::vector<TreeFile> files;
  std::string subject;  // valid UTF-8
  std::string author;   // Name <address>, valid UTF-8
};

class RepositoryStore {
 public:
  static constexpr std::size_t kMaxFile = 256 << 10;   // repositories.proto
  static constexpr std::int64_t kReserve = 256 << 10;  // a ref, its lock and its folders take a block each

  explicit RepositoryStore(std::filesystem::path root);
  ~RepositoryStore();
  RepositoryStore(const RepositoryStore&) = delete;
  RepositoryStore& operator=(const RepositoryStore&) = delete;

  // Makes the folder and removes what an interrupted push or removal left. Only while no push runs.
  Status prepare();
  std::filesystem::path path_of(const std::string& project_id) const;
  Status create(const std::string& project_id, const std::string& default_branch);  // idempotent
  // Idempotent. kInternal: something of it is left, and says where.
  Status remove(const std::string& project_id);
  bool exists(const std::string& project_id) const;

  // While a push is in its hook its objects are in quarantine; named here, they are readable like all others.
  // kInvalidArgument: the folder is not inside that repository's objects folder.
  Status set_quarantine(const std::string& project_id, const std::string& folder);
  void clear_quarantine(const std::string& project_id);

  Result<CommitFiles> read_files(const std::string& project_id, const std::string& commit,
                                 const std::vector<std::string>& paths) const;
  // How to run `git archive` of commit:path; checks that both exist and that path is a folder.
  Result<GitInvocation> archive(const std::string& project_id, const std::string& commit,
                                const std::string& path) const;
  // The object a ref names; "" where it does not exist.
  Result<std::string> ref(const std::string& project_id, const std::string& name) const;
  // kFailedPrecondition: not a commit; kResourceExhausted: its tree is over the limits.
  Status check_deployable(const std::string& project_id, const std::string& commit) const;
  // HEAD follows the deploy branch: to master where there is only master, so that a clone checks it out.
  void point_head_at_deploy_branch(const std::string& project_id) const;
  // Room on the disk for what git writes when it moves a branch, until the file is closed: a disk that fills up during
  // a Deployment must not keep the branch from naming what serves. kResourceExhausted: there is none.
  Result<Descriptor> reserve(const std::string& project_id) const;
  std::size_t count_packs(const std::string& project_id) const;
  // Bytes of its files, with those of a push on its way; 0 where there is none.
  std::int64_t size(const std::string& project_id) const;

 private:
  std::string quarantine_of(const std::string& project_id) const;

  std::filesystem::path root_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> quarantines_;
};

Error disk_full();  // what a push is told

// Relative, without empty, `.`, `..` or `.git` components, no leading '-' or '/', no control characters. "" is not
// accepted.
bool is_tree_path(std::string_view path);
std::string make_utf8(std::string_view bytes);  // invalid sequences become U+FFFD

}  // namespace paastech::git
