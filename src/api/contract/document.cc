#include "api/contract/document.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

namespace paastech::api {
namespace {

namespace json = boost::json;

json::value scalar(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!") return json::value(text);  // quoted
  if (text == "true" || text == "false") return text == "true";
  if (text == "null" || text == "~" || text.empty()) return nullptr;
  // Numbers as JSON writes them are all that the contract needs.
  if (text.find_first_not_of("0123456789+-.eE") == std::string::npos) {
    boost::system::error_code error;
    json::value number = json::parse(text, error);
    if (!error) return number;
  }
  return json::value(text);
}

Result<json::value> convert(const YAML::Node& node, int depth) {
  const int line = node.Mark().line + 1;
  if (depth > 64) return fail(Code::kInternal, fmt::format("the contract, line {}: nested too deeply", line));
  if (node.IsSequence()) {
    json::array list;
    for (const auto& item : node) {
      TRY_ASSIGN(json::value value, convert(item, depth + 1));
      list.push_back(std::move(value));
    }
    return json::value(std::move(list));
  }
  if (node.IsMap()) {
    json::object object;
    for (const auto& entry : node) {
      const YAML::Node& key = entry.first;
      TRY_ASSIGN(json::value value, convert(entry.second, depth + 1));
      if (!object.emplace(key.Scalar(), std::move(value)).second)
        return fail(Code::kInternal, fmt::format("the contract, line {}: {} stands twice in one mapping",
                                                 key.Mark().line + 1, key.Scalar()));
    }
    return json::value(std::move(object));
  }
  return node.IsScalar() ? scalar(node) : json::value(nullptr);
}

}  // namespace

Result<json::value> json_of_yaml(std::string_view text) {
  try {
    return convert(YAML::Load(std::string(text)), 0);
  } catch (const YAML::Exception& e) {
    return fail(Code::kInternal, fmt::format("the contract is not YAML: {}", e.what()));
  }
}

const json::value* resolve_reference(const json::value& root, std::string_view reference) {
  if (!reference.starts_with("#/")) return nullptr;
  const json::value* at = &root;
  for (std::size_t start = 2; start <= reference.size();) {
    const std::size_t end = std::min(reference.find('/', start), reference.size());
    at = at->is_object() ? at->get_object().if_contains(reference.substr(start, end - start)) : nullptr;
    if (at == nullptr) return nullptr;
    start = end + 1;
  }
  return at;
}

}  // namespace paastech::api
