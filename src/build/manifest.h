#pragma once
// The texts at the root of a tree that say how it is built and what of it runs: `paastech.yaml` and `Procfile`. Pure;
// thread: any. What a Deployment's row keeps of it: domain/process_json.h.
#include <optional>
#include <string_view>

#include "base/result.h"
#include "domain/process.h"

namespace paastech::build {

// Both texts may be missing or empty: then `web` runs the image's own command. As soon as one of them names a process,
// those that are named are all there are. The Procfile gives commands; paastech.yaml refines its processes, and what it
// says wins. Counts and sizes stay as they are by default (domain/scale.h).
// Everything that is not exactly as described – syntax, unknown or doubled keys, wrong types, aliases, tags, a second
// document, more than 256 KiB, a process other than a lone one without a command – is kInvalidArgument:
// "paastech.yaml line L: `key` …" or "Procfile line L: …".
Result<Manifest> manifest_of(std::optional<std::string_view> yaml, std::optional<std::string_view> procfile);

}  // namespace paastech::build
