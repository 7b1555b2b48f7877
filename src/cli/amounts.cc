#include "cli/amounts.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>

namespace paastech::cli {

Outcome<std::int64_t> read_whole(const std::string& what, const std::string& text, const std::string& hint) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc() && stop == end && number >= 0) return number;
  return usage(fmt::format("{}: `{}` is no whole number", what, text), hint);
}

Outcome<std::int64_t> read_bytes(const std::string& what, const std::string& text, const std::string& hint) {
  std::string bytes = text;
  std::string wrong;
  try {
    wrong = CLI::AsSizeValue(false)(bytes);
  } catch (const std::exception&) {
    wrong = fmt::format("`{}` is no size", text);
  }
  if (!wrong.empty()) return usage(fmt::format("{}: {}", what, wrong), hint);
  return read_whole(what, bytes, hint);
}

Outcome<std::int64_t> read_milli_cpus(const std::string& what, const std::string& text) {
  double cores = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, cores, std::chars_format::fixed);
  if (error == std::errc() && stop == end && cores >= 0 && cores <= 1e6) return std::llround(cores * 1000);
  return usage(fmt::format("{}: `{}` is no number of cores", what, text), "for instance 0.5 or 2");
}

}  // namespace paastech::cli
