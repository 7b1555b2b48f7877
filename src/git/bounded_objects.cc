#include "git/bounded_objects.h"

#include <fmt/format.h>

#include "base/human_bytes.h"
#include "git/ref_rules.h"

namespace paastech::git {
namespace {

Status check_size(git_repository* repository, const git_oid* id, std::size_t most, const std::string& what) {
  git_odb* raw = nullptr;
  if (git_repository_odb(&raw, repository) != 0) return fail(Code::kInternal, git_error_text());
  const OdbHandle odb(raw);
  std::size_t size = 0;
  git_object_t type = GIT_OBJECT_INVALID;
  if (git_odb_read_header(&size, &type, raw, id) != 0)
    return fail(Code::kNotFound, fmt::format("there is no object {} in the repository", git_oid_tostr_s(id)));
  if (size <= most) return {};
  return fail(Code::kResourceExhausted,
              fmt::format("{} is over the limit of {}", what, human_bytes(static_cast<std::int64_t>(most))),
              "keep data in files, and generated files and dependencies out of the repository");
}

Result<TreeHandle> find_tree(git_repository* repository, const git_oid* id) {
  TRY(check_size(repository, id, kMaxTreeBytes, "a folder's list of files"));
  git_tree* raw = nullptr;
  if (git_tree_lookup(&raw, repository, id) != 0) return fail(Code::kInternal, git_error_text());
  return TreeHandle(raw);
}

// Counts with repetition, as unpacking would: a bomb of nested equal trees is small in the pack only.
Status count_entries(git_repository* repository, const git_tree* tree, int depth, std::size_t& count) {
  const std::size_t entries = git_tree_entrycount(tree);
  count += entries;
  if (depth > kMaxTreeDepth || count > kMaxTreeEntries)
    return fail(
        Code::kResourceExhausted,
        fmt::format("the commit's tree is over the limit of {} entries in {} levels", kMaxTreeEntries, kMaxTreeDepth),
        "keep generated files and dependencies out of the repository");
  for (std::size_t i = 0; i < entries; ++i) {
    const git_tree_entry* entry = git_tree_entry_byindex(tree, i);
    if (git_tree_entry_filemode(entry) != GIT_FILEMODE_TREE) continue;
    TRY_ASSIGN(const TreeHandle child, find_tree(repository, git_tree_entry_id(entry)));
    TRY(count_entries(repository, child.get(), depth + 1, count));
  }
  return {};
}

}  // namespace

Result<CommitHandle> find_commit(git_repository* repository, const std::string& commit) {
  git_oid id;
  if (!is_object_id(commit) || git_oid_fromstr(&id, commit.c_str()) != 0)
    return fail(Code::kInvalidArgument, "a commit is named by its 40 hex digits");
  TRY(check_size(repository, &id, kMaxCommitBytes, fmt::format("commit {} with its message", commit.substr(0, 12))));
  git_commit* raw = nullptr;
  if (git_commit_lookup(&raw, repository, &id) != 0)
    return fail(Code::kNotFound, fmt::format("there is no commit {} in the repository", commit));
  return CommitHandle(raw);
}

Result<TreeHandle> tree_of(git_repository* repository, git_commit* commit) {
  return find_tree(repository, git_commit_tree_id(commit));
}

Status check_tree(git_repository* repository, const git_tree* tree) {
  std::size_t count = 0;
  return count_entries(repository, tree, 1, count);
}

}  // namespace paastech::git
