// The control contract: publishing, cut-over under load, draining, persistence; and the limits of time.
#include <filesystem>

#include "base/files.h"
#include "base/folders.h"
#include "ingress/test_support.h"

namespace paastech::ingress::testing_support {
namespace {

class RouterControl : public RouterFixture {};

TEST_F(RouterControl, CutsOverUnderLoadWithoutAFailedRequest) {
  auto app = std::make_unique<TestBackend>(saying("0"));
  start();
  ASSERT_TRUE(publish({backend(app->port(), 0)}).ok());
  std::atomic<bool> done{false};
  std::atomic<int> failed{0};
  std::atomic<int> served{0};
  std::vector<std::thread> visitors;
  for (int i = 0; i < 6; ++i) {
    visitors.emplace_back([&, post = i % 2 == 1] {
      Wire wire = connect();  // one connection for the whole test
      while (!done) {
        wire.send(post ? "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 2\r\n\r\nhi" : get());
        read_message(wire).status() == 200 ? ++served : ++failed;
      }
    });
  }
  for (int version = 1; version <= 20; ++version) {
    auto next = std::make_unique<TestBackend>(saying(std::to_string(version)));
    const int before = served;
    while (served < before + 20 && failed == 0) std::this_thread::yield();
    ASSERT_TRUE(publish({backend(next->port(), version)}).ok());
    EXPECT_EQ(fetch(get()).body, std::to_string(version)) << "acknowledged means served by the new one";
    EXPECT_EQ(drain({backend(app->port(), version - 1)}, 10'000), 0);
    app = std::move(next);  // the old one is gone, connections and all
  }
  done = true;
  for (std::thread& visitor : visitors) visitor.join();
  EXPECT_EQ(failed, 0);
  EXPECT_GT(served, 400);
}

TEST_F(RouterControl, DrainWaitsForRequestsInFlightAndSendsNoNewOnes) {
  std::atomic<bool> in{false};
  std::atomic<bool> go{false};
  TestBackend old_app(answering([&](const Message&) {
    in = true;
    while (!go) std::this_thread::yield();
    return ok("old");
  }));
  TestBackend new_app(saying("new"));
  start();
  ASSERT_TRUE(publish({backend(old_app.port(), 1)}).ok());
  Wire wire = connect();
  wire.send(get());
  while (!in) std::this_thread::yield();
  ASSERT_TRUE(publish({backend(new_app.port(), 2)}).ok());
  EXPECT_EQ(fetch(get()).body, "new");
  EXPECT_EQ(drain({backend(old_app.port(), 1)}, 30), 1) << "one request is still there when the time is over";
  std::thread finish([&] { go = true; });
  EXPECT_EQ(drain({backend(old_app.port(), 1)}, 10'000), 0);
  finish.join();
  EXPECT_EQ(read_message(wire).body, "old");
  wire.send(get());
  EXPECT_EQ(read_message(wire).body, "new") << "the visitor's connection goes on with the new one";
  EXPECT_EQ(drain({backend(1, 77)}, 10'000), 0) << "an unknown Backend is drained";
}

TEST_F(RouterControl, CountsTunnelsAsInFlight) {
  TestBackend app([](Wire& wire) {
    wire.until("\r\n\r\n");
    wire.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n");
    wire.all();
  });
  start();
  ASSERT_TRUE(publish({backend(app.port())}).ok());
  {
    Wire wire = connect();
    wire.send(get("/", "Connection: upgrade\r\nUpgrade: x\r\n"));
    ASSERT_FALSE(wire.until("\r\n\r\n").empty());
    ASSERT_TRUE(publish({}).ok());
    EXPECT_EQ(drain({backend(app.port())}, 20), 1);
  }
  EXPECT_EQ(drain({backend(app.port())}, 10'000), 0) << "gone with the visitor";
}

TEST_F(RouterControl, ClosesIdleConnectionsToRemovedInstances) {
  std::atomic<int> open{0};
  TestBackend app([&open](Wire& wire) {
    ++open;
    while (!read_message(wire).head.empty()) wire.send(ok("x"));
    --open;
  });
  start();
  ASSERT_TRUE(publish({backend(app.port())}).ok());
  EXPECT_EQ(fetch(get()).body, "x");
  ASSERT_EQ(open, 1);
  ASSERT_TRUE(publish({}).ok());
  for (int i = 0; i < 1000 && open > 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(open, 0);
}

TEST_F(RouterControl, RefusesOlderAndMalformedTables) {
  start();
  ASSERT_TRUE(publish({}, 10).ok());
  EXPECT_EQ(publish({}, 9).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_TRUE(publish({}, 10).ok());
  router::v1::Backend named;
  named.set_address("localhost");
  named.set_port(80);
  EXPECT_EQ(publish({named}, 11).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(statistics().table_version(), 10);
  router::v1::RouteTable table;
  table.set_version(12);
  table.add_routes()->set_host("Upper.test");
  EXPECT_EQ(publish_table(table).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(RouterControl, ServesFromTheKeptTableAfterARestart) {
  const TemporaryFolder folder = TemporaryFolder::make("paastech-router").value();
  const std::filesystem::path& home = folder.path();
  TestBackend app(saying("kept"));
  RouterOptions options;
  options.table_file = home / "routes.bin";
  start(options);
  ASSERT_TRUE(publish({backend(app.port())}, 5).ok());
  stop();
  start(options);
  EXPECT_EQ(fetch(get()).body, "kept");
  EXPECT_EQ(publish({}, 4).error_code(), grpc::StatusCode::FAILED_PRECONDITION) << "the version is kept, too";
  stop();
  ASSERT_TRUE(write_file(options.table_file, "\xff\xff damaged"));
  start(options);
  EXPECT_EQ(fetch(get()).status(), 404) << "a damaged file must not keep the router down";
  EXPECT_TRUE(publish({backend(app.port())}, 6).ok());
  EXPECT_EQ(fetch(get()).body, "kept");
}

// What the host leads to, as a change of the table `based_on`; no Backend: the Project is gone.
router::v1::RouteTable change_of(const std::string& host, std::int64_t based_on,
                                 const std::vector<router::v1::Backend>& backends) {
  router::v1::RouteTable out;
  out.set_version(based_on + 1);
  out.set_based_on(based_on);
  out.add_projects(host);
  if (backends.empty()) return out;
  router::v1::Route& route = *out.add_routes();
  route.set_host(host);
  route.set_project(host);
  for (const router::v1::Backend& each : backends) *route.add_backends() = each;
  return out;
}

std::string get_from(const std::string& host) { return "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n"; }

TEST_F(RouterControl, AChangeReplacesTheRoutesOfItsProjectsAndLeavesTheOthers) {
  TestBackend app(saying("app"));
  TestBackend other(saying("other"));
  TestBackend next(saying("next"));
  start();
  ASSERT_TRUE(publish({backend(app.port())}, 5).ok());
  ASSERT_TRUE(publish_table(change_of("other.test", 5, {backend(other.port(), 1)})).ok());
  EXPECT_EQ(fetch(get_from("other.test")).body, "other");
  EXPECT_EQ(fetch(get()).body, "app") << "of another Project";
  ASSERT_TRUE(publish_table(change_of("other.test", 6, {backend(next.port(), 2)})).ok());
  EXPECT_EQ(fetch(get_from("other.test")).body, "next");
  EXPECT_EQ(drain({backend(other.port(), 1)}, 10'000), 0);
  ASSERT_TRUE(publish_table(change_of("other.test", 7, {})).ok());
  EXPECT_EQ(fetch(get_from("other.test")).status(), 404);
  EXPECT_EQ(fetch(get()).body, "app");
  EXPECT_EQ(statistics().table_version(), 8);
}

TEST_F(RouterControl, RefusesAChangeOfAnotherTableAndOneThatTakesAnothersHost) {
  TestBackend app(saying("app"));
  start();
  ASSERT_TRUE(publish({backend(app.port())}, 5).ok());
  EXPECT_EQ(publish_table(change_of("other.test", 4, {backend(app.port())})).error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(publish_table(change_of("other.test", 6, {backend(app.port())})).error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
  router::v1::RouteTable theft = change_of("app.test", 5, {backend(app.port())});
  theft.set_projects(0, "other");
  theft.mutable_routes(0)->set_project("other");
  EXPECT_EQ(publish_table(theft).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(fetch(get()).body, "app");
}

TEST_F(RouterControl, ServesFromTheKeptChangesAfterARestart) {
  const TemporaryFolder folder = TemporaryFolder::make("paastech-router").value();
  const std::filesystem::path& home = folder.path();
  TestBackend app(saying("app"));
  TestBackend other(saying("other"));
  RouterOptions options;
  options.table_file = home / "routes.bin";
  const std::filesystem::path changes = home / "routes.bin.changes";
  start(options);
  ASSERT_TRUE(publish({backend(app.port())}, 5).ok());
  ASSERT_TRUE(publish_table(change_of("other.test", 5, {backend(other.port())})).ok());
  ASSERT_TRUE(publish_table(change_of("third.test", 6, {backend(other.port())})).ok());
  stop();
  const auto whole = std::filesystem::file_size(changes);
  start(options);
  EXPECT_EQ(fetch(get_from("third.test")).body, "other");
  EXPECT_EQ(statistics().table_version(), 7);
  stop();
  std::filesystem::resize_file(changes, whole - 1);
  start(options);
  EXPECT_EQ(fetch(get_from("other.test")).body, "other");
  EXPECT_EQ(fetch(get_from("third.test")).status(), 404) << "its record is torn";
  EXPECT_EQ(publish_table(change_of("third.test", 6, {backend(other.port())})).error_code(),
            grpc::StatusCode::FAILED_PRECONDITION)
      << "it could not be read again behind a torn one";
  ASSERT_TRUE(publish({backend(app.port())}, 8).ok());
  EXPECT_FALSE(std::filesystem::exists(changes));
  EXPECT_EQ(fetch(get_from("other.test")).status(), 404);
  EXPECT_TRUE(publish_table(change_of("other.test", 8, {backend(other.port())})).ok());
}

TEST_F(RouterControl, WantsTheWholeTableOnceTheChangesAreLongerThanIt) {
  const TemporaryFolder folder = TemporaryFolder::make("paastech-router").value();
  const std::filesystem::path& home = folder.path();
  TestBackend app(saying("app"));
  RouterOptions options;
  options.table_file = home / "routes.bin";
  start(options);
  ASSERT_TRUE(publish({backend(app.port())}, 1).ok());
  std::int64_t version = 1;
  grpc::Status last;
  while (last.ok() && version < 10'000) last = publish_table(change_of("other.test", version++, {backend(app.port())}));
  EXPECT_EQ(last.error_code(), grpc::StatusCode::FAILED_PRECONDITION) << version;
  EXPECT_LT(std::filesystem::file_size(home / "routes.bin.changes"), 2 * 65'536);
  EXPECT_TRUE(publish({backend(app.port())}, version).ok());
  EXPECT_TRUE(publish_table(change_of("other.test", version, {backend(app.port())})).ok());
}

TEST_F(RouterControl, SaysWhichPortIsTaken) {
  start();
  RouterOptions options;
  options.address = "127.0.0.1";
  options.port = router_->port();
  const auto second = Router::start(options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kAlreadyExists);
  EXPECT_NE(second.error().message.find(std::to_string(options.port)), std::string::npos);
}

TEST_F(RouterControl, SharesRequestsAmongInstances) {
  std::atomic<int> first{0};
  std::atomic<int> second{0};
  const auto counting = [](std::atomic<int>& n) {
    return answering([&n](const Message&) {
      ++n;
      return ok("");
    });
  };
  TestBackend a(counting(first));
  TestBackend b(counting(second));
  start();
  ASSERT_TRUE(publish({backend(a.port()), backend(b.port())}).ok());
  Wire wire = connect();
  for (int i = 0; i < 40; ++i) {
    wire.send(get());
    ASSERT_EQ(read_message(wire).status(), 200);
  }
  EXPECT_EQ(first + second, 40);
  EXPECT_GE(std::min(first, second), 10);
}

TEST_F(RouterControl, BoundsTheTimeOfEachPhase) {
  TestBackend app([](Wire& wire) {
    const std::string head = wire.until("\r\n\r\n");
    if (head.find("GET /stall") == 0) wire.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab");
    wire.all();  // and says nothing more
  });
  RouterOptions options;
  options.limits.head_timeout_ms = options.limits.idle_timeout_ms = 300;
  options.limits.response_timeout_ms = options.limits.stall_timeout_ms = 300;
  start(options);
  ASSERT_TRUE(publish({backend(app.port())}).ok());
  Wire half = connect();
  half.send("GET / HTTP/1.1\r\nHost: ap");
  EXPECT_EQ(read_message(half).status(), 408);
  EXPECT_TRUE(half.at_end());
  Wire silent = connect();
  EXPECT_TRUE(silent.at_end());
  EXPECT_EQ(fetch(get("/slow")).status(), 504);
  EXPECT_EQ(fetch("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 9\r\n\r\nab").status(), 408);
  Wire stalled = connect();
  stalled.send(get("/stall"));
  ASSERT_FALSE(stalled.until("\r\n\r\nab").empty());
  EXPECT_TRUE(stalled.at_end());
  Wire idle = connect();
  idle.send("GET / HTTP/1.1\r\nHost: unknown\r\n\r\n");
  EXPECT_EQ(read_message(idle).status(), 404);
  EXPECT_TRUE(idle.at_end());
}

TEST_F(RouterControl, ABodyOfAFewBytesASecondIsGivenUpAlthoughItKeepsComing) {
  TestBackend app([](Wire& wire) {
    const std::string head = wire.until("\r\n\r\n");
    if (head.find("POST /echo") == 0) wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string rest = wire.until("last");
    if (head.find("POST /echo") == 0) wire.send("4\r\n" + rest.substr(rest.size() - 4) + "\r\n0\r\n\r\n");
  });
  RouterOptions options;
  options.limits.body_grace_ms = 300;
  start(options);
  ASSERT_TRUE(publish({backend(app.port())}).ok());
  const auto drip = [](Wire& wire) {  // some 20 bytes a second, for longer than the grace
    for (int i = 0; i < 20; ++i) {
      wire.send("x");
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  };
  Wire slow = connect();
  slow.send("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 1000\r\n\r\n");
  drip(slow);
  EXPECT_EQ(read_message(slow).status(), 408);
  EXPECT_TRUE(slow.at_end());
  Wire both = connect();  // an Application that answers while it listens may be told little at a time
  both.send("POST /echo HTTP/1.1\r\nHost: app.test\r\nContent-Length: 24\r\n\r\n");
  ASSERT_FALSE(both.until("\r\n\r\n").empty());
  drip(both);
  both.send("last");
  EXPECT_EQ(both.until("0\r\n\r\n"), "4\r\nlast\r\n0\r\n\r\n");
}

TEST_F(RouterControl, ServesOthersBesideManySlowVisitors) {
  TestBackend app(saying("fast"));
  RouterOptions options;
  options.loops = 1;
  start(options);
  ASSERT_TRUE(publish({backend(app.port())}).ok());
  std::list<Wire> slow;
  for (int i = 0; i < 2000; ++i) {
    slow.push_back(connect());
    slow.back().send("GET / HT");
  }
  const auto begin = std::chrono::steady_clock::now();
  Wire wire = connect();
  for (int i = 0; i < 200; ++i) {
    for (int drip = 0; drip < 10; ++drip) {
      slow.front().send("x");
      slow.splice(slow.end(), slow, slow.begin());
    }
    wire.send(get());
    ASSERT_EQ(read_message(wire).body, "fast");
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  EXPECT_EQ(statistics().open_connections(), 2001);
}

TEST_F(RouterControl, LimitsRequestBodiesWhereAskedTo) {
  TestBackend app(saying("took it"));
  RouterOptions options;
  options.limits.max_body = 10;
  start(options);
  ASSERT_TRUE(publish({backend(app.port())}).ok());
  const std::string start_line = "POST / HTTP/1.1\r\nHost: app.test\r\n";
  EXPECT_EQ(fetch(start_line + "Content-Length: 10\r\n\r\n0123456789").status(), 200);
  EXPECT_EQ(fetch(start_line + "Content-Length: 11\r\n\r\n0123456789a").status(), 413);
  const std::string chunked = start_line + "Transfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(fetch(chunked + "b\r\n0123456789a\r\n0\r\n\r\n").status(), 413);
  TestBackend waiting([](Wire& wire_up) { wire_up.all(); });
  ASSERT_TRUE(publish({backend(waiting.port(), 2)}).ok());
  Wire wire = connect();
  wire.send(chunked + "5\r\n01234\r\n");
  while (waiting.accepted() == 0) std::this_thread::yield();  // the head and its first chunk have gone on
  wire.send("6\r\n56789a\r\n0\r\n\r\n");
  EXPECT_EQ(read_message(wire).status(), 413);
}

}  // namespace
}  // namespace paastech::ingress::testing_support
