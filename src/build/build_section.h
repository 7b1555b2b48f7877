#pragma once
// `build:` of paastech.yaml. Pure; thread: any.
#include "build/yaml_values.h"
#include "domain/process.h"

namespace paastech::build {

// Where only `context` is given, the Dockerfile is the one inside it.
Status read_build(const YamlNode& node, Manifest& manifest);

}  // namespace paastech::build
