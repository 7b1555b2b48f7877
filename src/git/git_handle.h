#pragma once
// libgit2's objects with owners. Thread: each object is used by one thread.
#include <git2.h>

#include <memory>
#include <string>

#include "base/result.h"

namespace paastech::git {

template <auto Free>
struct GitFree {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};

using RepositoryHandle = std::unique_ptr<git_repository, GitFree<git_repository_free>>;
using OdbHandle = std::unique_ptr<git_odb, GitFree<git_odb_free>>;
using CommitHandle = std::unique_ptr<git_commit, GitFree<git_commit_free>>;
using TreeHandle = std::unique_ptr<git_tree, GitFree<git_tree_free>>;
using TreeEntryHandle = std::unique_ptr<git_tree_entry, GitFree<git_tree_entry_free>>;
using ReferenceHandle = std::unique_ptr<git_reference, GitFree<git_reference_free>>;
using BlobHandle = std::unique_ptr<git_blob, GitFree<git_blob_free>>;

inline std::string git_error_text() {
  const git_error* error = git_error_last();
  return error != nullptr && error->message != nullptr ? error->message : "unknown error";
}

}  // namespace paastech::git
