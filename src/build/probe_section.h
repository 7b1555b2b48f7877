#pragma once
// `health:` and `liveness:` of a Process in paastech.yaml. Pure; thread: any.
#include "build/yaml_values.h"
#include "domain/process.h"

namespace paastech::build {

// A path, or a mapping with one of `path`, `command` and `tcp`. Only `web` has a port that can be asked.
Result<Probe> read_health(const YamlNode& node, const std::string& key, bool web);    // `successes`, no `failures`
Result<Probe> read_liveness(const YamlNode& node, const std::string& key, bool web);  // `failures`, no `successes`

}  // namespace paastech::build
