#include "domain/scale.h"

#include <fmt/format.h>

#include <algorithm>

namespace paastech {
namespace {

constexpr std::string_view kShell = "/bin/sh";
constexpr std::string_view kTaken[] = {"release", "build", "run", "platform"};

// Of a word that a shell would read as it stands.
bool is_plain(std::string_view word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@%+,";
  return !word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos;
}

std::string quoted(const std::string& word) {
  if (is_plain(word)) return word;
  std::string out = "'";
  for (const char c : word) c == '\'' ? out += "'\\''" : out += c;
  return out + "'";
}

}  // namespace

Status check_scale(const Scale& scale) {
  const std::string of = " of process " + scale.process;
  if (scale.count < 0 || scale.count > kMostInstances)
    return fail(Code::kInvalidArgument, fmt::format("the count{} must be 0 to {}", of, kMostInstances),
                "give a count within these limits");
  const bool memory = scale.memory_bytes >= kLeastMemoryBytes && scale.memory_bytes <= kMostMemoryBytes;
  if (scale.memory_bytes != 0 && !memory)
    return fail(Code::kInvalidArgument, "the memory" + of + " must be 16 MiB to 64 GiB, or 0 for the default",
                "give a size within these limits");
  const bool cpus = scale.milli_cpus >= kLeastMilliCpus && scale.milli_cpus <= kMostMilliCpus;
  if (scale.milli_cpus != 0 && !cpus)
    return fail(Code::kInvalidArgument, "the cores" + of + " must be 0.01 to 64, or 0 for the default",
                "give a number of cores within these limits");
  return {};
}

void apply_scale(ProcessList& list, const std::vector<Scale>& scales) {
  for (const Scale& scale : scales) {
    const auto found = list.processes.find(scale.process);
    if (found == list.processes.end()) continue;
    found->second.count = scale.count;
    found->second.memory_bytes = scale.memory_bytes;
    found->second.milli_cpus = scale.milli_cpus;
  }
}

Status check_process_name(std::string_view name) {
  const bool fits = !name.empty() && name.size() <= 30 && name.front() >= 'a' && name.front() <= 'z' &&
                    name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
  if (!fits)
    return fail(Code::kInvalidArgument, "is not the name of a process",
                "a name has 1 to 30 lower-case letters, digits and hyphens, a letter first");
  if (std::ranges::find(kTaken, name) != std::end(kTaken))
    return fail(Code::kInvalidArgument, "is a word that the platform uses itself", "give the process another name");
  return {};
}

std::vector<std::string> shell_words(std::string line) { return {std::string(kShell), "-c", std::move(line)}; }

std::string shown_command(const std::vector<std::string>& words) {
  if (words.size() == 3 && words[0] == kShell && words[1] == "-c") return words[2];
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + quoted(word);
  return out;
}

}  // namespace paastech
