#include "base/port.h"

#include <charconv>

namespace paastech {

std::optional<int> port_number(std::string_view digits) {
  int port = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || port < 0 || port > 65535) return std::nullopt;
  return port;
}

}  // namespace paastech
