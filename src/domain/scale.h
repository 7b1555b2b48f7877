#pragma once
// What a Client chooses for a Process beside its code: how many Instances, how large each. And the names and commands
// of Processes. Pure; thread: any.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/process.h"

namespace paastech {

inline constexpr std::size_t kMostProcesses = 20;  // of one Project
inline constexpr int kMostInstances = 100;         // of one Process
inline constexpr std::int64_t kLeastMemoryBytes = 16LL << 20;
inline constexpr std::int64_t kMostMemoryBytes = 64LL << 30;
inline constexpr std::int64_t kLeastMilliCpus = 10;
inline constexpr std::int64_t kMostMilliCpus = 64'000;

struct Scale {
  std::string process;
  int count = 1;                  // 0: none of it runs
  std::int64_t memory_bytes = 0;  // of each Instance; 0: kInstanceMemoryBytes
  std::int64_t milli_cpus = 0;    // of each Instance; 0: kInstanceMilliCpus
  bool operator==(const Scale&) const = default;
};

Status check_scale(const Scale& scale);  // kInvalidArgument where a number is out of its limits
// Processes that no scale names keep what they have; scales of processes that the list does not have do nothing.
void apply_scale(ProcessList& list, const std::vector<Scale>& scales);

// [a-z][a-z0-9-]{0,29}, and none of the words that name other lines of the log or the release command.
Status check_process_name(std::string_view name);

// The words that run a line in the Instance's own shell, /bin/sh of its image. Nothing of it runs on the host.
std::vector<std::string> shell_words(std::string line);
// For people: a line of shell_words() as it was written, other words quoted where they need it.
std::string shown_command(const std::vector<std::string>& words);

}  // namespace paastech
