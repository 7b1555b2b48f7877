#include "build/manifest.h"

#include "build/build_section.h"
#include "build/process_section.h"
#include "build/procfile.h"
#include "domain/scale.h"

namespace paastech::build {
namespace {

constexpr std::size_t kSizeLimit = 256 << 10;
constexpr std::string_view kTopKeys = "the keys allowed are `build`, `processes`, `release` and `strategy`";

// paastech.yaml by itself.
struct Written {
  Manifest manifest = {};  // all but processes and release
  std::map<std::string, WrittenProcess> processes = {};
  std::optional<WrittenRelease> release = {};
};

Result<Written> read_yaml(std::string_view text) {
  if (text.size() > kSizeLimit)
    return fail(Code::kInvalidArgument, "paastech.yaml is over 256 KiB", "keep only the keys that are described");
  TRY_ASSIGN(const YamlNode root, parse_yaml(text, kManifestFile));
  TRY(check_mapping(root, "", kTopKeys));
  Written out;
  for (const auto& [key, value] : root.members) {
    if (key == "build") {
      TRY(read_build(value, out.manifest));
    } else if (key == "processes") {
      TRY_ASSIGN(out.processes, read_processes(value));
    } else if (key == "release") {
      TRY_ASSIGN(out.release, read_release(value));
    } else if (key == "strategy") {
      TRY_ASSIGN(out.manifest.run.strategy, read_strategy(value));
    } else {
      return unknown_key(value, "", key, kTopKeys);
    }
  }
  return out;
}

void add_procfile(Written& written, const std::vector<ProcfileLine>& lines) {
  for (const ProcfileLine& line : lines) {
    if (line.name == "release") {
      if (!written.release) written.release.emplace();
      std::vector<std::string>& command = written.release->release.command;
      if (command.empty()) command = shell_words(line.command);
    } else {
      std::vector<std::string>& command = written.processes[line.name].process.command;
      if (command.empty()) command = shell_words(line.command);
    }
  }
}

}  // namespace

Result<Manifest> manifest_of(std::optional<std::string_view> yaml, std::optional<std::string_view> procfile) {
  TRY_ASSIGN(Written written, read_yaml(yaml.value_or("")));
  TRY_ASSIGN(const std::vector<ProcfileLine> lines, parse_procfile(procfile.value_or("")));
  add_procfile(written, lines);
  Manifest& manifest = written.manifest;
  if (written.processes.empty()) written.processes["web"] = {};
  if (written.processes.size() > kMostProcesses)
    return fail(Code::kInvalidArgument, "paastech.yaml and Procfile name more than 20 processes together",
                "a project has at most 20");
  manifest.run.processes.clear();
  for (auto& [name, one] : written.processes) {
    // Two that run the image's command are a slip of the pen in one's name rather than what somebody wants.
    if (one.process.command.empty() && name != "web" && written.processes.size() > 1)
      return refuse(one.line, "processes." + name, "has no command",
                    "give it a `command`, or a line in the Procfile; the image's own command is what `web` runs");
    manifest.run.processes[name] = std::move(one.process);
  }
  if (!written.release) return std::move(manifest);
  if (written.release->release.command.empty())
    return refuse(written.release->line, "release", "has no command",
                  "for instance: release: node migrate.js, or a line `release: …` in the Procfile");
  manifest.run.release = std::move(written.release->release);
  return std::move(manifest);
}

}  // namespace paastech::build
