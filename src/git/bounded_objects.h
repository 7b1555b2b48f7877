#pragma once
// Objects of a pushed repository, of which each is read whole into this process. A small pack may hold huge ones
// (threat 12), so that none is read before its size is known; of a delta that takes its head only. Thread: as
// git_handle.h.
#include "git/git_handle.h"

namespace paastech::git {

constexpr std::size_t kMaxCommitBytes = 1 << 20;  // with its message
constexpr std::size_t kMaxTreeBytes = 16 << 20;   // of one folder; 100,000 entries with names of 140 bytes
constexpr std::size_t kMaxTreeEntries = 100'000;  // of all folders; the Linux kernel's tree has 90,000
constexpr int kMaxTreeDepth = 64;

// kInvalidArgument: not an id; kNotFound: no commit; kResourceExhausted: over the limit.
Result<CommitHandle> find_commit(git_repository* repository, const std::string& commit);
Result<TreeHandle> tree_of(git_repository* repository, git_commit* commit);  // kResourceExhausted: over the limit
// The whole tree against all limits, so that afterwards any part of it may be read.
Status check_tree(git_repository* repository, const git_tree* tree);

}  // namespace paastech::git
