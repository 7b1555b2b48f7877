#pragma once
// Inside net/ only: one connection of the HTTP server. Thread: the server's loop.
#include <boost/beast/core/flat_buffer.hpp>

#include "net/http_server.h"
#include "net/http_wire.h"
#include "net/sockets.h"

namespace paastech::net {

inline constexpr std::size_t kHeadRead = 4 << 10;  // one read while idle or in a head: kept small, thousands may idle

// Requests of a connection are served one after the other. While a handler runs, the socket is watched, and the handler
// is cancelled once the peer is gone. Owned by its own coroutine run() and, weakly, by the server.
class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(std::shared_ptr<Socket> socket, std::string peer, std::shared_ptr<const HttpHandler> handler,
              HttpServerLimits limits);
  static Task<void> run(std::shared_ptr<HttpSession> self);
  // Answers 503 and closes: for a connection over the limit.
  static Task<void> turn_away(std::shared_ptr<HttpSession> self);
  void stop();  // closes the socket and cancels the handler; run() then ends

 private:
  friend class SessionWriter;
  // A request as the session sees it, or the refusal it gets.
  struct Incoming {
    ServerRequest request;
    bool keep_alive = false;
    bool http_1_1 = true;
  };
  enum class Read { kRequest, kRefused, kGone };

  static Task<Read> read_request(std::shared_ptr<HttpSession> self, Incoming& incoming);
  static Task<Read> read_head(std::shared_ptr<HttpSession> self, std::string& head);
  static Task<void> serve(std::shared_ptr<HttpSession> self, Incoming incoming);
  static Task<void> run_handler(std::shared_ptr<HttpSession> self, ServerRequest request,
                                std::shared_ptr<ResponseWriter> writer);
  static Task<void> watch(std::shared_ptr<HttpSession> self);
  static Task<ErrorCode> fill(std::shared_ptr<HttpSession> self, std::size_t bytes);
  static Task<ErrorCode> send(std::shared_ptr<HttpSession> self, std::string bytes);
  static Task<void> linger(std::shared_ptr<HttpSession> self);
  Read refuse(int status, std::string_view code, std::string_view detail, std::string_view hint = {});
  static Read too_slow(HttpSession& self);
  void close();

  std::shared_ptr<Socket> socket_;
  std::string peer_;
  std::shared_ptr<const HttpHandler> handler_;
  HttpServerLimits limits_;
  TaskGroup handlers_;  // holds the one handler that runs
  Deadline reading_;
  Deadline writing_;
  boost::beast::flat_buffer buffer_;
  std::optional<HttpResponse> refusal_;
  std::string id_;  // of the request at hand
  bool handler_done_ = true;
  bool handler_failed_ = false;
  bool keep_alive_ = true;
  bool gone_ = false;  // the peer is, or a write to it failed, or we stopped
};

}  // namespace paastech::net
