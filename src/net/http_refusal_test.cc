// What the HTTP server refuses: the ambiguous, the malformed, the too long, the too slow, the too many.
#include "net/http_test_site.h"

namespace paastech::net {
namespace {

using namespace std::chrono_literals;
using namespace testing;

Task<void> refusals(Site& site) {
  const std::vector<std::string> corpus = {
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\x0b"
      "chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nabcde",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\nabcde",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999999\r\n\r\nabcde",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n",
      "GET / HTTP/1.1\nHost: h\n\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nA: \x01\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost h\r\n\r\n",
      "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET nopath HTTP/1.1\r\nHost: h\r\n\r\n",
      "G(T / HTTP/1.1\r\nHost: h\r\n\r\n",
      "\x16\x03\x01 not HTTP\r\n\r\n",
  };
  for (const std::string& bytes : corpus) {
    std::string answer = co_await raw(site, bytes);
    EXPECT_EQ(first_line(answer), "HTTP/1.1 400 Bad Request") << bytes;
    EXPECT_NE(answer.find("Content-Type: application/problem+json\r\n"), std::string::npos) << bytes;
    EXPECT_NE(answer.find("X-Request-Id: "), std::string::npos) << bytes;
    EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos) << bytes;
    EXPECT_EQ(count(answer, "HTTP/1.1 "), 1u) << bytes;  // nothing behind it is taken for a request
  }
  EXPECT_EQ(site.served, 0);
  std::string next = co_await raw(site, "GET / HTTP/2.0\r\nHost: h\r\n\r\n");
  EXPECT_EQ(first_line(next), "HTTP/1.1 505 HTTP Version Not Supported");
  std::string sound = co_await raw(site, std::string("\r\nGET /%2541 HTTP/1.1\r\n") + kClose);  // the control
  EXPECT_NE(sound.find("GET /%41 []"), std::string::npos) << sound;
}

TEST(HttpServer, RefusesAmbiguousAndMalformedRequests) {
  Site site;
  run_on(site, refusals(site));
}

Task<void> limits(Site& site) {
  const std::string long_header = "A: " + std::string(3000, 'a') + "\r\n";
  std::string head = co_await raw(site, "GET / HTTP/1.1\r\n" + long_header + kClose);
  EXPECT_EQ(first_line(head), "HTTP/1.1 431 Request Header Fields Too Large");
  std::string body = co_await raw(site, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n01234567890");
  EXPECT_EQ(first_line(body), "HTTP/1.1 413 Content Too Large");
  std::string chunked = co_await raw(site,
                                     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                                     "6\r\n012345\r\n6\r\n012345\r\n0\r\n\r\n");
  EXPECT_EQ(first_line(chunked), "HTTP/1.1 413 Content Too Large");
  std::string endless = co_await raw(
      site, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(100'000, 'e'));
  EXPECT_EQ(first_line(endless), "HTTP/1.1 400 Bad Request");
  std::string fits =
      co_await raw(site, std::string("POST / HTTP/1.1\r\nContent-Length: 10\r\n") + kClose + "0123456789");
  EXPECT_EQ(first_line(fits), "HTTP/1.1 200 OK");
  EXPECT_EQ(site.served, 1);
}

TEST(HttpServer, HoldsTheLimitsOfHeadAndBody) {
  Site site({.header_bytes = 2000, .body_bytes = 10});
  run_on(site, limits(site));
}

Task<void> lets_a_large_body_finish(Site& site) {
  // More than fits the buffers between the two: the refusal is read all the same.
  std::string answer =
      co_await raw(site, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n" + std::string(3'000'000, 'x'));
  EXPECT_EQ(first_line(answer), "HTTP/1.1 413 Content Too Large");
}

TEST(HttpServer, ARefusedUploadStillReadsItsAnswer) {
  Site site({.body_bytes = 10});
  run_on(site, lets_a_large_body_finish(site));
}

Task<void> slow_head(Site& site) {
  RawPeer body(site.loop.get_executor());
  co_await body.connect(site.port);
  co_await body.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\na");
  std::string head = co_await raw(site, "GET / HT");
  EXPECT_EQ(first_line(head), "HTTP/1.1 408 Request Timeout");
  std::string answer = co_await body.read_all();
  EXPECT_EQ(first_line(answer), "HTTP/1.1 408 Request Timeout");
  std::string nothing = co_await raw(site, "");
  EXPECT_EQ(nothing, "");
}

TEST(HttpServer, GivesUpOnSlowRequests) {
  Site site({.head_seconds = 1});
  run_on(site, slow_head(site));
}

Task<void> idle(Site& site) {
  std::string answer = co_await raw(site, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");  // ends by the idle limit
  EXPECT_EQ(first_line(answer), "HTTP/1.1 200 OK");
  EXPECT_EQ(count(answer, "HTTP/1.1 "), 1u);
}

TEST(HttpServer, ClosesAnIdleConnectionSilently) {
  Site site({.idle_seconds = 1});
  run_on(site, idle(site));
}

Task<void> too_many(Site& site) {
  RawPeer first(site.loop.get_executor());
  co_await first.connect(site.port);
  co_await first.send("GET /one HTTP/1.1\r\nHost: h\r\n\r\n");
  std::string served = co_await first.read_until("127.0.0.1");
  EXPECT_EQ(first_line(served), "HTTP/1.1 200 OK");
  std::string refused = co_await raw(site, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(first_line(refused), "HTTP/1.1 503 Service Unavailable");
  EXPECT_NE(refused.find("Retry-After: "), std::string::npos);
  first.close();
  for (std::string answer = refused; first_line(answer) != "HTTP/1.1 200 OK";)  // the place is free again
    answer = co_await raw(site, std::string("GET / HTTP/1.1\r\n") + kClose);
}

TEST(HttpServer, TurnsConnectionsOverTheLimitAway) {
  Site site({.connections = 1});
  run_on(site, too_many(site));
}

}  // namespace
}  // namespace paastech::net
