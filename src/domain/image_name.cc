#include "domain/image_name.h"

namespace paastech {

std::string registry_of(std::string_view reference) {
  const std::size_t slash = reference.find('/');
  const std::string_view first = reference.substr(0, slash == std::string_view::npos ? 0 : slash);
  // As the Engine tells it from a name on Docker Hub.
  const bool host = first.find_first_of(".:") != std::string_view::npos || first == "localhost";
  return host ? std::string(first) : std::string();
}

}  // namespace paastech
