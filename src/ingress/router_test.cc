// The data path over real sockets: routing, framing, keep-alive, upgrades, answers of our own.
#include "ingress/test_support.h"

namespace paastech::ingress::testing_support {
namespace {

class RouterTest : public RouterFixture {};

// Sends raws[n] for a request of "/n", then closes.
TestBackend::Serve raw_answers(std::vector<std::string> raws) {
  return [raws = std::move(raws)](Wire& wire) {
    const Message request = read_message(wire);
    const std::size_t at = request.head.find(" /");
    if (at != std::string::npos) wire.send(raws.at(static_cast<std::size_t>(std::atoi(request.head.c_str() + at + 2))));
  };
}

std::string echo(const Message& request) { return ok(request.head + "|" + request.body); }

TEST_F(RouterTest, RoutesByHostAndAddsForwardingHeaders) {
  TestBackend app(answering(echo));
  start();
  ASSERT_TRUE(publish({backend(app.port())}).ok());
  const Message reply = fetch("GET /a?b HTTP/1.1\r\nHost: APP.test.:8080\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n");
  EXPECT_EQ(reply.status(), 200);
  EXPECT_TRUE(reply.body.starts_with("GET /a?b HTTP/1.1\r\nHost: APP.test.:8080\r\n")) << reply.body;
  EXPECT_EQ(header(reply.body, "X-Forwarded-For"), "127.0.0.1");
  EXPECT_EQ(header(reply.body, "X-Request-Id"), header(reply.head, "X-Request-Id"));
  EXPECT_EQ(header(reply.head, "X-Request-Id").size(), 32u);
}

TEST_F(RouterTest, KeepsBothSidesAliveAndServesPipelinedRequests) {
  TestBackend app(answering([](const Message& m) { return ok(m.head.substr(4, 2)); }));
  start();
  ASSERT_TRUE(publish({backend(app.port())}).ok());
  Wire wire = connect();
  std::string all;
  for (int i = 0; i < 10; ++i) all += get("/" + std::to_string(i));
  ASSERT_TRUE(wire.send(all));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(read_message(wire).body, "/" + std::to_string(i));
  wire.send("GET /z HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n");
  const Message last = read_message(wire);
  EXPECT_EQ(header(last.head, "Connection"), "close");
  EXPECT_TRUE(wire.at_end());
  EXPECT_EQ(app.accepted(), 1);
  EXPECT_EQ(statistics().hosts(0).requests(), 11);
}

TEST_F(RouterTest, AnswersItselfForUnknownHostsAndMissingInstances) {
  start();
  ASSERT_TRUE(publish({}).ok());
  Wire wire = connect();
  wire.send("GET / HTTP/1.1\r\nHost: other.test\r\nAccept: text/html\r\n\r\n");
  const Message unknown = read_message(wire);
  EXPECT_EQ(unknown.status(), 404);
  EXPECT_EQ(header(unknown.head, "Content-Type"), "text/html; charset=utf-8");
  EXPECT_NE(unknown.body.find("other.test"), std::string::npos);
  wire.send(get("/", "Accept: application/json\r\n"));  // the connection goes on
  const Message empty = read_message(wire);
  EXPECT_EQ(empty.status(), 503);
  EXPECT_EQ(header(empty.head, "Retry-After"), "5");
  EXPECT_EQ(header(empty.head, "Cache-Control"), "no-store");
  EXPECT_TRUE(empty.body.starts_with("{\"type\":")) << empty.body;
  wire.send("HEAD / HTTP/1.1\r\nHost: app.test\r\n\r\n");
  EXPECT_EQ(read_message(wire, true).status(), 503);
  wire.send(get());
  EXPECT_EQ(read_message(wire).status(), 503) << "a body after HEAD would have been taken for this answer";
  const auto reply = statistics();
  EXPECT_EQ(reply.hosts(0).requests(), 3);
  EXPECT_EQ(reply.hosts(0).failed(), 3);
}

TEST_F(RouterTest, AnswersBadGatewayForADeadInstanceAndTriesAnother) {
  std::uint16_t dead = 0;
  {
    TestBackend gone([](Wire&) {});
    dead = gone.port();
  }
  TestBackend app(saying("alive"));
  start();
  ASSERT_TRUE(publish({backend(dead)}).ok());
  EXPECT_EQ(fetch(get()).status(), 502);
  ASSERT_TRUE(publish({backend(dead), backend(app.port())}).ok());
  for (int i = 0; i < 8; ++i)
    EXPECT_EQ(fetch("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 3\r\n\r\nabc").body, "alive");
}

TEST_F(RouterTest, RepeatsOnlyWhatMayBeRepeatedWhenAnInstanceBreaksOff) {
  std::atomic<int> seen{0};
  TestBackend app([&seen](Wire& wire) {  // every first connection breaks off without a byte
    const Message request = read_message(wire);
    if (!request.head.empty() && ++seen % 2 == 0)
      wire.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecond");
  });
  start();
  ASSERT_TRUE(publish({backend(app.port())}).ok());
  EXPECT_EQ(fetch(get()).body, "second");
  EXPECT_EQ(seen, 2);
  EXPECT_EQ(fetch("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 1\r\n\r\nx").status(), 502);
  EXPECT_EQ(seen, 3) << "a POST was sent twice";
}

TEST_F(RouterTest, SurvivesInstancesThatCloseIdleConnections) {
  TestBackend app([](Wire& wire) {
    if (!read_message(wire).head.empty()) wire.send(ok("once"));  // keep-alive promised, then closed
  });
  start();
  ASSERT_TRUE(publish({backend(app.port())}).ok());
  Wire wire = connect();
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(wire.send(get()));
    ASSERT_EQ(read_message(wire).body, "once") << i;
  }
}

TEST_F(RouterTest, RefusesMalformedAnswersOfInstances) {
  const std::vector<std::string> bad = {
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "hello\r\n\r\n",
      "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Le",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "HTTP/1.1 200 OK\r\nX: " + std::string(40'000, 'a') + "\r\n\r\n",
  };
  TestBackend app(raw_answers(bad));
  start();
  ASSERT_TRUE(publish({backend(app.port())}).ok());
  for (std::size_t i = 0; i < bad.size(); ++i)
    EXPECT_EQ(fetch(get("/" + std::to_string(i))).status(), 502) << bad[i].substr(0, 80);
}

TEST_F(RouterTest, RefusesSmuggledRequestsAndNeverForwardsThem) {
  std::atomic<int> seen{0};
  TestBackend app(answering([&seen](const Message&) {
    ++seen;
    return ok("");
  }));
  start();
  ASSERT_TRUE(publish({backend(app.port())}).ok());
  const std::string host = "Host: app.test\r\n";
  const std::string attacks[] = {
      "POST / HTTP/1.1\r\n" + host +
          "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
      "GET / HTTP/1.1\r\n" + host + "X: a\r\n b\r\n\r\n",
      "GET / HTTP/1.1\n" + host + "\r\n",
      "GET / HTTP/1.1\r\nHost: app.test\r\nHost: other\r\n\r\n",
      "GET http://other.test/ HTTP/1.1\r\n" + host + "\r\n",
      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
  };
  for (const std::string& attack : attacks) {
    Wire wire = connect();
    wire.send(attack);
    EXPECT_EQ(read_message(wire).status(), 400) << attack;
    EXPECT_TRUE(wire.at_end()) << "the connection must end: " << attack;
  }
  EXPECT_EQ(seen, 0);
  EXPECT_EQ(fetch("TRACE / HTTP/1.1\r\n" + host + "\r\n").status(), 405);
  EXPECT_EQ(fetch("GET / HTTP/3.0\r\n" + host + "\r\n").status(), 505);
  EXPECT_EQ(fetch("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n" + host + "\r\n").status(), 414);
  EXPECT_EQ(fetch("GET / HTTP/1.1\r\n" + host + "X: " + std::string(40'000, 'a') + "\r\n\r\n").status(), 431);
  EXPECT_EQ(fetch("GET / HTTP/1.1\r\n" + host + "X: " + std::string(30'000, 'a') + "\r\n\r\n").status(), 200);
}

TEST_F(RouterTest, StreamsLargeBodiesBothWays) {
  TestBackend app(answering(echo));
  start();
  ASSERT_TRUE(publish({backend(app.port())}).ok());
  std::string body(8 << 20, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 2654435761u >> 13);
  for (const bool chunked : {false, true}) {
    Wire wire = connect();
    std::thread sender([&] {
      if (!chunked) {
        wire.send("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                  body);
        return;
      }
      std::string text = "POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n";
      for (std::size_t at = 0, n = 1; at < body.size(); at += n, n = n * 3 % 100'003 + 1) {
        char size[20];
        *std::to_chars(size, size + 18, std::min(n, body.size() - at), 16).ptr = '\0';
        text += size + std::string("\r\n") + body.substr(at, n) + "\r\n";
      }
      wire.send(text + "0\r\nX-Trailer: dropped\r\n\r\n");
    });
    sender.join();
    const Message reply = read_message(wire);
    ASSERT_EQ(reply.status(), 200);
    EXPECT_TRUE(reply.body.substr(reply.body.find("\r\n\r\n|") + 5) == body) << "chunked: " << chunked;
    wire.send(get());
    EXPECT_EQ(read_message(wire).status(), 200);
  }
}

TEST_F(RouterTest, HoldsBackAFastSideForASlowOne) {
  constexpr std::size_t kBody = 64 << 20;
  std::atomic<std::size_t> written{0};
  TestBackend app([&written](Wire& wire) {
    read_message(wire);
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kBody) + "\r\n\r\n");
    const std::string block(1 << 16, 'x');
    while (written < kBody && wire.send(block)) written += block.size();
  });
  start();
  ASSERT_TRUE(publish({backend(app.port())}).ok());
  Wire wire = connect();
  wire.send(get());
  ASSERT_FALSE(wire.until("\r\n\r\n").empty());
  // Nobody reads. The Backend comes to a stop once sockets are full: wait until its count stands still.
  std::size_t before = 1;
  for (int i = 0; i < 100 && before != written; ++i) {
    before = written;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_LT(written, kBody);
  EXPECT_EQ(wire.exactly(kBody).size(), kBody);
}

TEST_F(RouterTest, ReframesResponsesForEachKindOfClient) {
  TestBackend app(raw_answers({"HTTP/1.1 200 OK\r\n\r\nuntil close",
                               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
                               ok("ten")}));
  start();
  ASSERT_TRUE(publish({backend(app.port())}).ok());
  Message reply = fetch(get("/0"));
  EXPECT_EQ(header(reply.head, "Transfer-Encoding"), "chunked");
  EXPECT_EQ(reply.body, "until close");
  Wire old = connect();
  old.send("GET /1 HTTP/1.0\r\nHost: app.test\r\nConnection: keep-alive\r\n\r\n");
  const std::string all = old.all();
  EXPECT_TRUE(all.ends_with("\r\n\r\nabcde")) << all;
  EXPECT_EQ(all.find("Transfer-Encoding"), std::string::npos);
  EXPECT_NE(all.find("Connection: close"), std::string::npos);
  Wire kept = connect();
  for (int i = 0; i < 2; ++i) {
    kept.send("GET /2 HTTP/1.0\r\nHost: app.test\r\nConnection: keep-alive\r\n\r\n");
    reply = read_message(kept);
    EXPECT_EQ(header(reply.head, "Connection"), "keep-alive");
    EXPECT_EQ(reply.body, "ten");
  }
}

TEST_F(RouterTest, CutsAResponseShortWhereTheInstanceDoes) {
  TestBackend app([](Wire& wire) {
    read_message(wire);
    wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  });
  start();
  ASSERT_TRUE(publish({backend(app.port())}).ok());
  EXPECT_EQ(fetch(get()).body, "hello<cut short>");
}

TEST_F(RouterTest, SendsNoBodyWhereThereIsNone) {
  TestBackend app(answering([](const Message& m) {
    if (m.head.starts_with("HEAD")) return std::string("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    if (m.head.starts_with("GET /304")) return std::string("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n");
    return std::string("HTTP/1.1 204 No Content\r\n\r\n");
  }));
  start();
  ASSERT_TRUE(publish({backend(app.port())}).ok());
  Wire wire = connect();
  wire.send("HEAD / HTTP/1.1\r\nHost: app.test\r\n\r\n" + get("/304") + get("/204"));
  Message reply = read_message(wire, true);
  EXPECT_EQ(header(reply.head, "Content-Length"), "5");
  EXPECT_EQ(read_message(wire, true).status(), 304);
  EXPECT_EQ(read_message(wire, true).status(), 204);
  EXPECT_EQ(app.accepted(), 1);
}

TEST_F(RouterTest, PassesInterimResponsesOn) {
  TestBackend app([](Wire& wire) {
    const std::string head = wire.until("\r\n\r\n");
    wire.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    if (header(head, "Expect") == "100-continue") wire.send("HTTP/1.1 100 Continue\r\n\r\n");
    wire.send(ok(wire.exactly(4)));
  });
  start();
  ASSERT_TRUE(publish({backend(app.port())}).ok());
  Wire wire = connect();
  wire.send("POST / HTTP/1.1\r\nHost: app.test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  EXPECT_EQ(header(wire.until("\r\n\r\n"), "Link"), "</a>");
  EXPECT_TRUE(wire.until("\r\n\r\n").starts_with("HTTP/1.1 100 Continue\r\n"));
  wire.send("body");
  EXPECT_EQ(read_message(wire).body, "body");
}

TEST_F(RouterTest, WhoAsksWhetherItsBodyIsWantedIsNotTooSlowUntilItIsTold) {
  TestBackend app([](Wire& wire) {
    const std::string head = wire.until("\r\n\r\n");
    if (head.find("POST /never") == 0) {
      wire.all();
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(400));  // longer than the grace
    wire.send("HTTP/1.1 100 Continue\r\n\r\n");
    // It serves one request a connection and says so: the next must not come on one that is about to close.
    if (wire.exactly(4) == "body") wire.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\ntaken");
  });
  RouterOptions options;
  options.limits.body_grace_ms = 200;
  options.limits.response_timeout_ms = 1500;
  start(options);
  ASSERT_TRUE(publish({backend(app.port())}).ok());
  const auto ask = [&](const std::string& path) {
    Wire wire = connect();
    wire.send("POST " + path + " HTTP/1.1\r\nHost: app.test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    return wire;
  };
  Wire polite = ask("/");
  EXPECT_EQ(polite.until("\r\n\r\n").substr(0, 12), "HTTP/1.1 100");
  polite.send("body");
  EXPECT_EQ(read_message(polite).status(), 200);
  Wire late = ask("/");
  ASSERT_FALSE(late.until("\r\n\r\n").empty());
  EXPECT_EQ(read_message(late).status(), 408) << "once it was told, its time runs";
  Wire unheard = ask("/never");
  EXPECT_EQ(read_message(unheard).status(), 504) << "the Application is who was too slow";
}

TEST_F(RouterTest, AnswersEarlyRefusalsOfUploads) {
  TestBackend app([](Wire& wire) {
    wire.until("\r\n\r\n");
    wire.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig");
  });
  start();
  ASSERT_TRUE(publish({backend(app.port())}).ok());
  Wire wire = connect();
  wire.send("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 100000000\r\n\r\n" + std::string(100'000, 'x'));
  const Message reply = read_message(wire);
  EXPECT_EQ(reply.status(), 413);
  EXPECT_EQ(reply.body, "big");
  EXPECT_EQ(header(reply.head, "Connection"), "close");
}

TEST_F(RouterTest, TunnelsUpgradedConnections) {
  TestBackend app([](Wire& wire) {
    const std::string head = wire.until("\r\n\r\n");
    if (header(head, "Upgrade") != "websocket" || header(head, "Connection") != "Upgrade") {
      wire.send(ok("plain"));
      return;
    }
    wire.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nfirst ");
    for (std::string text = wire.exactly(4); !text.empty(); text = wire.exactly(4)) wire.send("<" + text + ">");
    wire.send("bye");
  });
  start();
  ASSERT_TRUE(publish({backend(app.port())}).ok());
  Wire wire = connect();
  wire.send(get("/", "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n") + "ab");
  const std::string head = wire.until("\r\n\r\n");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 101 "));
  EXPECT_EQ(header(head, "Upgrade"), "websocket");
  EXPECT_EQ(wire.exactly(6), "first ");
  wire.send("cd");
  EXPECT_EQ(wire.exactly(6), "<abcd>");
  wire.send("1234");
  EXPECT_EQ(wire.exactly(6), "<1234>");
  wire.half_close();
  EXPECT_EQ(wire.all(), "bye");
  EXPECT_EQ(fetch(get("/", "Connection: Upgrade\r\nUpgrade: h2c\r\n")).body, "plain") << "h2c would pass every rule by";
}

TEST_F(RouterTest, FinishesWhatIsInFlightWhenStopped) {
  std::atomic<bool> in{false};
  std::atomic<bool> go{false};
  TestBackend app(answering([&](const Message&) {
    in = true;
    while (!go) std::this_thread::yield();
    return ok("late");
  }));
  start();
  ASSERT_TRUE(publish({backend(app.port())}).ok());
  Wire idle = connect();
  Wire wire = connect();
  wire.send(get());
  while (!in) std::this_thread::yield();
  std::thread stopper([this] { router_->stop(); });
  EXPECT_TRUE(idle.at_end()) << "an idle connection is closed at once";
  go = true;
  const Message reply = read_message(wire);
  EXPECT_EQ(reply.body, "late");
  EXPECT_EQ(header(reply.head, "Connection"), "close");
  stopper.join();
}

}  // namespace
}  // namespace paastech::ingress::testing_support
