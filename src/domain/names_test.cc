#include "domain/names.h"

#include <gtest/gtest.h>

#include <string>

namespace paastech {
namespace {

using Check = Status (*)(std::string_view);

void expect_refused(Check check, const std::string& text) {
  const Status status = check(text);
  ASSERT_FALSE(status) << text;
  EXPECT_EQ(status.error().code, Code::kInvalidArgument);
  EXPECT_NE(status.error().message.find(": it "), std::string::npos) << status.error().message;  // what is allowed
}

TEST(Names, OfProjects) {
  for (const std::string good : {"abc", "a-1", "my-app-2", "a--b", "abcdefghijabcdefghijabcdefghij"})
    EXPECT_TRUE(check_project_name(good)) << good;
  for (const std::string bad : {"", "ab", "Abc", "1abc", "-abc", "abc-", "a_b", "a.b", "a b", "abc\n", "äbc", "a/../b"})
    expect_refused(check_project_name, bad);
  EXPECT_TRUE(check_project_name(std::string(30, 'a')));
  expect_refused(check_project_name, std::string(31, 'a'));
  expect_refused(check_project_name, std::string("abc\0d", 5));
}

TEST(Names, OfUsers) {
  for (const std::string good : {"ann", "Ann_B-2", "a__b"}) EXPECT_TRUE(check_username(good)) << good;
  for (const std::string bad : {"", "an", "1ann", "_ann", "ann-", "ann_", "a@b", "a b c", "änn"})
    expect_refused(check_username, bad);
  EXPECT_TRUE(check_username(std::string(30, 'a')));
  expect_refused(check_username, std::string(31, 'a'));
}

TEST(Names, OfEmailAddresses) {
  for (const std::string good :
       {"a@b.c", "ann.b+tag@mail.example.org", "o'neil@example.org", "ann@xn--exmple-cua.org", "a_b@x-y.de"})
    EXPECT_TRUE(check_email(good)) << good;
  for (const std::string bad : {"",
                                "a",
                                "@b.c",
                                "a@",
                                "a@b",
                                "a@@b.c",
                                "a@b@c.d",
                                "a@.c",
                                "a@b.",
                                "a@b..c",
                                "a@-b.c",
                                "a@b-.c",
                                "a b@c.d",
                                "a@b c.d",
                                "a@b.c\n",
                                "a\r\nBcc: x@b.c",
                                "<a@b.c>",
                                "\"a\"@b.c",
                                "a,b@c.d",
                                "a@[1.2.3.4]",
                                "a@b_c.d",
                                "\xff@b.c",
                                "a@b.c\x7f",
                                "änn@b.c",
                                "a@exämple.org"})
    expect_refused(check_email, bad);
  EXPECT_TRUE(check_email(std::string(64, 'a') + "@b.c"));
  expect_refused(check_email, std::string(65, 'a') + "@b.c");
  std::string domain = "c";
  while (domain.size() < 248) domain = "b." + domain;
  EXPECT_TRUE(check_email("aaa@" + domain));       // 253 bytes
  expect_refused(check_email, "aaaaa@" + domain);  // 255
}

TEST(Names, OfPasswords) {
  EXPECT_TRUE(check_password("0123456789"));
  EXPECT_TRUE(check_password("pass wörter sind gut"));
  EXPECT_TRUE(check_password(std::string(128, 'x')));
  expect_refused(check_password, "012345678");
  expect_refused(check_password, std::string(129, 'x'));
  // Characters count, not bytes.
  const auto times = [](int count, const char* character) {
    std::string out;
    while (count-- > 0) out += character;
    return out;
  };
  EXPECT_TRUE(check_password(times(128, "ü")));
  expect_refused(check_password, times(129, "ü"));
  expect_refused(check_password, times(9, "🙂"));
  EXPECT_TRUE(check_password(times(128, "u\u0308"))) << "as long as it is when it is hashed";
  expect_refused(check_password, times(5, "u\u0308"));
  expect_refused(check_password, "0123456789\xff");
  for (const std::string bad : {"0123456789\n", "01234\t56789", "0123456789\x7f", "\x1b[2J0123456789"})
    expect_refused(check_password, bad);
  expect_refused(check_password, std::string("0123456789\0", 11));
}

TEST(Names, OfEnvironmentVariables) {
  for (const std::string good : {"A", "_", "path_2", "DATABASE_URL"}) EXPECT_TRUE(check_environment_name(good)) << good;
  for (const std::string bad : {"", "2A", "A-B", "A=B", "A B", "A\n", "Ä", "A.B", "$A"})
    expect_refused(check_environment_name, bad);
  expect_refused(check_environment_name, std::string("A\0", 2));
  EXPECT_TRUE(check_environment_name(std::string(128, 'A')));
  expect_refused(check_environment_name, std::string(129, 'A'));
}

TEST(Names, ValuesOfEnvironmentVariablesAreAnyText) {
  for (const std::string good : {"", "a=b", "line\nline\r\n\t", "\x1b[31m", "ü 🙂", "$(x) `y` ';"})
    EXPECT_TRUE(check_environment_value(good)) << good;
  EXPECT_TRUE(check_environment_value(std::string(65536, 'x')));
  expect_refused(check_environment_value, std::string(65537, 'x'));
  expect_refused(check_environment_value, std::string("a\0b", 3));
  expect_refused(check_environment_value, "\xff");
}

TEST(Utf8, KnowsWellFormedSequences) {
  for (const char* good :
       {"", "a", "\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
    EXPECT_TRUE(is_utf8(good));
  for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82",
                          "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "a\xc2z"})
    EXPECT_FALSE(is_utf8(bad));
}

}  // namespace
}  // namespace paastech
