#pragma once
// Which images a Dockerfile may build on: never those of another Project, which lie in the same Engine under names that
// can be guessed from a URL or found by the first digits of an id; and none from a registry on this machine itself,
// which the Engine could reach where a build cannot. What cannot be read for certain is refused. Pure.
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace paastech::pomegranate {

struct BaseImage {
  std::string reference;
  std::string platform = {};  // "linux/amd64" where FROM names one
  int line = 0;
};

// The images of all FROM that are neither stages nor scratch. Checks them and those of --from=, with ARG values put in
// as Docker does. kInvalidArgument names the line.
Result<std::vector<BaseImage>> check_image_references(std::string_view dockerfile, std::string_view project);

// Splits NAME[:TAG][@DIGEST] as the Engine's pull wants it; latest where neither is there.
struct PullName {
  std::string name;
  std::string tag;
  std::string text() const { return name + " " + tag; }
};
PullName pull_name(std::string_view reference);  // equal for all spellings of one image of Docker Hub

}  // namespace paastech::pomegranate
