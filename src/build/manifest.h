#pragma once
// The text of `paastech.yaml` to values and back to the JSON that a Deployment's row keeps. Pure; thread: any.
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/process.h"

namespace paastech::build {

// An empty text gives the defaults. Everything else that is not exactly as described – syntax, unknown or doubled keys,
// wrong types, aliases, tags, a second document, more than 256 KiB – is kInvalidArgument: "paastech.yaml line L: `key`
// …". Where only build.context is given, the Dockerfile is the one inside it.
Result<Manifest> parse_manifest(std::string_view text);

std::string processes_to_json(const std::map<std::string, Process>& processes);
Result<std::map<std::string, Process>> processes_from_json(std::string_view text);  // kInternal: the row is damaged

}  // namespace paastech::build
