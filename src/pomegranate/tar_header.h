#pragma once
// The header of a tar's entry (POSIX.1-2017 pax, "ustar Interchange Format"). Pure.
#include <charconv>
#include <cstdint>
#include <string_view>

#include "base/text.h"

namespace paastech::pomegranate {

inline constexpr std::size_t kTarBlock = 512;
// Field offsets.
inline constexpr std::size_t kTarName = 0, kTarSize = 124, kTarChecksum = 148, kTarType = 156, kTarMagic = 257,
                             kTarPrefix = 345;

inline std::string_view tar_field(std::string_view header, std::size_t at, std::size_t length) {
  const std::string_view raw = header.substr(at, length);
  return raw.substr(0, raw.find('\0'));
}

inline bool tar_number(std::string_view text, std::uint64_t& value) {
  text = trim(text);
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value, 8);
  return !text.empty() && parsed.ec == std::errc();
}

// header: kTarBlock bytes.
inline bool has_tar_checksum(std::string_view header) {
  std::uint64_t stated = 0;
  if (!tar_number(tar_field(header, kTarChecksum, 8), stated)) return false;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kTarBlock; ++i)
    sum += i >= kTarChecksum && i < kTarChecksum + 8 ? ' ' : static_cast<unsigned char>(header[i]);
  return sum == stated;
}

}  // namespace paastech::pomegranate
