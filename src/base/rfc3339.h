#pragma once
// Times as text, read. Writing them: base/clock.h. Pure.
#include <cstdint>
#include <optional>
#include <string_view>

namespace paastech {

// Nanoseconds since 1970 of "2026-01-31T12:00:00.123456789Z" or with an offset such as +02:00 (RFC 3339 section 5.6; a
// finer fraction is cut). Nothing where the text is no such time, or not from 1970 to 2261, which is what fits.
std::optional<std::int64_t> parse_rfc3339_ns(std::string_view text);

}  // namespace paastech
