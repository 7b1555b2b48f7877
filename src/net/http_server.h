#pragma once
// HTTP/1.1 server for the Client API: keep-alive, bounded heads and bodies, streamed answers. Thread: one executor.
// What is ambiguous or malformed is refused with 400, what is too long with 413 or 431, what is too slow with 408; each
// as application/problem+json, and every answer carries X-Request-Id. While a handler runs its connection is watched:
// where the peer goes away the handler of a GET or HEAD is cancelled (its next co_await throws operation_aborted, which
// is no error); that of any other method runs on, for what it began must not stay half done. stop() cancels them all. A
// handler that throws or sends nothing is answered for with 500; one that ends inside a streamed answer has it cut off.
#include <functional>
#include <memory>

#include "net/http.h"
#include "net/task.h"

namespace paastech::net {

struct ServerRequest {
  std::string method;
  std::string path;   // percent-decoded once, without the query
  std::string query;  // raw
  Headers headers;
  std::string body;
  std::string peer;  // IP of the connection
  std::string id;    // random, also answered as X-Request-Id
};

class ResponseWriter {
 public:
  virtual ~ResponseWriter() = default;
  virtual Task<Status> send(HttpResponse response) = 0;         // a whole answer
  virtual Task<Status> start(int status, Headers headers) = 0;  // a streamed one (chunked), then
  virtual Task<Status> write(std::string chunk) = 0;            // kUnavailable once the peer is gone
  virtual Task<Status> finish() = 0;
};

using HttpHandler = std::function<Task<void>(ServerRequest request, ResponseWriter& writer)>;

struct HttpServerLimits {
  std::size_t header_bytes = 16 << 10;
  std::size_t body_bytes = 1 << 20;  // over it: 413 without calling the handler
  int idle_seconds = 60;             // between requests
  int head_seconds = 15;             // for a request's head and body to arrive
  std::size_t connections = 4096;
  int stalled_seconds = 30;  // a write that moves nothing for so long: the peer is given up
};

class HttpServer {
 public:
  HttpServer(Executor executor, HttpHandler handler, HttpServerLimits limits = {});
  ~HttpServer();
  // kUnavailable "port 8000 is already in use …" where it is. Port 0 picks a free one; the answer is the port.
  Result<std::uint16_t> listen(const std::string& address, std::uint16_t port);
  // Closes the listener, cancels what runs, joins. Due before destruction; not to be called from a handler.
  Task<void> stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace paastech::net
