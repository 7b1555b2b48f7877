#include "api/pages/page.h"

#include <gmock/gmock.h>

namespace paastech::api {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Page, EscapesWhatIsNotOurs) {
  EXPECT_EQ(escaped("<a href='x'>\"&\x1b[31m\n"), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;[31m");
  const std::string field =
      input({.name = "email", .label = "<Address>", .value = "\"><script>alert(1)</script>", .hint = "<b>"});
  EXPECT_THAT(field, Not(HasSubstr("<script")));
  EXPECT_THAT(field, Not(HasSubstr("<b>")));
  EXPECT_THAT(page(200, "<i>", "").body, Not(HasSubstr("<i>")));
  EXPECT_THAT(error_page(404, {Code::kNotFound, "<u>", "<s>"}).body, Not(testing::ContainsRegex("<[us]>")));
}

TEST(Page, AllowsNoScriptAndTellsNoOtherSiteItsAddress) {
  const net::HttpResponse answer = page(200, "Title", "<p>x</p>");
  const std::string policy = answer.headers.find("Content-Security-Policy").value_or("");
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  EXPECT_THAT(policy, HasSubstr("form-action 'self'"));
  EXPECT_THAT(policy, HasSubstr("frame-ancestors 'none'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_THAT(policy, Not(HasSubstr("script-src")));
  EXPECT_EQ(answer.headers.find("Referrer-Policy"), "same-origin");
  EXPECT_EQ(answer.headers.find("Content-Type"), "text/html; charset=utf-8");
  EXPECT_THAT(answer.body, HasSubstr("<html lang=\"en\">"));
}

TEST(Page, LabelsEachFieldAndTiesItsHint) {
  const std::string field =
      input({.name = "code", .label = "Code", .autocomplete = "one-time-code", .hint = "Six digits"});
  EXPECT_THAT(field, HasSubstr("<label for=\"code\">"));
  EXPECT_THAT(field, HasSubstr("id=\"code\""));
  EXPECT_THAT(field, HasSubstr("aria-describedby=\"code-hint\""));
  EXPECT_THAT(field, HasSubstr("id=\"code-hint\""));
  EXPECT_THAT(refusal({Code::kAborted, "no", "do"}), HasSubstr("role=\"alert\""));
}

TEST(Form, IsReadStrictly) {
  const auto form = parse_form("email=a%40b.org&name=Ada+Lovelace&empty=&plus=%2B");
  ASSERT_TRUE(form);
  EXPECT_EQ(form->at("email"), "a@b.org");
  EXPECT_EQ(form->at("name"), "Ada Lovelace");
  EXPECT_EQ(form->at("empty"), "");
  EXPECT_EQ(form->at("plus"), "+");
  EXPECT_TRUE(parse_form("")->empty());
  for (const char* bad : {"a=%4", "a=%zz", "a=%ff", "a=1&a=2"}) EXPECT_FALSE(parse_form(bad)) << bad;
}

}  // namespace
}  // namespace paastech::api
