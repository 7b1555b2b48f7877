#include "base/human_bytes.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace paastech {

std::string human_bytes(std::int64_t bytes) {
  constexpr std::array kUnits{"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (value >= 1023.95 && unit + 1 < kUnits.size()) {  // what would be rounded to 1024
    value /= 1024;
    ++unit;
  }
  return fmt::format("{} {}", std::round(value * 10) / 10, kUnits[unit]);
}

}  // namespace paastech
