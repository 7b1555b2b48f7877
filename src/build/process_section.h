#pragma once
// `processes:`, `release:` and `strategy:` of paastech.yaml, before a Procfile is added. Pure; thread: any.
#include <map>
#include <optional>
#include <string>

#include "build/yaml_values.h"
#include "domain/process.h"

namespace paastech::build {

struct WrittenProcess {
  Process process = {};
  int line = 0;
};
struct WrittenRelease {
  ReleaseCommand release = {};  // an empty command: the Procfile's
  int line = 0;
};

Result<std::map<std::string, WrittenProcess>> read_processes(const YamlNode& node);
Result<WrittenRelease> read_release(const YamlNode& node);
Result<Strategy> read_strategy(const YamlNode& node);

}  // namespace paastech::build
