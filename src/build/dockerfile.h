#pragma once
// What a Dockerfile may not ask for. The Engine's classic builder knows no BuildKit frontends or entitlements; this
// check refuses them before the build with the line and a way out (threat 3), instead of leaving it to the builder's
// version. Pure; thread: any. Reading follows Docker's parser: directives, continuation lines, comments, quoted flags,
// ONBUILD. Also what the builder would do in the Engine's own place: fetch a URL for ADD (threats 6 and 8), expand
// variables without end, keep an image for each of thousands of steps.
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace paastech::build {

// kInvalidArgument, the message beginning with "Dockerfile line N: "; or where the text has no FROM.
Status check_dockerfile_text(std::string_view text);

struct AddSource {
  int line = 0;
  std::string path;  // as it is written; only the quotes around a list's names are taken away, where they enclose one
};
// Of every ADD of a text that check_dockerfile_text() let through.
Result<std::vector<AddSource>> add_sources(std::string_view text);

}  // namespace paastech::build
