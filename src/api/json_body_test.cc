#include "api/json_body.h"

#include <gtest/gtest.h>

#include "api/text_out.h"

namespace paastech::api {
namespace {

std::string message_of(const std::string& text) {
  const Result<boost::json::object> parsed = parse_body(text);
  return parsed ? "" : parsed.error().message;
}

TEST(JsonBody, TellsWhereMalformedJsonGoesWrong) {
  EXPECT_NE(message_of("{\n  \"name\": x}").find("line 2, column 11"), std::string::npos)
      << message_of("{\n  \"name\": x}");
  EXPECT_NE(message_of("{\"a\":1} x").find("line 1, column 9"), std::string::npos) << message_of("{\"a\":1} x");
  EXPECT_NE(message_of("{\"a\":").find("line 1, column 6"), std::string::npos) << message_of("{\"a\":");
  EXPECT_FALSE(message_of("").empty());
  EXPECT_FALSE(message_of("[]").empty());
  EXPECT_FALSE(message_of("{\"a\":\"\xff\"}").empty());
  EXPECT_FALSE(message_of("{\"a\":\"\\ud800\"}").empty());
  EXPECT_FALSE(message_of("{\"a\":" + std::string(100'000, '[')).empty());
  EXPECT_TRUE(message_of("{} \n").empty());
}

TEST(JsonBody, ReadsWhatIsThere) {
  const auto object = *parse_body(R"({"name":"x","flag":true,"set":{"A":"1\n2"},"unset":["B","C"]})");
  Body body(object);
  EXPECT_EQ(body.text("name", 1, 10), "x");
  EXPECT_TRUE(body.optional_flag("flag", false));
  EXPECT_FALSE(body.optional_text("other", 1, 10));
  const auto set = body.optional_map("set", 10);
  ASSERT_EQ(set.size(), 1u);
  EXPECT_EQ(set[0].second, "1\n2");
  EXPECT_EQ(body.optional_list("unset", 10, 10), (std::vector<std::string>{"B", "C"}));
  EXPECT_TRUE(body.finish());
}

std::string problem_of(const std::string& text) {
  const auto object = *parse_body(text);
  Body body(object);
  body.text("name", 2, 4);
  body.optional_flag("flag", false);
  body.optional_map("set", 2);
  body.optional_list("unset", 2, 4);
  const Status status = body.finish();
  return status ? "" : status.error().message;
}

TEST(JsonBody, NamesTheFieldThatIsWrong) {
  EXPECT_EQ(problem_of(R"({"name":"abc"})"), "");
  EXPECT_EQ(problem_of("{}"), "`name` is missing");
  EXPECT_EQ(problem_of(R"({"name":3})"), "`name` must be a string");
  EXPECT_EQ(problem_of(R"({"name":"a\u00001"})"), "`name` has a NUL character");
  EXPECT_EQ(problem_of(R"({"name":"abc","unset":["A\u0000"]})"), "`unset[0]` has a NUL character");
  EXPECT_EQ(problem_of(R"({"name":null})"), "`name` must be a string");
  EXPECT_EQ(problem_of(R"({"name":""})"), "`name` must not be empty");
  EXPECT_NE(problem_of(R"({"name":"a"})").find("`name` must have at least"), std::string::npos);
  EXPECT_NE(problem_of(R"({"name":"abcde"})").find("`name` must have at most"), std::string::npos);
  EXPECT_EQ(problem_of(R"({"name":"abc","flag":"yes"})"), "`flag` must be true or false");
  EXPECT_EQ(problem_of(R"({"name":"abc","set":{"A":1}})"), "`set.A` must be a string");
  EXPECT_EQ(problem_of(R"({"name":"abc","set":[]})"), "`set` must be an object of strings");
  EXPECT_EQ(problem_of(R"({"name":"abc","set":{"A":"","B":"","C":""}})"), "`set` has over 2 entries");
  EXPECT_EQ(problem_of(R"({"name":"abc","unset":["A",2]})"), "`unset[1]` must be a string");
  EXPECT_EQ(problem_of(R"({"name":"abc","admin":true})"), "`admin` is not a field of this request");
  EXPECT_EQ(problem_of(R"({"name":"abc","\u001b[2J":true})").find('\x1b'), std::string::npos);
}

TEST(JsonBody, ReadsWholeNumbersHoweverTheyAreWritten) {
  const auto object = *parse_body(R"({"a":7,"b":7.0,"c":-1,"d":7.5,"e":101,"f":"7","g":1e300})");
  const auto number = [&](std::string_view field) { return Body(object).optional_number(field, -1, 100); };
  EXPECT_EQ(number("a"), 7);
  EXPECT_EQ(number("b"), 7);
  EXPECT_EQ(number("c"), -1);
  for (const std::string_view bad : {"d", "e", "f", "g", "absent"}) EXPECT_EQ(number(bad), std::nullopt) << bad;
}

TEST(JsonBody, CountsLengthsInCharacters) {
  EXPECT_EQ(problem_of(R"({"name":"äöüß"})"), "");
  EXPECT_NE(problem_of(R"({"name":"äöüßx"})"), "");
}

TEST(TextOut, ReplacesWhatIsNoUtf8) {
  EXPECT_EQ(valid_utf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x99\x82"), "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x99\x82");
  EXPECT_EQ(valid_utf8("\xff"), "\xef\xbf\xbd");
  EXPECT_EQ(valid_utf8("\xe2\x82"), "\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(valid_utf8("\xc0\xaf"), "\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(valid_utf8("\xed\xa0\x80").find('\xed'), std::string::npos);
}

TEST(TextOut, StripsWhatSteersATerminalButColour) {
  EXPECT_EQ(safe_text("\x1b[31mred\x1b[0m\x1b]52;c;x\a\x07"), "\x1b[31mred\x1b[0m");
  EXPECT_EQ(safe_line("a\nb\x1b[2Jc"), "abc");
}

TEST(TextOut, CutsALineByCharacters) {
  std::string umlauts;
  for (int i = 0; i < 100; ++i) umlauts += "ü";
  EXPECT_EQ(safe_line(umlauts), umlauts);
  EXPECT_EQ(safe_line(umlauts + "x"), umlauts);
  EXPECT_EQ(safe_line(std::string(101, 'x')), std::string(100, 'x'));
  EXPECT_EQ(safe_line(std::string(1'000, '\xff')).size(), 300u) << "what is no UTF-8 has an end too";
}

}  // namespace
}  // namespace paastech::api
