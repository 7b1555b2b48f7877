#pragma once
// What an image may bring with it. The Engine repeats an image's labels, ports and command in every list of containers,
// makes a volume for each VOLUME of each container, and runs its triggers (ONBUILD) in the builds that stand upon it.
// Pure.
#include <string_view>

#include "base/result.h"
#include "docker/images.h"
#include "pomegranate/image_references.h"

namespace paastech::pomegranate {

Status check_image_bounds(const docker::ImageDetails& image);  // kInvalidArgument
// The images that its triggers copy from for certain. kInvalidArgument: a trigger that could not stand in a Dockerfile
// of this project.
Result<std::vector<BaseImage>> check_triggers(const docker::ImageDetails& image, std::string_view project,
                                              const Registries& registries = {});
// Whether an image for `is` ("linux/arm64/v8") serves where `wanted` ("linux/arm64", or empty) is asked for.
bool fits_platform(std::string_view is, std::string_view wanted);

}  // namespace paastech::pomegranate
