#pragma once
// The terminal output of Deployments, kept as one file each under <home>/logs/<project>/<number>.log, so that it
// outlives the process. At most 4 MiB a Deployment, where each line counts 64 bytes more than it has, for lines cost
// whoever reads them, also short ones: what comes later is dropped and a last line says so. Thread: the caller's;
// appends go to the page cache and do not wait for the disk.
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace paastech::logs {

inline constexpr std::int64_t kLineCost = 64;  // about what a std::string and its place in a list take

class DeploymentLog {
 public:
  explicit DeploymentLog(const std::filesystem::path& home) : root_(home / "logs") {}
  // One line or several, without the last newline. lines_before: how many the writer has appended before.
  Status append(const std::string& project, std::int64_t number, std::string_view lines,
                std::int64_t lines_before = 0) const;
  // All of it as it is in the file; empty where there is none.
  std::string text(const std::string& project, std::int64_t number) const;
  // At most so many bytes of it from there on.
  std::string part(const std::string& project, std::int64_t number, std::int64_t offset, std::size_t bytes) const;
  std::vector<std::string> read(const std::string& project, std::int64_t number) const;
  void remove(const std::string& project) const;

 private:
  std::filesystem::path file_of(const std::string& project, std::int64_t number) const;
  std::filesystem::path root_;
};

}  // namespace paastech::logs
