#include "api/request_log.h"

#include <algorithm>

#include "api/text_out.h"

namespace paastech::api {
namespace {

constexpr std::int64_t kEveryMs = 1'000;

// Neither query nor body nor headers: they may hold secrets.
std::string line_of(const Call& call, int status, std::chrono::milliseconds took) {
  return fmt::format("{} {} {} {} ms id={} peer={}", safe_line(call.request.method), safe_line(call.request.path),
                     status, took.count(), call.request.id, call.address);
}

}  // namespace

bool RequestLog::is_due(Kind& kind) const {
  const std::int64_t now = clock_.steady_ms();
  if (now < kind.next_ms) return false;
  kind.next_ms = now + kEveryMs;
  return true;
}

void RequestLog::note(const Call& call, int status, std::chrono::milliseconds took, const Error* error) {
  const auto kind = std::ranges::find(kinds_, status, &Kind::status);
  if (kind != kinds_.end() && is_due(*kind)) {
    const std::int64_t left_out = std::exchange(kind->left_out, 0);
    spdlog::info("{}{}{}", line_of(call, status, took), error == nullptr ? "" : ": " + safe_line(error->message),
                 left_out == 0 ? "" : fmt::format(" (and {} more answers of {} before)", left_out, status));
    return;
  }
  if (kind != kinds_.end()) ++kind->left_out;
  if (!spdlog::should_log(spdlog::level::debug)) return;
  spdlog::debug("{}", line_of(call, status, took));
}

}  // namespace paastech::api
