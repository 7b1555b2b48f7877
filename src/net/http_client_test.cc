#include "net/http_client.h"

#include <unistd.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <filesystem>

#include "net/http_server.h"
#include "net/test_support.h"

namespace paastech::net {
namespace {

using namespace std::chrono_literals;
using asio::ip::tcp;
using testing::RawPeer;
using testing::run;

// A server that says what each test scripts, one connection at a time.
struct Script {
  asio::io_context loop;
  TaskGroup tasks{loop.get_executor()};
  tcp::acceptor acceptor{loop, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0)};
  std::string heard;

  Endpoint endpoint() const { return {.host = "127.0.0.1", .port = acceptor.local_endpoint().port()}; }
  HttpClient client() const { return HttpClient(endpoint()); }
};

// Takes one connection, reads up to `until`, says `answer`; then closes, or waits for the peer to close.
Task<void> play(Script& s, std::string until, std::string answer, bool hold = false) {
  auto [error, socket] = co_await s.acceptor.async_accept(kAwait);
  if (error) co_return;
  RawPeer peer(std::move(socket));
  s.heard = co_await peer.read_until(until);
  co_await peer.send(std::move(answer));
  if (!hold) co_return;
  std::string rest = co_await peer.read_all();
  s.heard += rest;
}

void play_with(Script& s, std::string until, std::string answer, bool hold, Task<void> task) {
  s.tasks.spawn("script", play(s, std::move(until), std::move(answer), hold));
  run(s.loop, std::move(task));
  s.tasks.cancel();
  run(s.loop, s.tasks.join());
}

Task<void> simple(Script& s) {
  HttpRequest request{.method = "POST", .target = "/a%20b?x=1", .body = "hello"};
  request.headers.add("X-One", "1");
  const HttpClient client = s.client();
  Result<HttpResponse> response = co_await client.request(request);
  EXPECT_TRUE(response) << response.error().message;
  if (!response) co_return;
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->body, "abcde");
  EXPECT_EQ(response->headers.find("x-two"), "2");
  EXPECT_TRUE(s.heard.starts_with("POST /a%20b?x=1 HTTP/1.1\r\nHost: 127.0.0.1:"));
  EXPECT_NE(s.heard.find("X-One: 1\r\n"), std::string::npos);
  EXPECT_TRUE(s.heard.ends_with("Content-Length: 5\r\n\r\nhello"));
}

TEST(HttpClient, SendsABodyAndReadsOneOfKnownLength) {
  Script s;
  play_with(s, "hello", "HTTP/1.1 201 Created\r\nX-Two: 2\r\nContent-Length: 5\r\n\r\nabcdeIGNORED", false, simple(s));
}

TEST(HttpClient, ReadsChunksAndSkipsInterimAnswers) {
  Script s;
  play_with(s, "hello",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nX-Two: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
            "3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n",
            false, simple(s));
}

TEST(HttpClient, ReadsUntilTheEndOfTheConnection) {
  Script s;
  play_with(s, "hello", "HTTP/1.1 201 Created\r\nX-Two: 2\r\n\r\nabcde", false, simple(s));
}

// What request() makes of a server.
Task<void> failing(Script& s, RequestLimits limits, Code expected) {
  const HttpClient client = s.client();
  HttpRequest request;
  Result<HttpResponse> response = co_await client.request(request, limits);
  EXPECT_FALSE(response);
  if (response) co_return;
  EXPECT_EQ(response.error().code, expected) << response.error().message;
  EXPECT_NE(response.error().message.find("127.0.0.1:"), std::string::npos) << response.error().message;
}

TEST(HttpClient, ACutAnswerIsUnavailable) {
  for (const char* answer :
       {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "SSH-2.0-x\r\n\r\n"}) {
    Script s;
    play_with(s, "\r\n\r\n", answer, false, failing(s, {}, Code::kUnavailable));
  }
}

TEST(HttpClient, ALongAnswerIsRefusedAtTheLimit) {
  Script s;
  play_with(s, "\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde", true,
            failing(s, {.max_body = 4}, Code::kResourceExhausted));
}

TEST(HttpClient, AnAnnouncedLengthReservesNothing) {
  Script s;
  play_with(s, "\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000000\r\n\r\nabc", false,
            failing(s, {}, Code::kUnavailable));
}

TEST(HttpClient, ASilentServerMeetsTheDeadline) {
  Script s;
  play_with(s, "\r\n\r\n", "HTTP/1.1 200 OK\r\n", true, failing(s, {.timeout = 50ms}, Code::kDeadlineExceeded));
}

TEST(HttpClient, NobodyThereIsUnavailableWithAHint) {
  Script s;
  const HttpClient client = s.client();
  s.acceptor.close();
  struct Local {
    static Task<void> go(const HttpClient& c) {
      HttpRequest request;
      Result<HttpResponse> response = co_await c.request(request);
      EXPECT_FALSE(response);
      if (response) co_return;
      EXPECT_EQ(response.error().code, Code::kUnavailable);
      EXPECT_NE(response.error().message.find("Connection refused"), std::string::npos);
      EXPECT_NE(response.error().hint, "");
    }
  };
  run(s.loop, Local::go(client));
}

Task<void> stream_up_and_down(Script& s) {
  const HttpClient client = s.client();
  HttpRequest request{.method = "POST"};
  Result<std::unique_ptr<HttpExchange>> opened = co_await client.open(request, true);
  EXPECT_TRUE(opened);
  if (!opened) co_return;
  HttpExchange& exchange = **opened;
  for (const char* part : {"abc", "", "defg"}) {
    const Status written = co_await exchange.write(part);
    EXPECT_TRUE(written);
  }
  const Status finished = co_await exchange.finish();
  EXPECT_TRUE(finished);
  const Status head = co_await exchange.read_head();
  EXPECT_TRUE(head);
  EXPECT_EQ(exchange.status(), 200);
  EXPECT_TRUE(s.heard.ends_with("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n")) << s.heard;
  std::string all;
  for (;;) {
    Result<std::string> piece = co_await exchange.read();
    EXPECT_TRUE(piece);
    if (!piece || piece->empty()) break;
    all += *piece;
  }
  EXPECT_EQ(all, "one,two");
}

TEST(HttpExchange, StreamsBothWays) {
  Script s;
  play_with(s, "\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none,\r\n3\r\ntwo\r\n0\r\n\r\n", false,
            stream_up_and_down(s));
}

Task<void> pieces_as_they_come(Script& s) {
  const HttpClient client = s.client();
  HttpRequest request;
  RequestLimits limits{.timeout = 50ms};
  Result<std::unique_ptr<HttpExchange>> opened = co_await client.open(request, false, limits);
  EXPECT_TRUE(opened);
  if (!opened) co_return;
  HttpExchange& exchange = **opened;
  const Status head = co_await exchange.read_head();
  EXPECT_TRUE(head);
  Result<std::string> first = co_await exchange.read();
  EXPECT_EQ(first.value_or("failed"), "abc");  // though the chunk is longer, and no more comes
  struct Local {
    static Task<void> close_later(HttpExchange& e) {
      (void)co_await sleep_for(100ms);  // longer than the timeout of open(), which is of connecting only
      e.close();
    }
  };
  s.tasks.spawn("closer", Local::close_later(exchange));
  Result<std::string> closed = co_await exchange.read();
  EXPECT_FALSE(closed);
  if (!closed) {
    EXPECT_EQ(closed.error().code, Code::kCancelled);
  }
  Result<std::string> again = co_await exchange.read();
  EXPECT_FALSE(again);
}

TEST(HttpExchange, GivesPiecesAsTheyComeAndEndsByClose) {
  Script s;
  play_with(s, "\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", true,
            pieces_as_they_come(s));
}

Task<void> hijack(Script& s) {
  HttpRequest request{.method = "POST", .target = "/attach"};
  request.headers.add("Connection", "Upgrade");
  request.headers.add("Upgrade", "tcp");
  const HttpClient client = s.client();
  Result<std::unique_ptr<HttpExchange>> opened = co_await client.open(request, false);
  EXPECT_TRUE(opened);
  if (!opened) co_return;
  HttpExchange& exchange = **opened;
  const Status head = co_await exchange.read_head();
  EXPECT_TRUE(head);
  EXPECT_EQ(exchange.status(), 101);
  const Status written = co_await exchange.write("in");
  EXPECT_TRUE(written);
  const Status finished = co_await exchange.finish();
  EXPECT_TRUE(finished);
  Result<std::string> out = co_await exchange.read();
  EXPECT_EQ(out.value_or("failed"), "raw");
  Result<std::string> end = co_await exchange.read();
  EXPECT_EQ(end.value_or("failed"), "");
  EXPECT_TRUE(s.heard.ends_with("\r\n\r\nin")) << s.heard;
  EXPECT_EQ(s.heard.find("Connection: close"), std::string::npos);
}

TEST(HttpExchange, IsRawBothWaysAfterAnUpgrade) {
  Script s;
  play_with(s, "\r\n\r\n", "HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\nraw", true, hijack(s));
}

Task<void> request_forever(HttpClient client, Code& code) {
  HttpRequest request;
  Result<HttpResponse> response = co_await client.request(request);
  if (!response) code = response.error().code;
}

Task<void> cancel_request(Script& s) {
  Code code = Code::kInternal;
  TaskGroup callers(s.loop.get_executor());
  callers.spawn("caller", request_forever(s.client(), code));
  while (s.heard.empty()) (void)co_await sleep_for(1ms);
  (void)co_await sleep_for(1ms);  // a turn of the loop, in which the caller goes on from sending to waiting
  callers.cancel();
  co_await callers.join();
  EXPECT_EQ(code, Code::kCancelled);
  co_await s.tasks.join();  // the server saw the connection end
}

TEST(HttpClient, ACancelledTaskLeavesNoConnection) {
  Script s;
  play_with(s, "\r\n\r\n", "HTTP/1.1 200 OK\r\n", true, cancel_request(s));
}

Task<void> early_answer(Script& s) {
  const HttpClient client = s.client();
  HttpRequest request{.method = "POST", .body = std::string(8 << 20, 'x')};
  Result<HttpResponse> response = co_await client.request(request);
  EXPECT_TRUE(response) << response.error().message;
  if (response) {
    EXPECT_EQ(response->status, 413);
  }
}

Task<void> refuse_early(Script& s) {
  auto [error, socket] = co_await s.acceptor.async_accept(kAwait);
  if (error) co_return;
  RawPeer peer(std::move(socket));
  co_await peer.send("HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n");
  peer.shutdown_send();
  std::string all = co_await peer.read_all();
}

TEST(HttpClient, AnAnswerBeforeTheEndOfTheBodyIsRead) {
  Script s;
  s.tasks.spawn("script", refuse_early(s));
  run(s.loop, early_answer(s));
  s.tasks.cancel();
  run(s.loop, s.tasks.join());
}

struct Folder {
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "paastech-net-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

Task<void> serve_unix(std::shared_ptr<asio::local::stream_protocol::acceptor> acceptor, std::string& heard) {
  auto [error, socket] = co_await acceptor->async_accept(kAwait);
  if (error) co_return;
  std::string bytes(4096, '\0');
  const auto space = asio::buffer(bytes);
  auto [read_error, count] = co_await socket.async_read_some(space, kAwait);
  heard = bytes.substr(0, count);
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK";
  const auto out = asio::buffer(answer);
  auto [write_error, written] = co_await socket.async_write_some(out, kAwait);
  (void)write_error;
}

Task<void> over_unix(TaskGroup& tasks, std::string path) {
  HttpClient client(Endpoint{.unix_path = path});
  HttpRequest request{.target = "/_ping"};
  Result<HttpResponse> missing = co_await client.request(request);
  EXPECT_FALSE(missing);
  if (!missing) {
    EXPECT_NE(missing.error().message.find("cannot connect to " + path), std::string::npos);
  }
  const auto acceptor = std::make_shared<asio::local::stream_protocol::acceptor>(
      tasks.executor(), asio::local::stream_protocol::endpoint(path));
  std::string heard;
  tasks.spawn("unix", serve_unix(acceptor, heard));
  Result<HttpResponse> response = co_await client.request(request);
  EXPECT_TRUE(response);
  if (response) {
    EXPECT_EQ(response->body, "OK");
  }
  EXPECT_TRUE(heard.starts_with("GET /_ping HTTP/1.1\r\nHost: localhost\r\n"));
  co_await tasks.join();
  HttpClient too_long(Endpoint{.unix_path = path + std::string(120, 'x')});
  Result<HttpResponse> refused = co_await too_long.request(request);
  EXPECT_FALSE(refused);
  if (!refused) {
    EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
  }
}

TEST(HttpClient, SpeaksOverAUnixSocket) {
  const Folder folder;
  asio::io_context loop;
  TaskGroup tasks(loop.get_executor());
  run(loop, over_unix(tasks, (folder.path / "s").string()));
}

Task<void> answer_head(ServerRequest, ResponseWriter& writer) {
  HttpResponse response{.body = "body"};
  (void)co_await writer.send(std::move(response));
}

Task<void> head_request(HttpServer& server, std::uint16_t port) {
  HttpClient client(Endpoint{.host = "localhost", .port = port});  // by name: resolved
  HttpRequest request{.method = "HEAD"};
  Result<HttpResponse> response = co_await client.request(request);
  EXPECT_TRUE(response) << response.error().message;
  if (response) {
    EXPECT_EQ(response->body, "");
    EXPECT_EQ(response->headers.find("Content-Length"), "4");
  }
  co_await server.stop();
}

TEST(HttpClient, AHeadAnswerHasNoBody) {
  asio::io_context loop;
  HttpServer server(loop.get_executor(), answer_head);
  const Result<std::uint16_t> port = server.listen("127.0.0.1", 0);
  ASSERT_TRUE(port);
  run(loop, head_request(server, *port));
}

}  // namespace
}  // namespace paastech::net
