#pragma once
#include <cstdint>
#include <string>

namespace paastech {

// "12.3 MiB", "512 MiB", "1023 B": powers of 1024 (IEC 80000-13), rounded to one decimal, which is left out where it is
// 0.
std::string human_bytes(std::int64_t bytes);

}  // namespace paastech
