#pragma once
// The part of JSON Schema 2020-12 that api/openapi.yaml uses, compiled once and checked often. A keyword that is not
// known here is an error of compile(), so that the contract never promises what nobody checks. Lengths count code
// points; patterns are RE2's, which take time linear in the text (threat 26), and match anywhere unless anchored.
// Immutable after compile(), so safe from any thread.
//
// Known: type (one or a list), const, enum, minLength, maxLength, pattern, format, minimum, maximum, items, minItems,
// maxItems, uniqueItems, properties, required, additionalProperties, propertyNames, minProperties, maxProperties,
// oneOf, $ref to #/components; annotations; and x-rule, which says in words what a pattern ("must be: X-RULE") or the
// forms of oneOf ("must have X-RULE") ask for.
#include <boost/json.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace paastech::api {

struct SchemaNode;

class Schema {
 public:
  Schema() = default;  // takes everything
  // root: the whole document, for $ref. kInternal, saying where: an unknown keyword, a bad pattern, a reference to
  // nothing or to itself.
  static Result<Schema> compile(const boost::json::value& root, const boost::json::value& schema, std::string where);

  // kInvalidArgument with the first violation: "`name` must have at least 3 characters". what: the value's name, such
  // as a field's; a value without a name is "the body".
  Status check(const boost::json::value& value, std::string_view what = {}) const;
  Status check(const boost::json::object& object) const;  // a body, without a copy of it
  // A text of a path, query or header: read as the number or boolean that the schema wants, then checked.
  Status check_text(std::string_view text, std::string_view what) const;

 private:
  std::shared_ptr<const SchemaNode> node_;
};

}  // namespace paastech::api
