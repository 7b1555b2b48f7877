// A value held to a compiled schema, and what is said of it in plain words.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "api/contract/schema.h"
#include "api/contract/schema_node.h"
#include "api/text_out.h"
#include "base/ids.h"
#include "base/text.h"
#include "domain/names.h"

namespace paastech::api {
namespace {

namespace json = boost::json;

bool is_whole(const json::value& value) {
  return value.is_double() && std::floor(value.get_double()) == value.get_double() && std::isfinite(value.get_double());
}

bool has_type(unsigned types, const json::value& value) {
  switch (value.kind()) {
    case json::kind::object: return (types & kObject) != 0;
    case json::kind::array: return (types & kArray) != 0;
    case json::kind::string: return (types & kString) != 0;
    case json::kind::bool_: return (types & kBoolean) != 0;
    case json::kind::null: return (types & kNull) != 0;
    case json::kind::double_: return (types & kNumber) != 0 || ((types & kInteger) != 0 && is_whole(value));
    default: return (types & (kInteger | kNumber)) != 0;
  }
}

std::string_view type_words(unsigned types) {
  if ((types & kObject) != 0) return "an object";
  if ((types & kArray) != 0) return "a list";
  if ((types & kString) != 0) return "a string";
  if ((types & kInteger) != 0) return "a whole number";
  if ((types & kNumber) != 0) return "a number";
  if ((types & kBoolean) != 0) return "true or false";
  return "null";
}

std::string counted(std::size_t count, std::string_view thing) {
  if (count == 1) return fmt::format("1 {}", thing);
  return fmt::format(
      "{} {}s", count,
      thing.ends_with("y") ? fmt::format("{}ie", thing.substr(0, thing.size() - 1)) : std::string(thing));
}

// RFC 3339 section 5.6, in UTC or with an offset.
bool is_date_time(std::string_view text) {
  static const RE2 form(
      R"(^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$)");
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), form);
}

// RFC 3986 section 3: a scheme, and no space or control character.
bool is_uri(std::string_view text) {
  static const RE2 form(R"(^[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20\x7f]+$)");
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), form);
}

class Checker {
 public:
  // A body is an object before it gets here.
  Status body(const SchemaNode& schema, const json::object& value) { return object(schema, value, {}); }

  Status node(const SchemaNode& schema, const json::value& value, const std::string& what) {
    if (schema.constant && value != *schema.constant)
      return wrong(what, "must be " + json::serialize(*schema.constant));
    if (schema.types != 0 && !has_type(schema.types, value))
      return wrong(what, fmt::format("must be {}", type_words(schema.types)));
    if (!schema.choices.empty()) {
      TRY(choices(schema, value, what));
    }
    if (!schema.one_of.empty()) {
      TRY(one_of(schema, value, what));
    }
    if (value.is_string()) return text(schema, value.get_string(), what);
    if (value.is_number()) return number(schema, value, what);
    if (value.is_array()) return array(schema, value.get_array(), what);
    if (value.is_object()) return object(schema, value.get_object(), what);
    return {};
  }

 private:
  static std::unexpected<Error> wrong(const std::string& what, const std::string& must, const std::string& hint = {}) {
    const std::string named = what.empty() ? "the body" : "`" + what + "`";
    return fail(Code::kInvalidArgument, named + " " + must, hint);
  }

  static Status choices(const SchemaNode& schema, const json::value& value, const std::string& what) {
    if (std::find(schema.choices.begin(), schema.choices.end(), value) != schema.choices.end()) return {};
    std::string list;
    for (const json::value& one : schema.choices) {
      if (!list.empty()) list += ", ";
      list += one.is_string() ? std::string(one.get_string()) : json::serialize(one);
    }
    return wrong(what, "must be one of: " + list);
  }

  Status one_of(const SchemaNode& schema, const json::value& value, const std::string& what) {
    std::size_t fitting = 0;
    Status last;
    for (const SchemaNode::Ptr& one : schema.one_of) {
      Status checked = node(*one, value, what);
      if (checked) ++fitting;
      if (!checked) last = std::move(checked);
    }
    if (fitting != 1 && !schema.rule.empty()) return wrong(what, "must have " + schema.rule);
    if (fitting == 0) return last;
    if (fitting > 1) return wrong(what, "fits more than one of the forms that are described");
    return {};
  }

  static Status range(Range allowed, std::size_t count, std::string_view thing, const std::string& what) {
    if (count < allowed.min && count == 0) return wrong(what, "must not be empty");
    if (count < allowed.min) return wrong(what, "must have at least " + counted(allowed.min, thing));
    if (count > allowed.max) return wrong(what, "must have at most " + counted(allowed.max, thing));
    return {};
  }

  static Status text(const SchemaNode& schema, std::string_view value, const std::string& what) {
    TRY(range(schema.length, count_characters(value), "character", what));
    if (schema.pattern && !RE2::PartialMatch(re2::StringPiece(value.data(), value.size()), *schema.pattern))
      return wrong(what, schema.rule.empty() ? "must match " + schema.pattern->pattern() : "must be: " + schema.rule);
    switch (schema.format) {
      case Format::kUuid: return is_uuid(value) ? Status{} : wrong(what, "must be a uuid in lower case");
      case Format::kDateTime:
        return is_date_time(value) ? Status{} : wrong(what, "must be a time such as 2026-01-31T12:00:00Z (RFC 3339)");
      case Format::kUri: return is_uri(value) ? Status{} : wrong(what, "must be a URI");
      case Format::kEmail: {
        const Status checked = check_email(value);
        return checked ? Status{} : wrong(what, "must be an e-mail address: " + checked.error().message);
      }
      default: return {};
    }
  }

  static Status number(const SchemaNode& schema, const json::value& value, const std::string& what) {
    const double number = value.to_number<double>();
    if (schema.minimum && number < *schema.minimum)
      return wrong(what, fmt::format("must be at least {}", *schema.minimum));
    if (schema.maximum && number > *schema.maximum)
      return wrong(what, fmt::format("must be at most {}", *schema.maximum));
    boost::system::error_code error;
    if (schema.format == Format::kInt64) value.to_number<std::int64_t>(error);
    if (schema.format == Format::kInt32) value.to_number<std::int32_t>(error);
    return error ? wrong(what, "is too large a number") : Status{};
  }

  Status array(const SchemaNode& schema, const json::array& list, const std::string& what) {
    TRY(range(schema.count_of_items, list.size(), "entry", what));
    for (std::size_t i = 0; schema.items && i < list.size(); ++i) {
      TRY(node(*schema.items, list[i], fmt::format("{}[{}]", what, i)));
    }
    if (!schema.unique_items) return {};
    std::set<std::string> seen;
    for (const json::value& one : list)
      if (!seen.insert(json::serialize(one)).second) return wrong(what, "must not hold an entry twice");
    return {};
  }

  Status object(const SchemaNode& schema, const json::object& object, const std::string& what) {
    for (const std::string& name : schema.required)
      if (!object.contains(name)) return wrong(inside(what, name), "is missing");
    TRY(range(schema.count_of_properties, object.size(), "entry", what));
    for (const auto& [key, value] : object) {
      const std::string name(key);
      const std::string shown = inside(what, safe_line(name));
      if (schema.names) {
        TRY(node(*schema.names, json::value(name), shown));
      }
      const auto known = schema.properties.find(name);
      if (known == schema.properties.end() && schema.closed)
        return wrong(shown, "is not a field of this request", fields(schema));
      const SchemaNode* child = known != schema.properties.end() ? known->second.get() : schema.additional.get();
      if (child != nullptr) {
        TRY(node(*child, value, shown));
      }
    }
    return {};
  }

  static std::string inside(const std::string& what, const std::string& name) {
    return what.empty() ? name : what + "." + name;
  }

  static std::string fields(const SchemaNode& schema) {
    std::string list = "the fields are:";
    for (const auto& [name, child] : schema.properties) list += " " + name;
    return list;
  }
};

}  // namespace

Status Schema::check(const json::value& value, std::string_view what) const {
  if (!node_) return {};
  return Checker().node(*node_, value, std::string(what));
}

Status Schema::check(const json::object& object) const {
  if (!node_) return {};
  if (!node_->one_of.empty() || node_->constant || !node_->choices.empty()) return check(json::value(object));
  return Checker().body(*node_, object);
}

Status Schema::check_text(std::string_view text, std::string_view what) const {
  if (!is_utf8(text)) return fail(Code::kInvalidArgument, fmt::format("`{}` must be UTF-8", what));
  json::value value(text);
  const unsigned wanted = node_ ? node_->types : 0;
  if ((wanted & kBoolean) != 0 && (text == "true" || text == "false")) value = text == "true";
  // Only as JSON writes numbers: no plus, no hexadecimal, no space.
  const bool numeric = !text.empty() && text.find_first_not_of("0123456789-") == std::string_view::npos;
  if ((wanted & (kInteger | kNumber)) != 0 && numeric) {
    boost::system::error_code error;
    json::value number = json::parse(text, error);
    if (!error) value = std::move(number);
  }
  return check(value, what);
}

}  // namespace paastech::api
