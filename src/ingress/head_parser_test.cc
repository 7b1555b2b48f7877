#include "ingress/head_parser.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace paastech::ingress {
namespace {

using namespace std::string_literals;

int request_status(const std::string& text) {
  const auto head = std::make_unique<RequestHead>();
  return parse_request(text, *head).status;
}
// A request that is fine but for the given header lines.
int with_lines(const std::string& lines) {
  return request_status("POST / HTTP/1.1\r\nHost: a.test\r\n" + lines + "\r\n");
}

TEST(RequestHead, TakesAPlainRequestApart) {
  const std::string text = "GET /a?b=c HTTP/1.1\r\nHost: A.Test:8080\r\nAccept:  text/html \r\nX-One: 1\r\n\r\n";
  RequestHead head;
  ASSERT_EQ(parse_request(text, head).status, 0);
  EXPECT_EQ(head.method, "GET");
  EXPECT_EQ(head.target, "/a?b=c");
  EXPECT_EQ(head.minor, 1);
  EXPECT_EQ(head.host, "A.Test:8080");
  EXPECT_EQ(head.accept, "text/html");
  EXPECT_EQ(head.count, 3u);
  EXPECT_TRUE(head.idempotent);
  EXPECT_FALSE(head.chunked || head.has_length);
}

TEST(RequestHead, RefusesAmbiguousFraming) {
  EXPECT_EQ(with_lines("Content-Length: 5\r\n"), 0);
  EXPECT_EQ(with_lines("Transfer-Encoding: chunked\r\n"), 0);
  EXPECT_EQ(with_lines("Transfer-Encoding: Chunked\r\n"), 0);
  const char* const smuggling[] = {
      "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
      "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
      "Content-Length: 5\r\nContent-Length: 6\r\n",
      "Content-Length: 5\r\nContent-Length: 5\r\n",
      "Content-Length: 5, 5\r\n",
      "Content-Length: +5\r\n",
      "Content-Length: -5\r\n",
      "Content-Length: 0x5\r\n",
      "Content-Length: 5 5\r\n",
      "Content-Length: 5;\r\n",
      "Content-Length:\r\n",
      "Content-Length: 99999999999999999999\r\n",
      "Transfer-Encoding: gzip, chunked\r\n",
      "Transfer-Encoding: chunked, identity\r\n",
      "Transfer-Encoding: identity\r\n",
      "Transfer-Encoding: xchunked\r\n",
      "Transfer-Encoding: \"chunked\"\r\n",
      "Transfer-Encoding: chunked;a=b\r\n",
      "Transfer-Encoding:\r\n",
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
      "Transfer-Encoding : chunked\r\n",
      "Transfer-Encoding\t: chunked\r\n",
      " Transfer-Encoding: chunked\r\n",
      "X: y\r\n Transfer-Encoding: chunked\r\n",
      "Transfer-Encoding:\r\n chunked\r\n",
      "Transfer-Encoding: chunked\n\r\n",
      ("Transfer-Encoding:\x0b"
       "chunked\r\n"),
      "X: a\rb\r\n",
      "X: a\nContent-Length: 5\r\n",
      "X: a\n\n",
      "Content-Length: 5\r\r\n",
      "\r: x\r\n",
  };
  for (const char* lines : smuggling) EXPECT_EQ(with_lines(lines), 400) << lines;
  EXPECT_EQ(request_status("POST / HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

TEST(RequestHead, RefusesMalformedHeaders) {
  for (const std::string& lines :
       {"X: a\0b\r\n"s, "X: \x01\r\n"s, "X: \x7f\r\n"s, "X\0Y: 1\r\n"s, "X(Y): 1\r\n"s, ": 1\r\n"s, "NoColon\r\n"s,
        "X Y: 1\r\n"s, "X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\x1f\r\n"s, "X\xc3\xa4: 1\r\n"s,
        "Connection: a b\r\n"s, "Host: other.test\r\n"s})
    EXPECT_EQ(with_lines(lines), 400) << lines;
  for (const std::string& lines :
       {"X:\r\n"s, "X:y\r\n"s, "X: a\tb \t\r\n"s, "X: \xc3\xa4\xff 12345678\r\n"s, "x!#$%&'*+-.^_`|~9: 1\r\n"s})
    EXPECT_EQ(with_lines(lines), 0) << lines;
  EXPECT_EQ(with_lines("Expect: 100-continue\r\n"), 0);
  EXPECT_EQ(with_lines("Expect: tea\r\n"), 417);
}

TEST(RequestHead, RefusesMalformedRequestLines) {
  const std::pair<const char*, int> lines[] = {
      {"GET / HTTP/1.1", 0},
      {"get / HTTP/1.1", 0},
      {"PATCH / HTTP/1.0", 0},
      {"GET  / HTTP/1.1", 400},
      {"GET /  HTTP/1.1", 400},
      {" GET / HTTP/1.1", 400},
      {"GET / HTTP/1.1 ", 400},
      {"GET /a b HTTP/1.1", 400},
      {"GET /\ta HTTP/1.1", 400},
      {"G@T / HTTP/1.1", 400},
      {"GET\t/ HTTP/1.1", 400},
      {"GET /", 400},
      {"", 400},
      {"GET / http/1.1", 400},
      {"GET / HTTP/1.10", 400},
      {"GET / HTTP/1", 400},
      {"GET / HTTP/2.0", 505},
      {"GET / HTTP/1.2", 505},
      {"GET / HTTP/0.9", 505},
      {"GET a HTTP/1.1", 400},
      {"GET * HTTP/1.1", 400},
      {"OPTIONS * HTTP/1.1", 0},
      {"GET /#f HTTP/1.1", 400},
      {"GET /\xc3\xa4 HTTP/1.1", 400},
      {"GET /\x7f HTTP/1.1", 400},
      {"CONNECT a.test:443 HTTP/1.1", 405},
      {"TRACE / HTTP/1.1", 405},
      {"GET http://a.test/x HTTP/1.1", 0},
      {"GET HTTP://A.TEST HTTP/1.1", 0},
      {"GET http://b.test/ HTTP/1.1", 400},
      {"GET http://a.test:81/ HTTP/1.1", 400},
      {"GET http:///x HTTP/1.1", 400},
      {"GET http://u@a.test/ HTTP/1.1", 400},
      {"GET ftp://a.test/ HTTP/1.1", 400},
  };
  for (const auto& [line, status] : lines)
    EXPECT_EQ(request_status(std::string(line) + "\r\nHost: a.test\r\n\r\n"), status) << line;
  EXPECT_EQ(request_status("GET /" + std::string(kMaxTarget, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n"), 414);
}

TEST(RequestHead, MakesOriginFormOfAbsoluteForm) {
  RequestHead head;
  ASSERT_EQ(parse_request("GET http://a.test/x?y HTTP/1.1\r\nHost: a.test\r\n\r\n", head).status, 0);
  EXPECT_EQ(head.target, "/x?y");
  ASSERT_EQ(parse_request("GET http://a.test HTTP/1.1\r\nHost: a.test\r\n\r\n", head).status, 0);
  EXPECT_EQ(head.target, "/");
  ASSERT_EQ(parse_request("GET http://a.test?y HTTP/1.1\r\nHost: a.test\r\n\r\n", head).status, 0);
  EXPECT_EQ(head.target, "?y");
  EXPECT_TRUE(head.target_needs_slash);
}

TEST(RequestHead, NeedsExactlyOneGoodHost) {
  const std::pair<const char*, int> cases[] = {
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/1.0\r\n\r\n", 0},
      {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a:x\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 0},
      {"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a.\r\n\r\n", 0},
  };
  for (const auto& [text, status] : cases) EXPECT_EQ(request_status(text), status) << text;
}

TEST(RequestHead, LimitsTheNumberOfHeaders) {
  std::string lines;
  for (std::size_t i = 0; i + 1 < kMaxFields; ++i) lines += "X: 1\r\n";
  EXPECT_EQ(with_lines(lines), 0);
  EXPECT_EQ(with_lines(lines + "X: 1\r\n"), 431);
}

TEST(ResponseHead, IsHeldToTheSameRules) {
  const std::pair<const char*, int> cases[] = {
      {"HTTP/1.1 200 OK\r\n\r\n", 0},
      {"HTTP/1.0 404 Not Found\r\n\r\n", 0},
      {"HTTP/1.1 200\r\n\r\n", 0},
      {"HTTP/1.1 200 \r\n\r\n", 0},
      {"HTTP/2 200 OK\r\n\r\n", 502},
      {"HTTP/1.1 20 OK\r\n\r\n", 502},
      {"HTTP/1.1 2000 OK\r\n\r\n", 502},
      {"HTTP/1.1  200 OK\r\n\r\n", 502},
      {"HTTP/1.1 099 X\r\n\r\n", 502},
      {"HTTP/1.1 600 X\r\n\r\n", 502},
      {"ICY 200 OK\r\n\r\n", 502},
      {"HTTP/1.1 200 O\x01K\r\n\r\n", 502},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 502},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 502},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", 502},
      {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 502},
      {"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", 502},
      {"HTTP/1.1 200 OK\r\nX : a\r\n\r\n", 502},
  };
  ResponseHead head;
  for (const auto& [text, status] : cases) EXPECT_EQ(parse_response(text, head).status, status) << text;
}

TEST(FindHead, FindsTheEndHoweverTheBytesCome) {
  const std::string text = "GET / HTTP/1.1\r\nHost: a\r\n\r\nrest\r\n\r\n";
  const std::size_t end = text.find("rest");
  for (std::size_t step = 1; step < 8; ++step) {
    std::size_t scanned = 0;
    std::size_t found = 0;
    bool bad = false;
    for (std::size_t n = step; found == 0 && n < text.size(); n += step)
      found = find_head(std::string_view(text).substr(0, n), scanned, bad);
    EXPECT_EQ(found, end) << step;
    EXPECT_FALSE(bad);
  }
  for (const char* broken : {"GET / HTTP/1.1\n", "\nGET", "A\r\nB\n\r\n", "A\r\n\n"}) {
    std::size_t scanned = 0;
    bool bad = false;
    EXPECT_EQ(find_head(broken, scanned, bad), 0u);
    EXPECT_TRUE(bad) << broken;
  }
}

TEST(HostName, IsComparedWithoutCasePortAndLastDot) {
  std::array<char, kMaxHost> out;
  EXPECT_EQ(normalize_host("App.TEST:8080", out), "app.test");
  EXPECT_EQ(normalize_host("app.test.", out), "app.test");
  EXPECT_EQ(normalize_host("app.test..", out), "app.test.");
  EXPECT_EQ(normalize_host("[::1]:80", out), "[::1]");
  for (const char* bad : {"", ":80", ".", "a:123456", "a\x80", "[", "[x]", "a]"})
    EXPECT_EQ(normalize_host(bad, out), "") << bad;
  EXPECT_EQ(normalize_host(std::string(300, 'a'), out), "");
}

TEST(HeaderNames, CatchUnderscoreLookalikes) {
  EXPECT_EQ(name_of("x-forwarded-FOR"), Name::kForwardedFor);
  EXPECT_EQ(name_of("X_Forwarded_For"), Name::kLookalike);
  EXPECT_EQ(name_of("Content_Length"), Name::kLookalike);
  EXPECT_EQ(name_of("Transfer_Encoding"), Name::kLookalike);
  EXPECT_EQ(name_of("X-Forwarded-Ssl"), Name::kForwardedMore);
  EXPECT_EQ(name_of("Proxy"), Name::kHopByHop);
  EXPECT_EQ(name_of("api_key"), Name::kOther);
}

}  // namespace
}  // namespace paastech::ingress
