#pragma once
// HTTP/1.1 client over TCP or a unix socket, one connection a request. Thread: the executor's that calls.
// Errors: kUnavailable (cannot connect, connection lost, not HTTP), kDeadlineExceeded, kResourceExhausted (body over
// the limit), kCancelled (the task was cancelled, or close() was called), kInvalidArgument (a request that cannot be
// sent).
#include <chrono>
#include <memory>

#include "net/http.h"
#include "net/task.h"

namespace paastech::net {

struct Endpoint {
  std::string unix_path = {};  // set: connect there and send Host: localhost
  std::string host = {};
  std::uint16_t port = 0;
};

// One request whose body and answer stream. Destroying or close()ing it ends the connection (which is how a Docker
// build is cancelled), also while another coroutine waits in it. Order: write()* finish() read_head() read()*; a second
// coroutine may read while the first writes. After a failed write() read_head() may still tell why the server gave up.
// After an answer 101 both directions are raw bytes, and finish() closes ours.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;
  virtual Task<Status> write(std::string chunk) = 0;  // a chunk of the request body (chunked encoding)
  virtual Task<Status> finish() = 0;                  // ends the request
  virtual Task<Status> read_head() = 0;
  virtual int status() const = 0;
  virtual const Headers& headers() const = 0;
  virtual Task<Result<std::string>> read() = 0;  // the next piece of the body; empty at its end
  virtual void close() = 0;
};

struct RequestLimits {
  std::chrono::milliseconds timeout{60'000};  // of the whole exchange; for open(): of connecting and of nothing else
  std::size_t max_body = 16 << 20;
};

class HttpClient {
 public:
  explicit HttpClient(Endpoint endpoint) : endpoint_(std::move(endpoint)) {}
  Task<Result<HttpResponse>> request(HttpRequest request, RequestLimits limits = {}) const;
  // Connects and sends the head. With stream_body the body follows by write(); without, request.body is sent at once
  // and finish() is not needed.
  Task<Result<std::unique_ptr<HttpExchange>>> open(HttpRequest request, bool stream_body,
                                                   RequestLimits limits = {}) const;

 private:
  Endpoint endpoint_;
};

}  // namespace paastech::net
