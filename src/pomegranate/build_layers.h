#pragma once
// How much the steps of one build have left on the Engine's disk. Pure.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "docker/images.h"

namespace paastech::pomegranate {

// What the layers made since `since_ms` hold that stand under one of `tips`, each counted once: a step that is quicker
// than any look at its container, and COPY, which has no container, are seen by these alone. tips: ids, whole or as the
// builder shortens them; what is no image of `all` is passed over, so that they may come from what a RUN printed.
std::int64_t layer_bytes(std::span<const docker::ImageNode> all, std::span<const std::string> tips,
                         std::int64_t since_ms);

}  // namespace paastech::pomegranate
