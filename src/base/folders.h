#pragma once
// Folders of the Service: made for one user, and locked while their files are changed. Thread: any; the calls block.
#include <filesystem>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace paastech {

// Makes the folder, mode 0700, where it is missing. kFailedPrecondition where that fails or others may write there.
Status make_private_folder(const std::filesystem::path& folder);

// A new folder among the temporary ones, for this user alone; gone with all that is in it when this ends.
class TemporaryFolder {
 public:
  // prefix: of its name. kInternal where it cannot be made.
  static Result<TemporaryFolder> make(std::string_view prefix);
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder();
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

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
