#include "net/http_session.h"

#include <sys/socket.h>

#include <spdlog/spdlog.h>
#include <boost/system/system_error.hpp>

#include "base/ids.h"
#include "net/http_parser.h"
#include "net/http_writer.h"

namespace paastech::net {
namespace {

constexpr std::size_t kWatchRead = 512;        // one read while a handler runs: thousands may follow a log
constexpr std::size_t kAhead = 64 << 10;       // of pipelined requests, held while a handler runs
constexpr std::chrono::seconds kLinger{1};     // for a refused peer to read its answer
constexpr std::size_t kLingerBytes = 4 << 20;  // of what it still sends meanwhile, thrown away

}  // namespace

HttpSession::HttpSession(std::shared_ptr<Socket> socket, std::string peer, std::shared_ptr<const HttpHandler> handler,
                         HttpServerLimits limits)
    : socket_(std::move(socket)),
      peer_(std::move(peer)),
      handler_(std::move(handler)),
      limits_(limits),
      handlers_(socket_->get_executor()),
      reading_(socket_->get_executor()),
      writing_(socket_->get_executor()) {}

void HttpSession::close() {
  gone_ = true;
  ErrorCode ignored;
  socket_->close(ignored);
}

void HttpSession::stop() {
  close();
  handlers_.cancel();
}

HttpSession::Read HttpSession::refuse(int status, std::string_view code, std::string_view detail,
                                      std::string_view hint) {
  refusal_ = problem(status, code, detail, hint, id_);
  return Read::kRefused;
}

Task<ErrorCode> HttpSession::fill(std::shared_ptr<HttpSession> self, std::size_t bytes) {
  const auto space = self->buffer_.prepare(bytes);
  auto [error, count] = co_await self->socket_->async_read_some(space, kAwait);
  self->buffer_.commit(count);
  co_return error;
}

Task<ErrorCode> HttpSession::send(std::shared_ptr<HttpSession> self, std::string bytes) {
  if (self->gone_) co_return asio::error::broken_pipe;
  const auto rearm = [weak = std::weak_ptr(self)] {
    const auto give_up = [weak] {
      if (const auto stalled = weak.lock()) stalled->close();
    };
    const auto alive = weak.lock();
    if (alive) alive->writing_.arm(std::chrono::seconds(alive->limits_.stalled_seconds), give_up);
  };
  const ErrorCode error = co_await write_all(self->socket_, std::move(bytes), rearm);
  self->writing_.disarm();
  if (error && error != asio::error::operation_aborted) self->gone_ = true;
  co_return error;
}

// Lets the peer read what it was told before the connection goes: closing with unread bytes would reset it.
Task<void> HttpSession::linger(std::shared_ptr<HttpSession> self) {
  ErrorCode ignored;
  self->socket_->shutdown(Socket::shutdown_send, ignored);
  self->reading_.arm(kLinger, [weak = std::weak_ptr(self)] {
    if (const auto alive = weak.lock()) alive->close();
  });
  std::size_t thrown_away = 0;
  while (!self->gone_ && thrown_away < kLingerBytes) {
    self->buffer_.clear();
    const ErrorCode error = co_await fill(self, kHeadRead);
    if (error) break;
    thrown_away += self->buffer_.size();
  }
}

Task<void> HttpSession::turn_away(std::shared_ptr<HttpSession> self) {
  self->keep_alive_ = false;
  self->id_ = new_uuid();
  self->refuse(503, "unavailable", "the server holds as many connections as it may", "try again in a few seconds");
  SessionWriter writer(self, self->id_, false, true);
  HttpResponse refusal = std::move(*self->refusal_);
  refusal.headers.add("Retry-After", "5");
  (void)co_await writer.send(std::move(refusal));
  co_await linger(self);
  self->close();
}

Task<void> HttpSession::run(std::shared_ptr<HttpSession> self) {
  bool first = true;
  while (!self->gone_ && self->keep_alive_) {
    Incoming incoming;
    self->id_ = new_uuid();
    // A new connection has the time of a head to say something; a kept one may idle.
    const int patience = first ? self->limits_.head_seconds : self->limits_.idle_seconds;
    first = false;
    const auto interrupt = [weak = std::weak_ptr(self)] {
      const auto alive = weak.lock();
      ErrorCode ignored;
      if (alive) alive->socket_->cancel(ignored);
    };
    if (self->buffer_.size() == 0) {
      self->buffer_.shrink_to_fit();
      self->reading_.arm(std::chrono::seconds(patience), interrupt);
      const ErrorCode error = co_await fill(self, kHeadRead);
      if (error) break;
    }
    self->reading_.arm(std::chrono::seconds(self->limits_.head_seconds), interrupt);
    const Read read = co_await read_request(self, incoming);
    self->reading_.disarm();
    if (read == Read::kGone || self->gone_) break;
    if (read == Read::kRequest) {
      self->keep_alive_ = incoming.keep_alive;
      co_await serve(self, std::move(incoming));
      continue;
    }
    self->keep_alive_ = false;
    SessionWriter writer(self, self->id_, incoming.request.method == "HEAD", true);
    (void)co_await writer.send(std::move(*self->refusal_));
    co_await linger(self);
  }
  self->close();
}

// Runs the handler beside a read of the socket, so that a peer that goes away is noticed while the handler waits.
Task<void> HttpSession::serve(std::shared_ptr<HttpSession> self, Incoming incoming) {
  const bool head_only = incoming.request.method == "HEAD";
  const bool safe = head_only || incoming.request.method == "GET";  // RFC 9110 9.2.1: changes nothing
  const auto writer = std::make_shared<SessionWriter>(self, self->id_, head_only, incoming.http_1_1);
  const std::string what = incoming.request.method + " " + incoming.request.path;
  self->handler_done_ = false;
  self->handler_failed_ = false;
  self->handlers_.spawn("http handler", run_handler(self, std::move(incoming.request), writer));
  co_await watch(self);
  if (self->gone_ && safe) self->handlers_.cancel();
  co_await self->handlers_.join();
  if (self->gone_) co_return;
  if (writer->complete()) co_return;
  if (writer->started()) {  // cut off: the peer must not take what it has for the whole
    spdlog::warn("{} (request {}) ended in the middle of its answer", what, self->id_);
    self->close();
    co_return;
  }
  if (!self->handler_failed_) spdlog::error("{} (request {}) ended without an answer", what, self->id_);
  HttpResponse answer = problem(500, "internal", "the server failed to answer this request",
                                "try again; if it stays, tell the administrator the request id", self->id_);
  (void)co_await writer->send(std::move(answer));
}

Task<void> HttpSession::run_handler(std::shared_ptr<HttpSession> self, ServerRequest request,
                                    std::shared_ptr<ResponseWriter> writer) {
  const std::string what = request.method + " " + request.path;
  try {
    Task<void> work = (*self->handler_)(std::move(request), *writer);
    co_await std::move(work);
  } catch (const boost::system::system_error& e) {
    self->handler_failed_ = true;
    if (e.code() != asio::error::operation_aborted || !self->gone_)
      spdlog::error("{} (request {}) failed: {}", what, self->id_, e.what());
  } catch (const std::exception& e) {
    self->handler_failed_ = true;
    spdlog::error("{} (request {}) failed: {}", what, self->id_, e.what());
  } catch (...) {
    self->handler_failed_ = true;
    spdlog::error("{} (request {}) failed for an unknown reason", what, self->id_);
  }
  self->handler_done_ = true;
  ErrorCode ignored;
  self->socket_->cancel(ignored);  // ends watch()'s read
}

// Until the handler is done: reads ahead (a pipelined request may come) and notices the end of the connection.
Task<void> HttpSession::watch(std::shared_ptr<HttpSession> self) {
  if (self->buffer_.size() == 0) self->buffer_.shrink_to_fit();
  while (!self->handler_done_ && self->buffer_.size() < kAhead) {
    const ErrorCode error = co_await fill(self, kWatchRead);
    if (!error || (error == asio::error::operation_aborted && self->handler_done_)) continue;
    self->gone_ = true;
    break;
  }
}

}  // namespace paastech::net
