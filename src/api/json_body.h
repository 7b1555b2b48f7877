#pragma once
// Request bodies, strictly: exactly the known fields, of the right types, within their lengths in characters, without
// NUL. Of the Client API the contract (contract/) has checked all this before; this reads, and is the only check of
// forms whose description is freer. Pure.
#include <boost/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace paastech::api {

// kInvalidArgument names line and column of the first error, or says that the body is no object.
Result<boost::json::object> parse_body(std::string_view text);

// Reads fields one by one and keeps the first problem, which finish() answers; values read meanwhile are then void.
//   Body body(object); std::string name = body.text("name", 1, 100); TRY(body.finish());
class Body {
 public:
  explicit Body(const boost::json::object& object) : object_(object) {}
  std::string text(std::string_view field, std::size_t min, std::size_t max);
  std::optional<std::string> optional_text(std::string_view field, std::size_t min, std::size_t max);
  // A whole number; null counts as absent.
  std::optional<std::int64_t> optional_number(std::string_view field, std::int64_t min, std::int64_t max);
  bool optional_flag(std::string_view field, bool otherwise);
  // {"K":"V"} of strings as they are; values may hold any character.
  std::vector<std::pair<std::string, std::string>> optional_map(std::string_view field, std::size_t max_items);
  std::vector<std::string> optional_list(std::string_view field, std::size_t max_items, std::size_t max_length);
  Status finish();  // unknown fields are a problem too

 private:
  const boost::json::value* find(std::string_view field);
  void problem(std::string message);
  std::string checked(std::string_view field, const boost::json::value& value, std::size_t min, std::size_t max);
  const boost::json::object& object_;
  std::set<std::string, std::less<>> known_;
  std::optional<Error> error_;
};

}  // namespace paastech::api
