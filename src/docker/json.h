#pragma once
// Lenient reading of the Engine's JSON: a missing or odd field is its empty value. Only for this folder's .cc files and
// for those of pomegranate that read the Engine's streams.
#include <boost/json.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace paastech::docker::json {

namespace bj = boost::json;

inline Result<bj::value> parse(std::string_view text) {
  boost::system::error_code error;
  bj::value value = bj::parse(bj::string_view(text.data(), text.size()), error);
  if (error) return fail(Code::kInternal, "the Docker Engine answered with text that is not JSON");
  return value;
}
inline const bj::value* find(const bj::value& value, std::string_view key) {
  const bj::object* object = value.if_object();
  return object ? object->if_contains(bj::string_view(key.data(), key.size())) : nullptr;
}
// The value at keys, one inside the other; null where any is missing.
template <class... Keys>
const bj::value& at(const bj::value& value, Keys... keys) {
  static const bj::value null;
  const bj::value* here = &value;
  ((here = here ? find(*here, keys) : nullptr), ...);
  return here ? *here : null;
}
inline std::string text(const bj::value& value) {
  const bj::string* s = value.if_string();
  return s ? std::string(s->data(), s->size()) : std::string();
}
inline std::int64_t number(const bj::value& value) {
  if (const std::int64_t* n = value.if_int64()) return *n;
  if (const std::uint64_t* n = value.if_uint64()) return static_cast<std::int64_t>(*n);
  if (const double* n = value.if_double()) return static_cast<std::int64_t>(*n);
  return 0;
}
inline bool truth(const bj::value& value) { return value.is_bool() && value.get_bool(); }
inline const bj::array& items(const bj::value& value) {
  static const bj::array none;
  const bj::array* array = value.if_array();
  return array ? *array : none;
}
inline std::vector<std::string> texts(const bj::value& value) {
  std::vector<std::string> out;
  for (const bj::value& item : items(value)) out.push_back(text(item));
  return out;
}
inline std::map<std::string, std::string> text_map(const bj::value& value) {
  std::map<std::string, std::string> out;
  if (const bj::object* object = value.if_object())
    for (const auto& [key, item] : *object) out[std::string(key.data(), key.size())] = text(item);
  return out;
}
inline bj::object from_map(const std::map<std::string, std::string>& map) {
  bj::object out;
  for (const auto& [key, value] : map) out[key] = value;
  return out;
}
inline bj::array from_list(const std::vector<std::string>& list) {
  bj::array out;
  for (const std::string& item : list) out.emplace_back(item);
  return out;
}
// The Engine's filters: {"label":["a=b"],"network":["x"]}
inline std::string filters(const std::map<std::string, std::vector<std::string>>& by) {
  bj::object out;
  for (const auto& [key, values] : by) out[key] = from_list(values);
  return bj::serialize(out);
}

}  // namespace paastech::docker::json
