#include "mail/backoff.h"

#include <array>

namespace paastech::mail {

std::optional<std::int64_t> retry_after_ms(int attempts) {
  constexpr std::int64_t kMinute = 60'000;
  // A sixth wait of 4 hours would end after more than 24 hours.
  constexpr std::array<std::int64_t, 9> kWaits = {1, 5, 15, 60, 240, 240, 240, 240, 240};
  if (attempts < 1) return 0;
  if (attempts > static_cast<int>(kWaits.size())) return std::nullopt;
  return kWaits[static_cast<std::size_t>(attempts) - 1] * kMinute;
}

}  // namespace paastech::mail
