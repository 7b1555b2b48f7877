#include "net/http_server.h"

#include <fcntl.h>

#include <filesystem>
#include <map>

#include "net/http_client.h"
#include "net/http_test_site.h"

namespace paastech::net {
namespace {

using namespace std::chrono_literals;
using namespace testing;

Task<void> keep_alive(Site& site) {
  RawPeer peer(site.loop.get_executor());
  co_await peer.connect(site.port);
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    co_await peer.send("POST /a%20b?q=%20 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
    std::string head = co_await peer.read_until("\r\n\r\n");
    EXPECT_EQ(first_line(head), "HTTP/1.1 200 OK");
    const std::string id = head.substr(head.find("X-Request-Id: ") + 14, 36);
    EXPECT_NE(head.find("X-Seen-Id: " + id), std::string::npos);
    EXPECT_EQ(head.find("Connection: close"), std::string::npos);
    ids.push_back(id);
    std::string body = co_await peer.read_until("127.0.0.1");
    EXPECT_EQ(body, "POST /a b [q=%20] abc 127.0.0.1");
  }
  EXPECT_NE(ids[0], ids[1]);
}

TEST(HttpServer, ServesSeveralRequestsOnOneConnection) {
  Site site;
  run_on(site, keep_alive(site));
  EXPECT_EQ(site.served, 3);
}

Task<void> pipeline(Site& site) {
  std::string answer =
      co_await raw(site, std::string("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n"
                                     "POST /two HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                                     "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: 1\r\n\r\n"
                                     "GET /three HTTP/1.1\r\n") +
                             kClose);
  const std::size_t one = answer.find("GET /slow");
  const std::size_t two = answer.find("POST /two [] abcde");
  const std::size_t three = answer.find("GET /three");
  EXPECT_LT(one, two);
  EXPECT_LT(two, three);
  EXPECT_NE(three, std::string::npos);
  EXPECT_EQ(count(answer, "HTTP/1.1 200 OK"), 3u);
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  Site site;
  run_on(site, pipeline(site));
}

Task<void> streams(Site& site) {
  std::string answer = co_await raw(site, std::string("GET /stream HTTP/1.1\r\n") + kClose);
  EXPECT_NE(answer.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
  EXPECT_TRUE(ends_with(answer, "\r\n\r\n4\r\none,\r\n3\r\ntwo\r\n0\r\n\r\n")) << answer;
  std::string old = co_await raw(site, "GET /stream HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.find("chunked"), std::string::npos);
  EXPECT_TRUE(ends_with(old, "\r\n\r\none,two")) << old;
  std::string cut = co_await raw(site, std::string("GET /cut HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_TRUE(ends_with(cut, "3\r\ntwo\r\n")) << cut;  // no last chunk: the peer sees that it is not whole
}

TEST(HttpServer, StreamsInChunksAndCutsOffWhatIsNotFinished) {
  Site site;
  run_on(site, streams(site));
}

Task<void> heads(Site& site) {
  std::string whole = co_await raw(site, std::string("HEAD /x HTTP/1.1\r\n") + kClose);
  EXPECT_NE(whole.find("Content-Length: 21\r\n"), std::string::npos) << whole;
  EXPECT_TRUE(ends_with(whole, "\r\n\r\n"));
  std::string streamed = co_await raw(site, std::string("HEAD /stream HTTP/1.1\r\n") + kClose);
  EXPECT_TRUE(ends_with(streamed, "\r\n\r\n"));
  EXPECT_EQ(count(streamed, "\r\n\r\n"), 1u);
}

TEST(HttpServer, AnswersHeadWithoutABody) {
  Site site;
  run_on(site, heads(site));
}

Task<void> expect_continue(Site& site) {
  RawPeer peer(site.loop.get_executor());
  co_await peer.connect(site.port);
  co_await peer.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  std::string go_on = co_await peer.read_until("\r\n\r\n");
  EXPECT_EQ(go_on, "HTTP/1.1 100 Continue\r\n\r\n");
  co_await peer.send("abc");
  std::string answer = co_await peer.read_until("127.0.0.1");
  EXPECT_NE(answer.find("POST / [] abc"), std::string::npos);
}

TEST(HttpServer, InvitesABodyThatAsksFirst) {
  Site site;
  run_on(site, expect_continue(site));
}

Task<void> disconnect(Site& site) {
  RawPeer peer(site.loop.get_executor());
  co_await peer.connect(site.port);
  co_await peer.send("GET /follow HTTP/1.1\r\nHost: h\r\n\r\n");
  std::string begun = co_await peer.read_until("begun");
  EXPECT_TRUE(begun.ends_with("begun"));
  EXPECT_FALSE(site.cancelled);
  peer.close();
  while (!site.cancelled) co_await site.changed.wait(10s);
}

TEST(HttpServer, CancelsTheHandlerWhenThePeerGoesAway) {
  Site site;
  run_on(site, disconnect(site));
}

Task<void> unsafe_disconnect(Site& site) {
  RawPeer peer(site.loop.get_executor());
  co_await peer.connect(site.port);
  co_await peer.send("POST /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  while (!site.waiting) (void)co_await sleep_for(1ms);
  peer.close();
  while (site.last_write == "none") (void)co_await sleep_for(1ms);
  EXPECT_TRUE(site.slow_ended);
  EXPECT_EQ(site.last_write, "the peer closed the connection");
}

TEST(HttpServer, LetsAChangeRunToItsEndThoughThePeerGoesAway) {
  Site site;
  run_on(site, unsafe_disconnect(site));
}

Task<void> never_reads(Site& site) {
  RawPeer peer(site.loop.get_executor());
  co_await peer.connect(site.port);
  co_await peer.send("GET /flood HTTP/1.1\r\nHost: h\r\n\r\n");
  while (site.last_write == "none") (void)co_await sleep_for(10ms);
}

TEST(HttpServer, GivesUpAPeerThatReadsNothing) {
  Site site({.stalled_seconds = 1});
  run_on(site, never_reads(site));
}

// The open sockets of this process: descriptor → whether a started program would inherit it.
std::map<std::string, bool> sockets() {
  std::map<std::string, bool> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::filesystem::path to = std::filesystem::read_symlink(entry.path(), gone);
    if (gone || !to.string().starts_with("socket:")) continue;
    const int flags = ::fcntl(std::stoi(entry.path().filename()), F_GETFD);
    found[to.string()] = (flags & FD_CLOEXEC) == 0;
  }
  return found;
}

Task<void> no_leaks(Site& site, std::map<std::string, bool> before) {
  HttpClient client(Endpoint{.host = "127.0.0.1", .port = site.port});
  HttpRequest request{.target = "/follow"};
  Result<std::unique_ptr<HttpExchange>> opened = co_await client.open(request, false);
  EXPECT_TRUE(opened);
  if (!opened) co_return;
  const Status head = co_await (*opened)->read_head();
  EXPECT_TRUE(head);
  const std::map<std::string, bool> now = sockets();
  EXPECT_GE(now.size(), before.size() + 3);  // the listener and both ends
  for (const auto& [socket, inherited] : now) EXPECT_TRUE(before.contains(socket) || !inherited) << socket;
}

TEST(HttpServer, NoSocketIsInheritedByAStartedProgram) {
  const std::map<std::string, bool> before = sockets();
  Site site;
  run_on(site, no_leaks(site, before));
}

Task<void> disconnect_flood(Site& site) {
  RawPeer peer(site.loop.get_executor());
  co_await peer.connect(site.port);
  co_await peer.send("GET /flood HTTP/1.1\r\nHost: h\r\n\r\n" + std::string(100'000, 'p'));  // reading ahead is bounded
  std::string some = co_await peer.read_until("xxx");
  EXPECT_NE(some, "");
  peer.close();
  while (site.last_write == "none") co_await sleep_for(1ms);
  EXPECT_EQ(site.last_write, "unavailable");
}

TEST(HttpServer, WriteTellsThatThePeerIsGone) {
  Site site;
  run_on(site, disconnect_flood(site));
}

Task<void> stop_follow(Site& site) {
  RawPeer busy(site.loop.get_executor());
  RawPeer quiet(site.loop.get_executor());
  co_await busy.connect(site.port);
  co_await quiet.connect(site.port);
  co_await busy.send("GET /follow HTTP/1.1\r\nHost: h\r\n\r\n");
  std::string begun = co_await busy.read_until("begun");
  co_await site.server->stop();
  EXPECT_TRUE(site.cancelled);
  std::string rest = co_await busy.read_all();
  EXPECT_EQ(rest.find("0\r\n\r\n"), std::string::npos);
  std::string none = co_await quiet.read_all();
  EXPECT_EQ(none, "");
}

TEST(HttpServer, StopEndsRunningHandlersAndIdleConnections) {
  Site site;
  run_on(site, stop_follow(site));
}

Task<void> failures(Site& site) {
  for (const char* path : {"/throw", "/silent", "/inject"}) {
    std::string answer = co_await raw(site, std::string("GET ") + path + " HTTP/1.1\r\n" + kClose);
    EXPECT_EQ(first_line(answer), "HTTP/1.1 500 Internal Server Error") << path;
    EXPECT_NE(answer.find(R"("code":"internal")"), std::string::npos);
    EXPECT_EQ(answer.find("on purpose"), std::string::npos);
    EXPECT_EQ(answer.find("Evil"), std::string::npos);
  }
}

TEST(HttpServer, AnswersForAHandlerThatFails) {
  Site site;
  run_on(site, failures(site));
}

Task<void> nothing() { co_return; }

TEST(HttpServer, SaysThatThePortIsInUse) {
  Site site;
  HttpServer second(site.loop.get_executor(), [](ServerRequest, ResponseWriter&) { return nothing(); });
  const Result<std::uint16_t> listening = second.listen("127.0.0.1", site.port);
  ASSERT_FALSE(listening);
  EXPECT_EQ(listening.error().code, Code::kUnavailable);
  EXPECT_NE(listening.error().message.find("port " + std::to_string(site.port) + " is already in use"),
            std::string::npos);
  EXPECT_NE(listening.error().hint, "");
  const Result<std::uint16_t> nonsense = second.listen("nowhere", 0);
  ASSERT_FALSE(nonsense);
  EXPECT_EQ(nonsense.error().code, Code::kInvalidArgument);
  run_on(site, nothing());
}

}  // namespace
}  // namespace paastech::net
