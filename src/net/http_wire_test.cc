#include "net/http_wire.h"

#include <gtest/gtest.h>

namespace paastech::net {
namespace {

Headers headers(std::initializer_list<std::pair<const char*, const char*>> items) {
  Headers out;
  for (const auto& [name, value] : items) out.add(name, value);
  return out;
}

TEST(Headers, FindIgnoresCaseAndGivesTheFirst) {
  const Headers h = headers({{"X-One", "1"}, {"x-one", "2"}});
  EXPECT_EQ(h.find("X-ONE"), "1");
  EXPECT_EQ(h.find("X-On"), std::nullopt);
}

TEST(HttpTarget, DecodesThePathOnceAndLeavesTheQuery) {
  const auto target = parse_target("/a%20b/%2541?x=%20&y=?");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/a b/%41");
  EXPECT_EQ(target->query, "x=%20&y=?");
}

TEST(HttpTarget, ReadsTheAbsoluteFormAndTheStar) {
  EXPECT_EQ(parse_target("http://host:80/p?q")->path, "/p");
  EXPECT_EQ(parse_target("HTTP://host")->path, "/");
  EXPECT_EQ(parse_target("http://host?q")->query, "q");
  EXPECT_EQ(parse_target("*")->path, "*");
}

TEST(HttpTarget, RefusesWhatHasTwoReadings) {
  for (const char* bad : {"", "a", "host:443", "/%", "/%4", "/%zz", "/%00", "/a%", "/a#b", "ftp://h/"})
    EXPECT_FALSE(parse_target(bad)) << bad;
  EXPECT_TRUE(parse_target("/a%2e"));
}

TEST(HttpHead, RefusesFoldingBareEndingsAndControls) {
  EXPECT_TRUE(check_raw_head("GET / HTTP/1.1\r\nA: b\tc\r\n\r\n"));
  for (const char* bad :
       {"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", "GET / HTTP/1.1\r\nA: b\r\n\tc\r\n\r\n", "GET / HTTP/1.1\nA: b\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", "GET / HTTP/1.1\r\nA: \x01\r\n\r\n", "GET / HTTP/1.1\r\nA: \x7f\r\n\r\n"})
    EXPECT_FALSE(check_raw_head(bad)) << bad;
  EXPECT_FALSE(check_raw_head(std::string_view("GET / HTTP/1.1\r\nA: \0\r\n\r\n", 23)));
}

TEST(HttpFraming, TakesOnlyOneUnmistakableLength) {
  EXPECT_TRUE(check_framing(headers({{"Host", "h"}}), true));
  EXPECT_TRUE(check_framing(headers({{"Host", "h"}, {"Transfer-Encoding", "Chunked"}}), true));
  EXPECT_TRUE(check_framing(headers({}), false));
  EXPECT_FALSE(check_framing(headers({}), true));
  EXPECT_FALSE(check_framing(headers({{"Host", "h"}, {"Host", "h"}}), true));
  for (const char* odd : {"gzip, chunked", "chunked, chunked", "xchunked", "identity", "chunked ;q", ""})
    EXPECT_FALSE(check_framing(headers({{"Host", "h"}, {"Transfer-Encoding", odd}}), true)) << odd;
  for (const char* odd : {"+5", "-1", "0x5", "5, 5", "", "5 5"})
    EXPECT_FALSE(check_framing(headers({{"Host", "h"}, {"Content-Length", odd}}), true)) << odd;
  EXPECT_FALSE(check_framing(headers({{"Host", "h"}, {"Content-Length", "5"}, {"content-length", "5"}}), true));
  EXPECT_FALSE(
      check_framing(headers({{"Host", "h"}, {"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}}), true));
  EXPECT_FALSE(check_framing(headers({{"Host", "h"}, {"Transfer-Encoding", "chunked"}}), false));
}

TEST(HttpRequestHead, AddsWhatIsNeededAndRefusesInjection) {
  HttpRequest request{.method = "POST", .target = "/x", .body = "abc"};
  const auto head = request_head(request, Framing::kLength, "localhost");
  ASSERT_TRUE(head);
  EXPECT_EQ(*head, "POST /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 3\r\n\r\n");
  for (const char* target : {"", "/a b", "/a\r\nX: y", "/a\n"}) {
    request.target = target;
    EXPECT_FALSE(request_head(request, Framing::kNone, "h")) << target;
  }
  request.target = "/";
  request.headers.add("X", "a\r\nEvil: 1");
  EXPECT_FALSE(request_head(request, Framing::kNone, "h"));
}

}  // namespace
}  // namespace paastech::net
