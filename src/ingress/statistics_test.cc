// What the router counts of each Project, for metrics and /metrics.
#include "ingress/table.h"
#include "ingress/test_support.h"

namespace paastech::ingress::testing_support {
namespace {

using Counts = std::vector<std::int64_t>;

TEST(LatencyBucket, HoldsWhatIsAtMostItsBound) {
  EXPECT_EQ(latency_bucket(0), 0U);
  EXPECT_EQ(latency_bucket(500), 0U);
  for (std::size_t i = 0; i + 1 < kLatencyBuckets; ++i) {
    const std::int64_t bound = std::int64_t{500} << i;
    EXPECT_EQ(latency_bucket(bound), i);
    EXPECT_EQ(latency_bucket(bound + 1), i + 1);
  }
  EXPECT_EQ(latency_bucket(std::int64_t{1} << 50), kLatencyBuckets - 1);
  EXPECT_EQ(latency_bucket(-1), 0U) << "a clock that stands";
}

class RouterStatistics : public RouterFixture {
 protected:
  router::v1::HostStatistics figures() {
    const router::v1::StatisticsReply reply = statistics();
    EXPECT_EQ(reply.hosts_size(), 1);
    return reply.hosts_size() == 1 ? reply.hosts(0) : router::v1::HostStatistics();
  }
  static Counts classes(const router::v1::HostStatistics& of) { return {of.by_class().begin(), of.by_class().end()}; }
  static std::int64_t timed(const router::v1::HostStatistics& of) {
    std::int64_t sum = 0;
    for (const std::int64_t n : of.by_latency()) sum += n;
    return sum;
  }
};

TEST_F(RouterStatistics, CountsAnswersByClassWhoeverMadeThem) {
  TestBackend app(answering([](const Message& request) -> std::string {
    if (request.head.starts_with("GET /missing")) return "HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno";
    if (request.head.starts_with("GET /moved")) return "HTTP/1.1 302 Moved\r\nContent-Length: 0\r\n\r\n";
    if (request.head.starts_with("GET /early"))
      return "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    if (request.head.starts_with("GET /broken")) return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
    return ok("hello");
  }));
  start();
  ASSERT_TRUE(publish({}).ok());
  EXPECT_EQ(statistics().hosts_size(), 0) << "nobody asked for it yet";
  EXPECT_EQ(fetch(get()).status(), 503);
  EXPECT_EQ(classes(figures()), Counts({0, 0, 0, 0, 1}));
  EXPECT_EQ(figures().by_latency_size(), static_cast<int>(kLatencyBuckets));
  EXPECT_EQ(timed(figures()), 0) << "no Instance was asked";
  ASSERT_TRUE(publish({backend(app.port())}).ok());
  EXPECT_EQ(fetch(get()).status(), 200);
  EXPECT_EQ(fetch(get("/moved")).status(), 302);
  EXPECT_EQ(fetch(get("/missing")).status(), 404);
  Wire wire = connect();
  wire.send(get("/early"));
  EXPECT_EQ(read_message(wire, true).status(), 103);
  EXPECT_EQ(read_message(wire).status(), 200);
  EXPECT_EQ(fetch(get("/broken")).status(), 502) << "counted once, as what the visitor saw";
  const router::v1::HostStatistics all = figures();
  EXPECT_EQ(classes(all), Counts({0, 2, 1, 1, 2}));
  EXPECT_EQ(all.requests(), 6);
  EXPECT_EQ(all.failed(), 2);
  EXPECT_EQ(timed(all), 5);
  ASSERT_TRUE(publish({}).ok());
  EXPECT_EQ(fetch(get()).status(), 503);
  EXPECT_EQ(classes(figures()), Counts({0, 2, 1, 1, 3})) << "figures go on where they were";
}

TEST_F(RouterStatistics, TimesFromHeadToHead) {
  using Clock = std::chrono::steady_clock;
  std::atomic<std::int64_t> waited_us{0};
  TestBackend app([&waited_us](Wire& wire) {
    while (!read_message(wire).head.empty()) {
      const auto began = Clock::now();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the time that is to be seen
      waited_us += std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began).count();
      wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
      wire.send("hi");
    }
  });
  start();
  ASSERT_TRUE(publish({backend(app.port())}).ok());
  EXPECT_EQ(fetch(get()).body, "hi");
  const router::v1::HostStatistics all = figures();
  // The loop reads its clock once a turn: what came up to a turn earlier counts from the turn on.
  EXPECT_GE(all.latency_us() + 2'000, waited_us);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(all.by_latency(i), 0) << "at most 16 ms: bucket " << i;
  EXPECT_EQ(timed(all), 1);
}

TEST_F(RouterStatistics, CountsBodiesAndWhatGoesThroughTunnels) {
  TestBackend app([](Wire& wire) {
    const Message request = read_message(wire);
    if (header(request.head, "Upgrade").empty()) {
      wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
      return;
    }
    wire.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n12");
    wire.exactly(5);
    wire.send("34");
  });
  start();
  ASSERT_TRUE(publish({backend(app.port())}).ok());
  Wire wire = connect();
  wire.send("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 6\r\n\r\n");
  wire.send("sixsix");
  EXPECT_EQ(read_message(wire).body, "abcdefg");
  router::v1::HostStatistics all = figures();
  EXPECT_EQ(all.received_bytes(), 6);
  EXPECT_EQ(all.sent_bytes(), 7);
  wire.send(get("/", "Connection: upgrade\r\nUpgrade: x\r\n"));
  EXPECT_FALSE(wire.until("\r\n\r\n12").empty());
  wire.send("fives");
  EXPECT_EQ(wire.exactly(2), "34");
  all = figures();
  EXPECT_EQ(all.received_bytes(), 11);
  EXPECT_EQ(all.sent_bytes(), 11);
  EXPECT_EQ(classes(all), Counts({1, 1, 0, 0, 0}));
}

}  // namespace
}  // namespace paastech::ingress::testing_support
