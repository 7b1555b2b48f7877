#include "api/contract/schema.h"

#include <fmt/format.h>

#include <array>

#include "api/contract/document.h"
#include "api/contract/schema_node.h"

namespace paastech::api {
namespace {

namespace json = boost::json;

template <class T>
struct Named {
  std::string_view name;
  T value;
};

constexpr std::array kTypes{
    Named<TypeBit>{"object", kObject},   Named<TypeBit>{"array", kArray},   Named<TypeBit>{"string", kString},
    Named<TypeBit>{"integer", kInteger}, Named<TypeBit>{"number", kNumber}, Named<TypeBit>{"boolean", kBoolean},
    Named<TypeBit>{"null", kNull},
};
// Formats of OpenAPI 3.1 and JSON Schema 2020-12, section 7.3; password and double ask for nothing.
constexpr std::array kFormats{
    Named<Format>{"uuid", Format::kUuid},     Named<Format>{"date-time", Format::kDateTime},
    Named<Format>{"email", Format::kEmail},   Named<Format>{"uri", Format::kUri},
    Named<Format>{"int32", Format::kInt32},   Named<Format>{"int64", Format::kInt64},
    Named<Format>{"password", Format::kNone}, Named<Format>{"uri-reference", Format::kNone},
    Named<Format>{"double", Format::kNone},
};
constexpr std::array<std::string_view, 9> kAnnotations{"title",    "description", "default",  "example",   "examples",
                                                       "readOnly", "writeOnly",   "$comment", "deprecated"};

template <class Table>
auto find_named(const Table& table, std::string_view name) {
  std::optional<decltype(table[0].value)> found;
  for (const auto& one : table)
    if (one.name == name) found = one.value;
  return found;
}

class Compiler {
 public:
  explicit Compiler(const json::value& root) : root_(root) {}

  Result<SchemaNode::Ptr> node(const json::value& schema, const std::string& where) {
    if (++depth_ > 32) return broken(where, "schemas refer to each other in a circle, or are 32 levels deep");
    Result<SchemaNode::Ptr> made = object(schema, where);
    --depth_;
    return made;
  }

 private:
  static std::unexpected<Error> broken(const std::string& where, const std::string& what) {
    return fail(Code::kInternal, fmt::format("the contract at {}: {}", where, what));
  }

  Result<SchemaNode::Ptr> object(const json::value& schema, const std::string& where) {
    if (!schema.is_object()) return broken(where, "a schema is an object");
    if (const json::value* reference = schema.get_object().if_contains("$ref")) {
      for (const auto& [name, value] : schema.get_object())
        if (name != "$ref" && !is_annotation(name)) return broken(where, std::string(name) + " beside $ref");
      if (!reference->is_string()) return broken(where, "$ref is a string");
      const json::value* target = resolve_reference(root_, reference->get_string());
      if (target == nullptr) return broken(where, "nothing is at " + json::serialize(*reference));
      return node(*target, where);
    }
    auto made = std::make_shared<SchemaNode>();
    for (const auto& [name, value] : schema.get_object()) {
      TRY(keyword(*made, std::string(name), value, where + "/" + std::string(name)));
    }
    return made;
  }

  static bool is_annotation(std::string_view name) {
    return std::find(kAnnotations.begin(), kAnnotations.end(), name) != kAnnotations.end();
  }

  Status keyword(SchemaNode& out, const std::string& name, const json::value& value, const std::string& where) {
    if (is_annotation(name)) return {};
    if (name == "type") return types(out, value, where);
    if (name == "const") return set(out.constant, value);
    if (name == "enum") return choices(out, value, where);
    if (name == "pattern") return pattern(out, value, where);
    if (name == "x-rule") return text(out.rule, value, where);
    if (name == "format") return format(out, value, where);
    if (name == "minimum") return number(out.minimum, value, where);
    if (name == "maximum") return number(out.maximum, value, where);
    if (name == "uniqueItems" && value.is_bool()) return set(out.unique_items, value.get_bool());
    if (name == "required") return names(out.required, value, where);
    if (name == "properties") return properties(out, value, where);
    if (name == "items") return child(out.items, value, where);
    if (name == "propertyNames") return child(out.names, value, where);
    if (name == "oneOf") return one_of(out, value, where);
    if (name == "additionalProperties") {
      if (!value.is_bool()) return child(out.additional, value, where);
      out.closed = !value.get_bool();
      return {};
    }
    return range(out, name, value, where);
  }

  Status range(SchemaNode& out, const std::string& name, const json::value& value, const std::string& where) {
    const std::array ends{
        Named<std::size_t*>{"minLength", &out.length.min},
        Named<std::size_t*>{"maxLength", &out.length.max},
        Named<std::size_t*>{"minItems", &out.count_of_items.min},
        Named<std::size_t*>{"maxItems", &out.count_of_items.max},
        Named<std::size_t*>{"minProperties", &out.count_of_properties.min},
        Named<std::size_t*>{"maxProperties", &out.count_of_properties.max},
    };
    const auto end = find_named(ends, name);
    if (!end) return broken(where, "a keyword that the Service does not check");
    if (!value.is_int64() || value.get_int64() < 0) return broken(where, "not a count");
    **end = static_cast<std::size_t>(value.get_int64());
    return {};
  }

  template <class To, class From>
  static Status set(To& to, const From& from) {
    to = from;
    return {};
  }

  static Status text(std::string& out, const json::value& value, const std::string& where) {
    if (!value.is_string()) return broken(where, "not a string");
    out = value.get_string();
    return {};
  }

  static Status number(std::optional<double>& out, const json::value& value, const std::string& where) {
    if (!value.is_number()) return broken(where, "not a number");
    out = value.to_number<double>();
    return {};
  }

  static Status types(SchemaNode& out, const json::value& value, const std::string& where) {
    json::array list;
    if (value.is_array()) list = value.get_array();
    if (value.is_string()) list.push_back(value);
    for (const json::value& one : list) {
      const auto bit = one.is_string() ? find_named(kTypes, one.get_string()) : std::nullopt;
      if (!bit) return broken(where, "an unknown type");
      out.types |= *bit;
    }
    if (out.types == 0) return broken(where, "no type");
    return {};
  }

  static Status choices(SchemaNode& out, const json::value& value, const std::string& where) {
    if (!value.is_array() || value.get_array().empty()) return broken(where, "not a list");
    out.choices.assign(value.get_array().begin(), value.get_array().end());
    return {};
  }

  static Status names(std::vector<std::string>& out, const json::value& value, const std::string& where) {
    if (!value.is_array()) return broken(where, "not a list");
    for (const json::value& one : value.get_array()) {
      if (!one.is_string()) return broken(where, "not a list of names");
      out.emplace_back(one.get_string());
    }
    return {};
  }

  static Status pattern(SchemaNode& out, const json::value& value, const std::string& where) {
    std::string expression;
    TRY(text(expression, value, where));
    RE2::Options options;  // UTF-8
    options.set_log_errors(false);
    out.pattern = std::make_unique<RE2>(expression, options);
    if (!out.pattern->ok()) return broken(where, "RE2 does not take this pattern: " + out.pattern->error());
    return {};
  }

  static Status format(SchemaNode& out, const json::value& value, const std::string& where) {
    const auto found = value.is_string() ? find_named(kFormats, value.get_string()) : std::nullopt;
    if (!found) return broken(where, "a format that the Service does not check");
    out.format = *found;
    return {};
  }

  Status child(SchemaNode::Ptr& out, const json::value& value, const std::string& where) {
    TRY_ASSIGN(out, node(value, where));
    return {};
  }

  Status properties(SchemaNode& out, const json::value& value, const std::string& where) {
    if (!value.is_object()) return broken(where, "not an object");
    for (const auto& [name, schema] : value.get_object()) {
      TRY(child(out.properties[name], schema, where + "/" + std::string(name)));
    }
    return {};
  }

  Status one_of(SchemaNode& out, const json::value& value, const std::string& where) {
    if (!value.is_array()) return broken(where, "not a list");
    for (const json::value& schema : value.get_array()) {
      TRY(child(out.one_of.emplace_back(), schema, where));
    }
    return {};
  }

  const json::value& root_;
  int depth_ = 0;
};

}  // namespace

Result<Schema> Schema::compile(const json::value& root, const json::value& schema, std::string where) {
  Schema made;
  TRY_ASSIGN(made.node_, Compiler(root).node(schema, where));
  return made;
}

}  // namespace paastech::api
