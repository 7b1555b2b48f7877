#include "ingress/head_writer.h"

#include <gtest/gtest.h>

#include <string>

#include "base/address.h"
#include "ingress/pages.h"
#include "ingress/timer_wheel.h"

namespace paastech::ingress {
namespace {

std::string forwarded(const std::string& text, Forwarding forwarding = {}) {
  RequestHead head;
  EXPECT_EQ(parse_request(text, head).status, 0);
  if (forwarding.peer.empty()) forwarding.peer = "10.1.2.3";
  forwarding.request_id = "id";
  BufferPool pool;
  Buffer out(pool);
  write_request_head(out, head, forwarding);
  return std::string(out.view());
}

TEST(ForwardedRequest, SaysWhoAskedAndDropsWhatAVisitorClaims) {
  const std::string text =
      "GET /x HTTP/1.1\r\nHost: App.test:8080\r\nX-Forwarded-For: 6.6.6.6\r\nForwarded: "
      "for=6.6.6.6\r\nX-Forwarded-Proto: "
      "https\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Ssl: on\r\nX-Real-IP: 6.6.6.6\r\nX-Request-Id: theirs\r\n"
      "X_Forwarded_For: 6.6.6.6\r\nCookie: a=b\r\n\r\n";
  EXPECT_EQ(forwarded(text),
            "GET /x HTTP/1.1\r\nHost: App.test:8080\r\nCookie: a=b\r\nX-Forwarded-For: 10.1.2.3\r\nX-Forwarded-Proto: "
            "http\r\nX-Forwarded-Host: App.test:8080\r\nX-Forwarded-Port: 8080\r\nForwarded: for=10.1.2.3;"
            "host=\"App.test:8080\";proto=http\r\nX-Request-Id: id\r\n\r\n");
}

TEST(ForwardedRequest, KeepsWhatATrustedProxySays) {
  Forwarding trusted;
  trusted.peer = "::1";
  trusted.peer_trusted = true;
  const std::string text =
      "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\n"
      "Forwarded: for=1.1.1.1\r\n\r\n";
  EXPECT_EQ(forwarded(text, trusted),
            "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\n"
            "X-Forwarded-For: 1.1.1.1, ::1\r\nX-Forwarded-Host: a\r\nForwarded: for=1.1.1.1, for=\"[::1]\";host=\"a\";"
            "proto=http\r\nX-Request-Id: id\r\n\r\n");
}

TEST(ForwardedRequest, LosesHopByHopFields) {
  const std::string out = forwarded(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Mine, host, X-Forwarded-For\r\nKeep-Alive: timeout=5\r\n"
      "X-Mine: 1\r\nx-mine: 2\r\nProxy-Connection: close\r\nProxy-Authorization: x\r\nProxy: x\r\nTE: "
      "trailers\r\nTrailer: x\r\n"
      "Upgrade: foo\r\nX-Kept: 3\r\n\r\n");
  EXPECT_TRUE(out.starts_with("GET / HTTP/1.1\r\nHost: a\r\nX-Kept: 3\r\nX-Forwarded-For: 10.1.2.3\r\n")) << out;
  EXPECT_EQ(out.find("onnection"), std::string::npos) << out;
}

TEST(ForwardedRequest, FramesTheBodyAnew) {
  Forwarding chunked;
  chunked.framing = Framing::kChunked;
  const std::string out =
      forwarded("POST http://a?q HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ChunkeD\r\n\r\n", chunked);
  EXPECT_TRUE(out.starts_with("POST /?q HTTP/1.1\r\nHost: a\r\n")) << out;
  EXPECT_NE(out.find("\r\nTransfer-Encoding: chunked\r\n"), std::string::npos) << out;
  EXPECT_EQ(out.find("ChunkeD"), std::string::npos) << out;
}

TEST(Page, SpeaksTheFormatTheVisitorAccepts) {
  EXPECT_EQ(page_kind("text/html,application/xhtml+xml,*/*;q=0.8"), PageKind::kHtml);
  EXPECT_EQ(page_kind("application/json"), PageKind::kJson);
  EXPECT_EQ(page_kind("*/*"), PageKind::kText);
  EXPECT_EQ(page_kind(""), PageKind::kText);
}

TEST(Page, EscapesWhatItShowsAndStatesItsLength) {
  BufferPool pool;
  for (const PageKind kind : {PageKind::kHtml, PageKind::kJson, PageKind::kText}) {
    Buffer out(pool);
    Page page;
    page.status = 404;
    page.host = "<b>\"&";
    page.request_id = "r1";
    page.kind = kind;
    write_page(out, page);
    const std::string text(out.view());
    const std::size_t body = text.find("\r\n\r\n") + 4;
    EXPECT_NE(text.find("Content-Length: " + std::to_string(text.size() - body) + "\r\n"), std::string::npos) << text;
    EXPECT_NE(text.find("Cache-Control: no-store\r\n"), std::string::npos);
    if (kind == PageKind::kHtml) {
      EXPECT_NE(text.find("&lt;b&gt;&quot;&amp;"), std::string::npos) << text;
    }
    if (kind == PageKind::kJson) {
      EXPECT_NE(text.find("<b>\\\"&"), std::string::npos) << text;
    }
  }
}

TEST(Address, IsPublicWhereAnyoneCanReachIt) {
  for (const char* there : {"1.1.1.1", "172.32.0.1", "100.128.0.1", "192.0.1.1", "2606:4700::1111", "::ffff:1.1.1.1"})
    EXPECT_TRUE(is_public(*parse_address(there, 0))) << there;
  for (const char* here : {"0.0.0.0",
                           "10.1.2.3",
                           "100.64.0.1",
                           "127.0.0.2",
                           "169.254.169.254",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.168.0.1",
                           "198.19.0.1",
                           "224.0.0.1",
                           "255.255.255.255",
                           "::",
                           "::1",
                           "fe80::1",
                           "fd00::1",
                           "ff02::1",
                           "::ffff:10.0.0.1",
                           "64:ff9b::a00:1",
                           "2002:a00:1::",
                           "::a00:1"})
    EXPECT_FALSE(is_public(*parse_address(here, 0))) << here;
}

TEST(CidrList, KnowsItsNetworks) {
  const auto list = CidrList::parse("10.0.0.0/8, 192.168.1.7 fd00::/9");
  ASSERT_TRUE(list);
  const auto has = [&](const char* text) { return list->contains(*parse_address(text, 0)); };
  for (const char* in : {"10.0.0.1", "10.255.0.1", "192.168.1.7", "fd7f::1", "::ffff:10.1.1.1"})
    EXPECT_TRUE(has(in)) << in;
  for (const char* out : {"11.0.0.1", "192.168.1.8", "fd80::1", "::1"}) EXPECT_FALSE(has(out)) << out;
  EXPECT_FALSE(CidrList::parse("10.0.0.0/33"));
  EXPECT_FALSE(CidrList::parse("10.0.0.0/x"));
  EXPECT_FALSE(CidrList::parse("example.org"));
  EXPECT_FALSE(CidrList().contains(*parse_address("127.0.0.1", 0)));
}

TEST(TimerWheel, FiresEachDeadlineOnceAndNotEarly) {
  TimerWheel wheel(1'000'000);
  std::array<TimerNode, 4> nodes;
  wheel.set(nodes[0], 1'000'250);
  wheel.set(nodes[1], 1'000'250);
  wheel.set(nodes[2], 1'500'000);  // beyond one round
  wheel.set(nodes[3], 1'060'000);
  wheel.set(nodes[3], 1'000'900);  // sooner
  wheel.set(nodes[1], 1'030'000);  // later
  std::vector<std::pair<std::int64_t, std::size_t>> fired;
  for (std::int64_t now = 1'000'000; now <= 1'600'000; now += 50)
    wheel.advance(now,
                  [&](TimerNode& node) { fired.emplace_back(now, static_cast<std::size_t>(&node - nodes.data())); });
  const std::vector<std::pair<std::int64_t, std::size_t>> expected = {
      {1'000'300, 0}, {1'000'900, 3}, {1'030'000, 1}, {1'500'000, 2}};
  EXPECT_EQ(fired, expected);
  EXPECT_TRUE(wheel.empty());
}

TEST(TimerWheel, LetsAFiringTimerRemoveAnother) {
  TimerWheel wheel(0);
  TimerNode first;
  TimerNode second;
  wheel.set(first, 500);
  wheel.set(second, 500);
  int fired = 0;
  wheel.advance(1000, [&](TimerNode& node) {
    ++fired;
    wheel.remove(&node == &first ? second : first);
  });
  EXPECT_EQ(fired, 1);
}

}  // namespace
}  // namespace paastech::ingress
