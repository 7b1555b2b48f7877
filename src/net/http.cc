#include "net/http.h"

#include "net/http_wire.h"

namespace paastech::net {

std::optional<std::string> Headers::find(std::string_view name) const {
  for (const auto& [key, value] : items_)
    if (same_name(key, name)) return value;
  return std::nullopt;
}

}  // namespace paastech::net
