#include "net/http_client.h"

#include "net/http_parser.h"
#include "net/http_wire.h"
#include "net/sockets.h"

namespace paastech::net {
namespace {

constexpr std::size_t kReadBytes = 64 << 10;    // one read from the socket: a pipe's worth
constexpr std::uint32_t kHeadBytes = 64 << 10;  // of an answer's head; servers send a few hundred bytes

using Parser = http::response_parser<PieceBody>;

// What the coroutines of an exchange share, so that dropping the exchange while one of them waits is harmless.
struct Connection {
  Connection(Executor executor, Endpoint to)
      : endpoint(std::move(to)), socket(std::make_shared<Socket>(executor)), deadline(executor) {}

  void close() {
    closed = true;
    ErrorCode ignored;
    socket->close(ignored);
  }
  void new_parser() {
    parser.emplace();
    parser->header_limit(kHeadBytes);
    parser->body_limit(boost::none);
    if (head_request) parser->skip(true);
  }
  // What a failed read or write means to the caller.
  std::unexpected<Error> failure(const ErrorCode& error, std::string_view doing) const {
    if (closed || error == asio::error::operation_aborted)
      return fail(Code::kCancelled, "the exchange with " + describe(endpoint) + " was closed");
    const std::string reason = error == asio::error::eof ? "the server closed the connection" : error.message();
    return fail(Code::kUnavailable,
                "lost the connection to " + describe(endpoint) + " " + std::string(doing) + ": " + reason,
                "check that the server there is still running, then try again");
  }

  Endpoint endpoint;
  std::shared_ptr<Socket> socket;
  Deadline deadline;
  beast::flat_buffer buffer;
  std::optional<Parser> parser;
  Headers headers;
  int status = 0;
  bool head_request = false;
  bool chunked = false;  // the request body goes in chunks
  bool raw = false;      // after 101: bytes both ways, no framing
  bool closed = false;
};
using Shared = std::shared_ptr<Connection>;

// Holds no memory while nothing comes: one stream per container's log is open all the time.
Task<ErrorCode> fill(Shared c) {
  if (c->buffer.size() == 0) {
    c->buffer.shrink_to_fit();
    auto [error] = co_await c->socket->async_wait(Socket::wait_read, kAwait);
    if (error) co_return error;
  }
  const auto space = c->buffer.prepare(kReadBytes);
  auto [error, count] = co_await c->socket->async_read_some(space, kAwait);
  c->buffer.commit(count);
  co_return error;
}

Task<Status> send_bytes(Shared c, std::string bytes) {
  if (c->closed) co_return c->failure(asio::error::operation_aborted, "");
  const ErrorCode error = co_await write_all(c->socket, std::move(bytes));
  if (error) co_return c->failure(error, "while sending the request");
  co_return Status{};
}

Task<Status> read_head(Shared c) {
  c->new_parser();
  for (;;) {
    if (c->closed) co_return c->failure(asio::error::operation_aborted, "");
    if (const beast::error_code bad = feed(*c->parser, c->buffer); bad)
      co_return fail(Code::kUnavailable,
                     describe(c->endpoint) + " answered something that is not HTTP: " + bad.message());
    if (c->parser->is_header_done()) {
      c->status = static_cast<int>(c->parser->get().result_int());
      if (c->status / 100 != 1 || c->status == 101) break;
      c->new_parser();  // 100 Continue and its kin: the answer proper follows
      continue;
    }
    const ErrorCode error = co_await fill(c);
    if (error) co_return c->failure(error, "before it answered");
  }
  c->headers = to_headers(c->parser->get());
  c->raw = c->status == 101;
  co_return Status{};
}

Task<Result<std::string>> read_raw(Shared c) {
  if (c->buffer.size() == 0) {
    const ErrorCode error = co_await fill(c);
    if (error == asio::error::eof) co_return std::string();
    if (error) co_return c->failure(error, "in the middle of its answer");
  }
  const asio::const_buffer held = c->buffer.data();
  std::string piece(static_cast<const char*>(held.data()), held.size());
  c->buffer.consume(piece.size());
  co_return piece;
}

Task<Result<std::string>> read_body(Shared c) {
  if (!c->parser || !c->parser->is_header_done())
    co_return fail(Code::kInternal, "read() was called before read_head()");
  std::string& body = c->parser->get().body();
  for (;;) {
    if (c->closed) co_return c->failure(asio::error::operation_aborted, "");
    if (const beast::error_code bad = feed(*c->parser, c->buffer); bad)
      co_return fail(Code::kUnavailable, "the answer of " + describe(c->endpoint) + " is broken: " + bad.message());
    if (!body.empty() || c->parser->is_done()) co_return std::exchange(body, {});
    const ErrorCode error = co_await fill(c);
    if (!error) continue;
    beast::error_code cut;
    if (error == asio::error::eof) c->parser->put_eof(cut);
    if (error != asio::error::eof || cut) co_return c->failure(error, "in the middle of its answer");
  }
}

Task<Status> finish_request(Shared c) {
  if (c->raw) {
    ErrorCode ignored;
    c->socket->shutdown(Socket::shutdown_send, ignored);
  }
  if (!c->chunked || c->raw) co_return Status{};
  c->chunked = false;
  std::string last(kLastChunk);
  CO_TRY(co_await send_bytes(c, std::move(last)));
  co_return Status{};
}

// Sends the head, and the body where it does not stream.
Task<Status> start(Shared c, HttpRequest request, bool stream_body) {
  const bool bodied =
      !request.body.empty() || request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  const Framing framing = stream_body ? Framing::kChunked : bodied ? Framing::kLength : Framing::kNone;
  const std::string host = c->endpoint.unix_path.empty() ? describe(c->endpoint) : "localhost";
  CO_TRY_ASSIGN(std::string head, request_head(request, framing, host));
  c->head_request = request.method == "HEAD";
  c->chunked = stream_body;
  CO_TRY(co_await connect(c->socket, c->endpoint));
  if (!stream_body) head += request.body;
  CO_TRY(co_await send_bytes(c, std::move(head)));
  co_return Status{};
}

class Exchange final : public HttpExchange {
 public:
  explicit Exchange(Shared connection) : c_(std::move(connection)) {}
  ~Exchange() override { c_->close(); }
  Task<Status> write(std::string data) override {
    if (!data.empty() && !c_->raw) data = chunk(data);  // an empty chunk would end the body
    return send_bytes(c_, std::move(data));
  }
  Task<Status> finish() override { return finish_request(c_); }
  Task<Status> read_head() override { return net::read_head(c_); }
  int status() const override { return c_->status; }
  const Headers& headers() const override { return c_->headers; }
  Task<Result<std::string>> read() override { return c_->raw ? read_raw(c_) : read_body(c_); }
  void close() override { c_->close(); }

 private:
  Shared c_;
};

// Closes the connection however the request ends, also where the task is destroyed in the middle.
struct Closer {
  explicit Closer(Shared connection) : c(std::move(connection)) {}
  ~Closer() { c->close(); }
  Closer(const Closer&) = delete;
  Closer& operator=(const Closer&) = delete;
  Shared c;
};

void arm(const Shared& c, std::chrono::milliseconds timeout) {
  c->deadline.arm(timeout, [weak = std::weak_ptr(c)] {
    if (const Shared alive = weak.lock()) alive->close();
  });
}

Error too_late(const Shared& c, const std::string& what, std::chrono::milliseconds timeout) {
  return Error{Code::kDeadlineExceeded,
               describe(c->endpoint) + " did not answer " + what + " within " + std::to_string(timeout.count()) + " ms",
               "check that the server there is not overloaded or stuck, then try again"};
}

Task<Result<HttpResponse>> exchange(Shared c, HttpRequest request, std::size_t max_body) {
  const Status sent = co_await start(c, std::move(request), false);
  // A server may answer and close before it has read a long body: its answer says more than the broken pipe.
  if (!sent && (sent.error().code != Code::kUnavailable || !c->socket->is_open()))
    co_return std::unexpected(sent.error());
  const Status answered = co_await read_head(c);
  if (!answered) co_return std::unexpected(sent ? answered.error() : sent.error());
  HttpResponse response;
  for (;;) {
    CO_TRY_ASSIGN(const std::string piece, co_await read_body(c));
    if (piece.empty()) break;
    if (response.body.size() + piece.size() > max_body)
      co_return fail(Code::kResourceExhausted, "the answer of " + describe(c->endpoint) +
                                                   " is longer than the limit of " + std::to_string(max_body) +
                                                   " bytes");
    response.body += piece;
  }
  response.status = c->status;
  response.headers = std::move(c->headers);
  co_return response;
}

Task<Result<HttpResponse>> run_request(Endpoint endpoint, HttpRequest request, RequestLimits limits) {
  const Shared c = std::make_shared<Connection>(co_await asio::this_coro::executor, std::move(endpoint));
  const Closer closer(c);
  const std::string what = request.method + " " + request.target.substr(0, request.target.find('?'));
  arm(c, limits.timeout);
  Result<HttpResponse> response = co_await exchange(c, std::move(request), limits.max_body);
  if (!response && c->deadline.expired()) co_return std::unexpected(too_late(c, what, limits.timeout));
  co_return response;
}

Task<Result<std::unique_ptr<HttpExchange>>> run_open(Endpoint endpoint, HttpRequest request, bool stream_body,
                                                     RequestLimits limits) {
  const Shared c = std::make_shared<Connection>(co_await asio::this_coro::executor, std::move(endpoint));
  std::unique_ptr<HttpExchange> opened = std::make_unique<Exchange>(c);  // closes it on every way out
  const std::string what =
      "the connection for " + request.method + " " + request.target.substr(0, request.target.find('?'));
  arm(c, limits.timeout);
  const Status started = co_await start(c, std::move(request), stream_body);
  if (!started && c->deadline.expired()) co_return std::unexpected(too_late(c, what, limits.timeout));
  if (!started) co_return std::unexpected(started.error());
  c->deadline.disarm();
  co_return opened;
}

}  // namespace

Task<Result<HttpResponse>> HttpClient::request(HttpRequest request, RequestLimits limits) const {
  return run_request(endpoint_, std::move(request), limits);
}

Task<Result<std::unique_ptr<HttpExchange>>> HttpClient::open(HttpRequest request, bool stream_body,
                                                             RequestLimits limits) const {
  return run_open(endpoint_, std::move(request), stream_body, limits);
}

}  // namespace paastech::net
