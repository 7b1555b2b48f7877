#pragma once
// The daemon's home folder: made at first start with mode 0700, and held by one process a role at a time.
// Thread: called once at start.
#include <filesystem>
#include <string>

#include "base/result.h"
#include "paastechd/config.h"

namespace paastech {

bool others_may_read(const std::filesystem::path& file);  // false where it is not there
// Makes home, run, repositories, logs and the file `instance`. kFailedPrecondition where others could write there.
Status prepare_home(const Config& config);

// Holds <home>/run/<name>.pid, locked and with our process id in it, until the process ends.
class HomeLock {
 public:
  static Result<HomeLock> take(const Config& config, const std::string& name);  // kFailedPrecondition: another has it
  HomeLock(HomeLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  HomeLock& operator=(HomeLock&&) = delete;
  ~HomeLock();

 private:
  explicit HomeLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace paastech
