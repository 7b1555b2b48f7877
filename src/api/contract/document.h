#pragma once
// api/openapi.yaml as JSON. Pure.
#include <boost/json.hpp>
#include <string_view>

#include "base/result.h"

namespace paastech::api {

// YAML 1.2's core schema: plain scalars are null, booleans, numbers or strings; quoted ones are strings. kInternal
// names the line of a mistake; a mapping's key stands once.
Result<boost::json::value> json_of_yaml(std::string_view text);
// "#/components/schemas/Key"; null where nothing is there.
const boost::json::value* resolve_reference(const boost::json::value& root, std::string_view reference);

}  // namespace paastech::api
