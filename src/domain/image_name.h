#pragma once
// Names of container images. Pure.
#include <string>
#include <string_view>

namespace paastech {

// The host and port before the name, empty for Docker Hub.
std::string registry_of(std::string_view reference);

}  // namespace paastech
