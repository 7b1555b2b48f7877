#include "api/json_body.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/text_out.h"
#include "base/text.h"

namespace paastech::api {

namespace json = boost::json;

Result<json::object> parse_body(std::string_view text) {
  json::parse_options options;
  options.max_depth = 8;  // the deepest body has two levels
  json::parser parser({}, options);
  boost::system::error_code error;
  std::size_t at = parser.write_some(text.data(), text.size(), error);
  if (!error) {
    at = text.find_first_not_of(" \t\r\n", at);
    if (at != std::string_view::npos) error = json::error::extra_data;
  }
  if (error) {
    at = std::min(at, text.size());
    const std::string_view before = text.substr(0, at);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t start = before.rfind('\n');
    const std::size_t column = 1 + (start == std::string_view::npos ? at : at - start - 1);
    return fail(Code::kInvalidArgument,
                fmt::format("the body is not valid JSON: {} at line {}, column {}", error.message(), line, column));
  }
  json::value value = parser.release();
  if (!value.is_object()) return fail(Code::kInvalidArgument, "the body must be a JSON object");
  return std::move(value.as_object());
}

void Body::problem(std::string message) {
  if (!error_) error_ = Error{Code::kInvalidArgument, std::move(message), {}};
}

const json::value* Body::find(std::string_view field) {
  known_.emplace(field);
  return object_.if_contains(field);
}

std::string Body::checked(std::string_view field, const json::value& value, std::size_t min, std::size_t max) {
  if (!value.is_string()) {
    problem(fmt::format("`{}` must be a string", field));
    return {};
  }
  const json::string& text = value.get_string();
  if (text.find('\0') != json::string::npos) problem(fmt::format("`{}` has a NUL character", field));
  const std::size_t size = count_characters(text);
  if (size < min && size == 0) problem(fmt::format("`{}` must not be empty", field));
  if (size < min) problem(fmt::format("`{}` must have at least {} characters", field, min));
  if (size > max) problem(fmt::format("`{}` must have at most {} characters", field, max));
  return std::string(text);
}

std::string Body::text(std::string_view field, std::size_t min, std::size_t max) {
  const json::value* value = find(field);
  if (value == nullptr) {
    problem(fmt::format("`{}` is missing", field));
    return {};
  }
  return checked(field, *value, min, max);
}

std::optional<std::string> Body::optional_text(std::string_view field, std::size_t min, std::size_t max) {
  const json::value* value = find(field);
  if (value == nullptr) return std::nullopt;
  return checked(field, *value, min, max);
}

std::optional<std::int64_t> Body::optional_number(std::string_view field, std::int64_t min, std::int64_t max) {
  const json::value* value = find(field);
  if (value == nullptr || value->is_null()) return std::nullopt;
  boost::system::error_code error = json::error::not_number;
  const std::int64_t number =
      value->is_number() ? value->to_number<std::int64_t>(error) : 0;  // 2.0 is 2 in JSON Schema
  if (error || number < min || number > max) {
    problem(fmt::format("`{}` must be a whole number from {} to {}", field, min, max));
    return std::nullopt;
  }
  return number;
}

bool Body::optional_flag(std::string_view field, bool otherwise) {
  const json::value* value = find(field);
  if (value == nullptr) return otherwise;
  if (!value->is_bool()) {
    problem(fmt::format("`{}` must be true or false", field));
    return otherwise;
  }
  return value->get_bool();
}

std::vector<std::pair<std::string, std::string>> Body::optional_map(std::string_view field, std::size_t max_items) {
  std::vector<std::pair<std::string, std::string>> out;
  const json::value* value = find(field);
  if (value == nullptr) return out;
  if (!value->is_object()) {
    problem(fmt::format("`{}` must be an object of strings", field));
    return out;
  }
  if (value->get_object().size() > max_items) problem(fmt::format("`{}` has over {} entries", field, max_items));
  for (const auto& [name, item] : value->get_object()) {
    if (!item.is_string()) problem(fmt::format("`{}.{}` must be a string", field, safe_line(name)));
    if (error_) return {};
    out.emplace_back(std::string(name), std::string(item.get_string()));
  }
  return out;
}

std::vector<std::string> Body::optional_list(std::string_view field, std::size_t max_items, std::size_t max_length) {
  std::vector<std::string> out;
  const json::value* value = find(field);
  if (value == nullptr) return out;
  if (!value->is_array()) {
    problem(fmt::format("`{}` must be a list of strings", field));
    return out;
  }
  if (value->get_array().size() > max_items) problem(fmt::format("`{}` has over {} entries", field, max_items));
  for (const json::value& item : value->get_array()) {
    out.push_back(checked(fmt::format("{}[{}]", field, out.size()), item, 0, max_length));
    if (error_) return {};
  }
  return out;
}

Status Body::finish() {
  for (const auto& [name, value] : object_)
    if (!known_.contains(std::string_view(name))) {
      std::string hint = known_.empty() ? "send no body" : "the fields are:";
      for (const std::string& known : known_) hint += " " + known;
      if (!error_)
        error_ =
            Error{Code::kInvalidArgument, fmt::format("`{}` is not a field of this request", safe_line(name)), hint};
    }
  if (error_) return std::unexpected(*error_);
  return {};
}

}  // namespace paastech::api
