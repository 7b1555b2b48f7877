#pragma once
// The query part of a target, strictly: each known parameter at most once. Pure.
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace paastech::api {

// application/x-www-form-urlencoded (URL Standard, section 5.1). kInvalidArgument: a bad % escape.
Result<std::string> decode_form(std::string_view text);

class Query {
 public:
  // kInvalidArgument names the parameter that is unknown, given twice, badly escaped, or holds a NUL.
  static Result<Query> parse(std::string_view raw, const std::vector<std::string_view>& known);
  bool has(std::string_view name) const { return values_.contains(name); }
  std::string text(std::string_view name) const;   // empty where absent
  Result<bool> flag(std::string_view name) const;  // false where absent
  Result<std::int64_t> number(std::string_view name, std::int64_t otherwise, std::int64_t min, std::int64_t max) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace paastech::api
