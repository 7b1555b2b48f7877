#pragma once
// Which images a Dockerfile may build on: never those of another Project, which lie in the same Engine under names that
// can be guessed from a URL. Pure.
#include <string_view>

#include "base/result.h"

namespace paastech::pomegranate {

// Looks at FROM and at --from= of COPY and ADD, with ARG values put in as Docker does. kInvalidArgument names the line.
Status check_image_references(std::string_view dockerfile, std::string_view project);

}  // namespace paastech::pomegranate
