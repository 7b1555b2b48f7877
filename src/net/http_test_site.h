#pragma once
// For tests: an HTTP server whose handler does what the path says, and raw requests to it.
#include "net/http_server.h"
#include "net/test_support.h"

namespace paastech::net::testing {

using namespace std::chrono_literals;

// A server whose handler does what the path says.
struct Site {
  explicit Site(HttpServerLimits limits = {});
  asio::io_context loop;
  Notifier changed{loop.get_executor()};
  bool waiting = false;
  bool cancelled = false;
  int served = 0;
  bool slow_ended = false;
  std::string last_write = "none";
  std::unique_ptr<HttpServer> server;
  std::uint16_t port = 0;
};

// Says so when the handler's coroutine ends, which for a cancelled one is by an exception.
struct Ended {
  explicit Ended(Site& s) : site(s) {}
  ~Ended() {
    site.cancelled = true;
    site.changed.notify();
  }
  Site& site;
};

inline Task<void> stream(ServerRequest request, ResponseWriter& writer) {
  Headers headers;
  headers.add("Content-Type", "text/plain");
  (void)co_await writer.start(200, headers);
  (void)co_await writer.write("one,");
  (void)co_await writer.write("");
  (void)co_await writer.write("two");
  if (request.path == "/cut") co_return;
  (void)co_await writer.finish();
}

inline Task<void> follow(Site& site, ResponseWriter& writer) {
  const Ended ended(site);
  Headers headers;
  (void)co_await writer.start(200, headers);
  (void)co_await writer.write("begun");
  site.waiting = true;
  site.changed.notify();
  (void)co_await sleep_for(1h);
  (void)co_await sleep_for(1h);
}

inline Task<void> flood(Site& site, ResponseWriter& writer) {
  Headers headers;
  (void)co_await writer.start(200, headers);
  for (;;) {
    const Status written = co_await writer.write(std::string(100'000, 'x'));
    if (written) continue;
    site.last_write = written.error().code == Code::kUnavailable ? "unavailable" : written.error().message;
    break;
  }
}

inline Task<void> handle(Site& site, ServerRequest request, ResponseWriter& writer) {
  ++site.served;
  if (request.path == "/throw") throw std::runtime_error("on purpose");
  if (request.path == "/silent") co_return;
  if (request.path == "/stream" || request.path == "/cut") {
    co_await stream(std::move(request), writer);
    co_return;
  }
  if (request.path == "/follow") {
    co_await follow(site, writer);
    co_return;
  }
  if (request.path == "/flood") {
    co_await flood(site, writer);
    co_return;
  }
  if (request.path == "/slow") {
    site.waiting = true;
    (void)co_await sleep_for(30ms);
    (void)co_await sleep_for(1ms);
    site.slow_ended = true;
  }
  HttpResponse response;
  if (request.path == "/inject") response.headers.add("X", "a\r\nEvil: 1");
  response.headers.add("X-Seen-Id", request.id);
  response.body = request.method + " " + request.path + " [" + request.query + "] " + request.body + " " + request.peer;
  const Status sent = co_await writer.send(std::move(response));
  if (!sent) site.last_write = sent.error().message;
}

inline Site::Site(HttpServerLimits limits) {
  auto handler = [this](ServerRequest request, ResponseWriter& writer) {
    return handle(*this, std::move(request), writer);
  };
  server = std::make_unique<HttpServer>(loop.get_executor(), handler, limits);
  const Result<std::uint16_t> listening = server->listen("127.0.0.1", 0);
  EXPECT_TRUE(listening) << listening.error().message;
  port = listening.value_or(0);
}

inline Task<void> stop_after(Site& site, Task<void> task) {
  co_await std::move(task);
  co_await site.server->stop();
}
inline void run_on(Site& site, Task<void> task) { run(site.loop, stop_after(site, std::move(task))); }

// Sends the bytes on a new connection and gives all that comes until the server closes it.
inline Task<std::string> raw(Site& site, std::string bytes) {
  RawPeer peer(site.loop.get_executor());
  co_await peer.connect(site.port);
  co_await peer.send(std::move(bytes));
  std::string answer = co_await peer.read_all();
  co_return answer;
}

inline constexpr const char* kClose = "Host: h\r\nConnection: close\r\n\r\n";

inline bool ends_with(const std::string& text, std::string_view end) { return text.ends_with(end); }
inline std::string first_line(const std::string& text) { return text.substr(0, text.find("\r\n")); }
inline std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

}  // namespace paastech::net::testing
