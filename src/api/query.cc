#include "api/query.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "api/text_out.h"
#include "base/text.h"

namespace paastech::api {
namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<std::string> decode_form(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out.push_back(' ');
    } else if (text[i] == '%') {
      const int high = i + 1 < text.size() ? digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return fail(Code::kInvalidArgument, "there is a bad % escape");
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

Result<Query> Query::parse(std::string_view raw, const std::vector<std::string_view>& known) {
  Query query;
  for (const std::string& pair : split(raw, '&')) {
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    TRY_ASSIGN(std::string name, decode_form(pair.substr(0, equals)));
    TRY_ASSIGN(std::string value,
               decode_form(equals == std::string::npos ? "" : std::string_view(pair).substr(equals + 1)));
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      std::string hint = known.empty() ? "this route takes none" : "this route takes:";
      for (const std::string_view one : known) hint += fmt::format(" {}", one);
      return fail(Code::kInvalidArgument, fmt::format("unknown query parameter `{}`", safe_line(name)), hint);
    }
    if (value.find('\0') != std::string::npos)
      return fail(Code::kInvalidArgument, fmt::format("query parameter `{}` has a NUL character", name));
    if (query.values_.contains(name))
      return fail(Code::kInvalidArgument, fmt::format("query parameter `{}` is given twice", name));
    query.values_.emplace(std::move(name), std::move(value));
  }
  return query;
}

std::string Query::text(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? "" : found->second;
}

Result<bool> Query::flag(std::string_view name) const {
  if (!has(name)) return false;
  const std::string value = text(name);
  if (value == "true") return true;
  if (value == "false") return false;
  return fail(Code::kInvalidArgument, fmt::format("query parameter `{}` must be true or false", name));
}

Result<std::int64_t> Query::number(std::string_view name, std::int64_t otherwise, std::int64_t min,
                                   std::int64_t max) const {
  if (!has(name)) return otherwise;
  const std::string value = text(name);
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), out);
  if (error != std::errc() || end != value.data() + value.size() || out < min || out > max)
    return fail(Code::kInvalidArgument,
                fmt::format("query parameter `{}` must be a number from {} to {}", name, min, max));
  return out;
}

}  // namespace paastech::api
