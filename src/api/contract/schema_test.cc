#include "api/contract/schema.h"

#include <gtest/gtest.h>

#include "api/contract/document.h"

namespace paastech::api {
namespace {

namespace json = boost::json;

Schema schema(std::string_view yaml) {
  const Result<json::value> root = json_of_yaml(yaml);
  EXPECT_TRUE(root.has_value()) << yaml;
  Result<Schema> made = Schema::compile(*root, *root, "test");
  EXPECT_TRUE(made.has_value()) << made.error().message;
  return made.value_or(Schema());
}

std::string refusal(std::string_view yaml, std::string_view value) {
  const Status checked = schema(yaml).check(json::parse(value), "it");
  return checked ? "" : checked.error().message;
}

std::string broken(std::string_view yaml) {
  const Result<json::value> root = json_of_yaml(yaml);
  if (!root) return root.error().message;
  const Result<Schema> made = Schema::compile(*root, *root, "test");
  return made ? "" : made.error().message;
}

struct Case {
  std::string yaml;
  std::string good;
  std::string bad;
  std::string message;
};

TEST(Schema, SaysInWordsWhatIsWrong) {
  const std::vector<Case> cases{
      {"type: string", R"("a")", "1", "`it` must be a string"},
      {"type: integer", "1.0", "1.5", "`it` must be a whole number"},
      {"type: integer", "-3", R"("3")", "`it` must be a whole number"},
      {"type: number", "1.5", "null", "`it` must be a number"},
      {"type: boolean", "false", "0", "`it` must be true or false"},
      {"type: [string, 'null']", "null", "7", "`it` must be a string"},
      {"const: v1", R"("v1")", R"("v2")", R"(`it` must be "v1")"},
      {"enum: [push, 7]", "7", "8", "`it` must be one of: push, 7"},
      {"{type: string, minLength: 3}", R"("äöü")", R"("ab")", "`it` must have at least 3 characters"},
      {"{type: string, minLength: 1}", R"("a")", R"("")", "`it` must not be empty"},
      {"{type: string, maxLength: 3}", R"("äöü")", R"("abcd")", "`it` must have at most 3 characters"},
      {"{type: string, maxLength: 1}", R"("a")", R"("ab")", "`it` must have at most 1 character"},
      {"{pattern: '^[a-z]+$', x-rule: small letters}", R"("ab")", R"("aB")", "`it` must be: small letters"},
      {"{pattern: '^[a-z]+$'}", R"("ab")", R"("ab\n")", "`it` must match ^[a-z]+$"},
      {"{type: string, format: uuid}", R"("3f0c1f5e-7f1b-4b0e-9d43-8f3a5e0d2a77")", R"("3F0C1F5E")",
       "`it` must be a uuid in lower case"},
      {"{type: string, format: date-time}", R"("2026-01-31T12:00:00.1Z")", R"("2026-13-01T00:00:00Z")",
       "`it` must be a time such as 2026-01-31T12:00:00Z (RFC 3339)"},
      {"{type: string, format: uri}", R"("ssh://git@host:2222/a")", R"("a b")", "`it` must be a URI"},
      {"{type: integer, minimum: 1}", "1", "0", "`it` must be at least 1"},
      {"{type: integer, maximum: 100}", "100", "101", "`it` must be at most 100"},
      {"{type: integer, format: int64}", "9223372036854775807", "9223372036854775808", "`it` is too large a number"},
      {"{type: array, items: {type: string}}", R"(["a"])", R"(["a",1])", "`it[1]` must be a string"},
      {"{type: array, maxItems: 1}", "[1]", "[1,2]", "`it` must have at most 1 entry"},
      {"{type: array, minItems: 2}", "[1,2]", "[1]", "`it` must have at least 2 entries"},
      {"{type: array, uniqueItems: true}", R"(["a","b"])", R"(["a","a"])", "`it` must not hold an entry twice"},
      {"{type: object, required: [a]}", R"({"a":1})", "{}", "`it.a` is missing"},
      {"{type: object, additionalProperties: false, properties: {a: {type: string}}}", R"({"a":"x"})", R"({"b":1})",
       "`it.b` is not a field of this request"},
      {"{type: object, additionalProperties: {type: string}}", R"({"a":"x"})", R"({"a":1})", "`it.a` must be a string"},
      {"{type: object, maxProperties: 1}", R"({"a":1})", R"({"a":1,"b":1})", "`it` must have at most 1 entry"},
      {"{type: object, propertyNames: {pattern: '^[A-Z]$'}}", R"({"A":1})", R"({"a":1})", "`it.a` must match ^[A-Z]$"},
      {"oneOf: [{type: string}, {type: integer}]", "1", "true", "`it` must be a whole number"},
      {"{oneOf: [{required: [a]}, {required: [b]}], x-rule: either a or b}", R"({"a":1})", R"({"a":1,"b":1})",
       "`it` must have either a or b"},
      {"{oneOf: [{required: [a]}, {required: [b]}], x-rule: either a or b}", R"({"b":1})", "{}",
       "`it` must have either a or b"},
      {"oneOf: [{type: number}, {type: integer}]", "1.5", "1",
       "`it` fits more than one of the forms that are described"},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(refusal(one.yaml, one.good), "") << one.yaml;
    EXPECT_EQ(refusal(one.yaml, one.bad), one.message) << one.yaml;
  }
}

TEST(Schema, FollowsReferences) {
  const Result<json::value> root = json_of_yaml("components: {schemas: {Name: {type: string, maxLength: 2}}}");
  const Result<Schema> made =
      Schema::compile(*root, json::parse(R"({"$ref":"#/components/schemas/Name","description":"x"})"), "test");
  ASSERT_TRUE(made.has_value());
  EXPECT_TRUE(made->check(json::value("ab")));
  EXPECT_FALSE(made->check(json::value("abc")));
}

TEST(Schema, RefusesWhatItCouldNotHoldAnybodyTo) {
  EXPECT_EQ(broken("{type: string, minLenght: 3}"),
            "the contract at test/minLenght: a keyword that the Service does not check");
  EXPECT_EQ(broken("{type: text}"), "the contract at test/type: an unknown type");
  EXPECT_EQ(broken("{format: colour}"), "the contract at test/format: a format that the Service does not check");
  EXPECT_EQ(broken("{maxLength: -1}"), "the contract at test/maxLength: not a count");
  EXPECT_EQ(broken(R"({pattern: '(?=a)'})").substr(0, 52), "the contract at test/pattern: RE2 does not take this");
  EXPECT_EQ(broken("{$ref: '#/nowhere'}"), R"(the contract at test: nothing is at "#/nowhere")");
  EXPECT_EQ(broken("{$ref: '#/a', type: string, a: {}}"), "the contract at test: type beside $ref");
  EXPECT_EQ(broken("{items: {$ref: '#'}, properties: {a: {$ref: '#/properties/a'}}}").substr(0, 21),
            "the contract at test/");
}

TEST(Schema, ReadsTextsAsWhatIsWanted) {
  EXPECT_TRUE(schema("{type: integer, minimum: 1}").check_text("3", "limit"));
  EXPECT_TRUE(schema("type: boolean").check_text("true", "all"));
  EXPECT_TRUE(schema("type: string").check_text("3", "name"));
  for (const std::string bad : {"", "0", "x", "1e1", "+1", " 1", "0x1", "1.0", "1 2", "99999999999999999999"})
    EXPECT_FALSE(schema("{type: integer, format: int64, minimum: 1}").check_text(bad, "limit")) << bad;
  for (const std::string bad : {"", "1", "TRUE", "yes"}) EXPECT_FALSE(schema("type: boolean").check_text(bad, "all"));
  const Status checked = schema("type: string").check_text("\xff", "name");
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().message, "`name` must be UTF-8");
}

TEST(Schema, TakesTimeInProportionToTheText) {
  // An expression that costs a backtracking engine 2^n steps.
  const std::string text = "\"" + std::string(100'000, 'a') + "!\"";
  EXPECT_NE(refusal("pattern: '^(a+)+$'", text), "");
}

TEST(Document, KnowsWhatIsQuoted) {
  const Result<json::value> value = json_of_yaml("{a: 1, b: '1', c: true, d: 'true', e: null, f: 1.5, g: 1.0.0, h: -}");
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(json::serialize(*value), R"({"a":1,"b":"1","c":true,"d":"true","e":null,"f":1.5E0,"g":"1.0.0","h":"-"})");
}

TEST(Document, RefusesAKeyThatStandsTwice) {
  EXPECT_FALSE(json_of_yaml("a: 1\nb: 2\na: 3").has_value());
  EXPECT_FALSE(json_of_yaml("a: [").has_value());
}

}  // namespace
}  // namespace paastech::api
