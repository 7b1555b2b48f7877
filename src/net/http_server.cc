#include "net/http_server.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <spdlog/spdlog.h>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <unordered_set>

#include "net/http_session.h"

namespace paastech::net {
namespace {

using tcp = asio::ip::tcp;
constexpr int kBacklog = 512;                       // connections the kernel holds until they are taken
constexpr std::size_t kTurnedAway = 64;             // told 503 at one time; more are just closed
constexpr std::chrono::milliseconds kNoFiles{100};  // pause where the process has no descriptor left

std::string ip_of(const sockaddr_storage& from, socklen_t size) {
  tcp::endpoint endpoint;
  std::memcpy(endpoint.data(), &from, std::min<std::size_t>(size, endpoint.capacity()));
  asio::ip::address address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  return address.to_string();
}

Error cannot_listen(const std::string& address, std::uint16_t port, const ErrorCode& error) {
  const std::string where = address + ":" + std::to_string(port);
  if (error == asio::error::address_in_use)
    return {Code::kUnavailable,
            "port " + std::to_string(port) + " is already in use by another program (on " + address + ")",
            "stop that program (`ss -ltnp` shows it), or choose another port in the configuration"};
  if (error == asio::error::access_denied)
    return {Code::kPermissionDenied, "this user may not listen on " + where, "choose a port from 1024 up"};
  return {Code::kUnavailable, "cannot listen on " + where + ": " + error.message(),
          "check that the address belongs to this machine"};
}

}  // namespace

struct HttpServer::State : std::enable_shared_from_this<HttpServer::State> {
  State(Executor executor, HttpHandler on_request, HttpServerLimits limited)
      : handler(std::make_shared<const HttpHandler>(std::move(on_request))),
        limits(limited),
        acceptor(executor),
        tasks(executor) {}

  std::shared_ptr<const HttpHandler> handler;
  HttpServerLimits limits;
  tcp::acceptor acceptor;
  std::unordered_set<std::shared_ptr<HttpSession>> sessions;
  std::size_t turned_away = 0;
  bool stopping = false;
  TaskGroup tasks;
};

namespace {

// Of HttpServer::State, whose name is private: the coroutines below take it as a template argument.
template <class Shared>
struct Leave {  // a connection leaves the books however it ends
  ~Leave() {
    if (over_limit) --state->turned_away;
    state->sessions.erase(session);
  }
  const Shared& state;
  const std::shared_ptr<HttpSession>& session;
  bool over_limit;
};

template <class Shared>
Task<void> run_session(Shared state, std::shared_ptr<HttpSession> session, bool over_limit) {
  const Leave<Shared> leave{state, session, over_limit};
  if (over_limit) {
    co_await HttpSession::turn_away(session);
  } else {
    co_await HttpSession::run(session);
  }
}

template <class Shared>
void take(const Shared& state, int fd, const sockaddr_storage& from, socklen_t size) {
  const std::size_t served = state->sessions.size() - state->turned_away;
  const bool over_limit = served >= state->limits.connections;
  ErrorCode error;
  const auto socket = std::make_shared<Socket>(state->acceptor.get_executor());
  if (over_limit && state->turned_away >= kTurnedAway) {
    ::close(fd);
    return;
  }
  socket->assign(asio::generic::stream_protocol(from.ss_family, IPPROTO_TCP), fd, error);
  if (error) {
    ::close(fd);
    return;
  }
  socket->set_option(tcp::no_delay(true), error);
  auto session = std::make_shared<HttpSession>(socket, ip_of(from, size), state->handler, state->limits);
  state->sessions.insert(session);
  if (over_limit) ++state->turned_away;
  state->tasks.spawn("http connection", run_session(state, session, over_limit));
}

// accept4 by hand, for close-on-exec from birth: a program started meanwhile must not inherit a connection.
template <class Shared>
Task<void> accept_loop(Shared state) {
  while (!state->stopping) {
    auto [error] = co_await state->acceptor.async_wait(tcp::acceptor::wait_read, kAwait);
    if (error || state->stopping) co_return;
    for (;;) {
      sockaddr_storage from{};
      socklen_t size = sizeof(from);
      const int fd = ::accept4(state->acceptor.native_handle(), reinterpret_cast<sockaddr*>(&from), &size,
                               SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd >= 0) {
        take(state, fd, from, size);
        continue;
      }
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      spdlog::error("cannot accept a connection: {}", std::generic_category().message(errno));
      (void)co_await sleep_for(kNoFiles);
      break;
    }
  }
}

}  // namespace

HttpServer::HttpServer(Executor executor, HttpHandler handler, HttpServerLimits limits)
    : state_(std::make_shared<State>(std::move(executor), std::move(handler), limits)) {}

HttpServer::~HttpServer() {
  ErrorCode ignored;
  state_->acceptor.close(ignored);
}

Result<std::uint16_t> HttpServer::listen(const std::string& address, std::uint16_t port) {
  ErrorCode error;
  const asio::ip::address ip = asio::ip::make_address(address, error);
  if (error)
    return fail(Code::kInvalidArgument, "\"" + address + "\" is not an IP address to listen on",
                "write 127.0.0.1, 0.0.0.0 or :: instead");
  const tcp::endpoint endpoint(ip, port);
  const int fd = ::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
  if (fd < 0) return std::unexpected(cannot_listen(address, port, {errno, boost::system::system_category()}));
  tcp::acceptor& acceptor = state_->acceptor;
  acceptor.assign(endpoint.protocol(), fd, error);
  if (error) {
    ::close(fd);
    return std::unexpected(cannot_listen(address, port, error));
  }
  acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(kBacklog, error);
  if (!error) acceptor.non_blocking(true, error);
  if (error) {
    ErrorCode ignored;
    acceptor.close(ignored);
    return std::unexpected(cannot_listen(address, port, error));
  }
  state_->tasks.spawn("http listener", accept_loop(state_));
  return acceptor.local_endpoint().port();
}

Task<void> HttpServer::stop() {
  const std::shared_ptr<State> state = state_;
  state->stopping = true;
  ErrorCode ignored;
  state->acceptor.close(ignored);
  const auto sessions = state->sessions;  // a copy: ending ones leave the set
  for (const auto& session : sessions) session->stop();
  co_await state->tasks.join();
}

}  // namespace paastech::net
