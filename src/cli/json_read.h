#pragma once
// Tolerant reads of the API's JSON: what is missing, null or of another type reads as empty, so that an older client
// gets along with a newer Service.
#include <boost/json.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace paastech::cli {

inline const boost::json::value* member(const boost::json::value& value, std::string_view key) {
  const boost::json::object* object = value.if_object();
  return object ? object->if_contains(key) : nullptr;
}
inline std::string text_of(const boost::json::value& value, std::string_view key) {
  const boost::json::value* found = member(value, key);
  const boost::json::string* text = found ? found->if_string() : nullptr;
  return text ? std::string(*text) : std::string();
}
inline std::int64_t integer_of(const boost::json::value& value, std::string_view key, std::int64_t otherwise = 0) {
  const boost::json::value* found = member(value, key);
  if (!found || !found->is_number()) return otherwise;
  boost::json::error_code error;
  const auto number = found->to_number<std::int64_t>(error);
  return error ? otherwise : number;
}
inline double number_of(const boost::json::value& value, std::string_view key) {
  const boost::json::value* found = member(value, key);
  return found && found->is_number() ? found->to_number<double>() : 0.0;
}
inline bool flag_of(const boost::json::value& value, std::string_view key) {
  const boost::json::value* found = member(value, key);
  return found && found->is_bool() && found->get_bool();
}
inline const boost::json::array& array_of(const boost::json::value& value, std::string_view key = "items") {
  static const boost::json::array kEmpty;
  const boost::json::value* found = member(value, key);
  return found && found->is_array() ? found->get_array() : kEmpty;
}
inline const boost::json::value* object_of(const boost::json::value& value, std::string_view key) {
  const boost::json::value* found = member(value, key);
  return found && found->is_object() ? found : nullptr;
}

}  // namespace paastech::cli
