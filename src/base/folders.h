#pragma once
// Folders of the Service: made for one user, and locked while their files are changed. Thread: any; the calls block.
#include <filesystem>
#include <utility>

#include "base/result.h"

namespace paastech {

// Makes the folder, mode 0700, where it is missing. kFailedPrecondition where that fails or others may write there.
Status make_private_folder(const std::filesystem::path& folder);

// Held while files of the folder are read and written anew, so that two processes do not lose each other's change
// (flock). Waits for its turn.
class FolderLock {
 public:
  static Result<FolderLock> take(const std::filesystem::path& folder);
  // The same by a file in it, which is made where it is missing: on NFS, where homes of users may be, only what is open
  // for writing can be locked (flock(2)).
  static Result<FolderLock> take_file(const std::filesystem::path& file);
  FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  static Result<FolderLock> wait(int fd, const std::filesystem::path& place);
  int fd_;
};

}  // namespace paastech
