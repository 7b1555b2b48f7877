#pragma once
// For tests: holds answers to api/openapi.yaml. The part of JSON Schema that the file uses, no more.
#include <yaml-cpp/yaml.h>

#include <boost/json.hpp>
#include <string>

namespace paastech::api {

class Contract {
 public:
  explicit Contract(const std::string& file) : root_(YAML::LoadFile(file)) {}
  const YAML::Node& root() const { return root_; }

  // Empty where the body is what the contract says of this answer; else what is wrong with it.
  std::string check(const std::string& method, const std::string& path, int status, const std::string& body) const {
    const YAML::Node operation = root_["paths"][path][method];
    if (!operation) return "not described: " + method + " " + path;
    YAML::Node response = resolve(operation["responses"][std::to_string(status)]);
    if (!response) return method + " " + path + " may not answer " + std::to_string(status);
    const YAML::Node content = response["content"];
    if (!content) return body.empty() ? "" : "no body is described";
    const YAML::Node json = content[status < 400 ? "application/json" : "application/problem+json"];
    if (!json) return "";
    boost::system::error_code error;
    const boost::json::value value = boost::json::parse(body, error);
    if (error) return "not JSON: " + body;
    return check_value(resolve(json["schema"]), value, "body");
  }

 private:
  YAML::Node resolve(const YAML::Node& node) const {
    if (!node || !node.IsMap() || !node["$ref"]) return node;
    const std::string reference = node["$ref"].as<std::string>().substr(2);
    YAML::Node at = root_;  // reset() below binds this name anew, and changes nothing
    for (std::size_t start = 0; start <= reference.size();) {
      const std::size_t end = std::min(reference.find('/', start), reference.size());
      at.reset(at[reference.substr(start, end - start)]);
      start = end + 1;
    }
    return at;
  }

  static bool has_type(const std::string& type, const boost::json::value& value) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_bool();
    if (type == "integer") return value.is_int64() || value.is_uint64();
    return type == "number" && value.is_number();
  }

  std::string check_value(const YAML::Node& schema, const boost::json::value& value, const std::string& where) const {
    if (schema["const"] && value != boost::json::value(schema["const"].as<std::string>()))
      return where + " is another constant";
    if (schema["enum"]) {
      for (const auto& one : schema["enum"])
        if (value.is_string() && value.get_string() == one.as<std::string>()) return "";
      return where + " is none of the listed values: " + boost::json::serialize(value);
    }
    if (schema["type"] && !has_type(schema["type"].as<std::string>(), value)) return where + " has another type";
    if (value.is_array()) {
      for (const auto& item : value.get_array()) {
        const std::string bad = check_value(resolve(schema["items"]), item, where + "[]");
        if (!bad.empty()) return bad;
      }
    }
    return value.is_object() ? check_object(schema, value.get_object(), where) : "";
  }

  std::string check_object(const YAML::Node& schema, const boost::json::object& object,
                           const std::string& where) const {
    for (const auto& name : schema["required"])
      if (!object.contains(name.as<std::string>())) return where + "." + name.as<std::string>() + " is missing";
    for (const auto& [name, value] : object) {
      const YAML::Node property = schema["properties"][std::string(name)];
      if (!property) return where + "." + std::string(name) + " is not described";
      const std::string bad = check_value(resolve(property), value, where + "." + std::string(name));
      if (!bad.empty()) return bad;
    }
    return "";
  }

  YAML::Node root_;
};

}  // namespace paastech::api
