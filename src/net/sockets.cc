#include "net/sockets.h"

#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>

#include "net/resolve.h"

namespace paastech::net {
namespace {

using tcp = asio::ip::tcp;
using GenericEndpoint = asio::generic::stream_protocol::endpoint;

ErrorCode open_socket(Socket& socket, const GenericEndpoint& to) {
  const int family = to.protocol().family();
  const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return {errno, boost::system::system_category()};
  ErrorCode error;
  socket.assign(to.protocol(), fd, error);
  if (error) {
    ::close(fd);
    return error;
  }
  ErrorCode ignored;
  if (family != AF_UNIX) socket.set_option(tcp::no_delay(true), ignored);
  return {};
}

std::string hint_for(const ErrorCode& error, const Endpoint& endpoint) {
  const std::string where = endpoint.unix_path.empty() ? "the address" : "the path";
  if (error == boost::system::errc::permission_denied)
    return "run as a user that may use " + describe(endpoint) + ", or change its owner or group";
  if (error == boost::system::errc::no_such_file_or_directory || error == boost::system::errc::connection_refused)
    return "check that the server there is running and that " + where + " is right";
  return "check " + where + " and the network";
}

}  // namespace

std::string describe(const Endpoint& endpoint) {
  if (!endpoint.unix_path.empty()) return endpoint.unix_path;
  const bool v6 = endpoint.host.find(':') != std::string::npos;
  return (v6 ? "[" + endpoint.host + "]" : endpoint.host) + ":" + std::to_string(endpoint.port);
}

// A name's addresses, or the one that is written.
static Task<Result<std::vector<GenericEndpoint>>> addresses_of(Endpoint endpoint) {
  std::vector<GenericEndpoint> found;
  if (!endpoint.unix_path.empty()) {
    if (endpoint.unix_path.size() >= sizeof(sockaddr_un{}.sun_path))
      co_return fail(Code::kInvalidArgument, "the socket path " + endpoint.unix_path + " is too long for a unix socket",
                     "choose a path of at most 107 bytes");
    found.emplace_back(asio::local::stream_protocol::endpoint(endpoint.unix_path));
    co_return found;
  }
  CO_TRY_ASSIGN(const std::vector<Address> addresses, co_await resolve(endpoint.host, endpoint.port));
  for (const Address& address : addresses) found.emplace_back(address.get(), address.length);
  co_return found;
}

Task<Result<std::vector<Address>>> resolve(std::string host, std::uint16_t port) {
  std::vector<Address> found;
  if (const Result<Address> written = parse_address(host, port)) {
    found.push_back(*written);
    co_return found;
  }
  tcp::resolver resolver(co_await asio::this_coro::executor);
  const std::string service = std::to_string(port);
  auto [error, results] = co_await resolver.async_resolve(host, service, kAwait);
  if (error)
    co_return fail(Code::kUnavailable, "cannot find the address of " + host + ": " + error.message(),
                   "check the spelling of the host name and the DNS settings");
  for (const auto& entry : results) {
    const tcp::endpoint endpoint = entry.endpoint();
    Address address;
    address.length = static_cast<socklen_t>(endpoint.size());
    std::memcpy(&address.storage, endpoint.data(), endpoint.size());
    found.push_back(address);
  }
  co_return found;
}

Task<Status> connect(std::shared_ptr<Socket> socket, Endpoint endpoint) {
  CO_TRY_ASSIGN(const std::vector<GenericEndpoint> addresses, co_await addresses_of(endpoint));
  ErrorCode last;
  for (const GenericEndpoint& address : addresses) {
    ErrorCode ignored;
    socket->close(ignored);
    last = open_socket(*socket, address);
    if (last) continue;
    auto [error] = co_await socket->async_connect(address, kAwait);
    if (!error) co_return Status{};
    if (error == asio::error::operation_aborted) co_return fail(Code::kCancelled, "connecting was cancelled");
    last = error;
  }
  ErrorCode ignored;
  socket->close(ignored);
  co_return fail(Code::kUnavailable, "cannot connect to " + describe(endpoint) + ": " + last.message(),
                 hint_for(last, endpoint));
}

Task<ErrorCode> write_all(std::shared_ptr<Socket> socket, std::string bytes, std::function<void()> before) {
  std::size_t written = 0;
  while (written < bytes.size()) {
    if (before) before();
    const auto rest = asio::buffer(bytes) + written;
    auto [error, count] = co_await socket->async_write_some(rest, kAwait);
    if (error) co_return error;
    written += count;
  }
  co_return ErrorCode{};
}

// ---- Deadline

struct Deadline::State {
  explicit State(const Executor& executor) : timer(executor) {}
  asio::steady_timer timer;
  std::uint64_t round = 0;  // an older round's expiry is stale
  bool expired = false;
};

Deadline::Deadline(Executor executor) : state_(std::make_shared<State>(std::move(executor))) {}

void Deadline::arm(std::chrono::milliseconds time, std::function<void()> action) {
  State& state = *state_;
  state.expired = false;
  const std::uint64_t round = ++state.round;
  state.timer.expires_after(time);  // cancels the earlier wait
  state.timer.async_wait([weak = std::weak_ptr(state_), round, action = std::move(action)](ErrorCode error) {
    const auto alive = weak.lock();
    if (error || !alive || alive->round != round) return;
    alive->expired = true;
    action();
  });
}

void Deadline::disarm() {
  ++state_->round;
  state_->timer.cancel();
}

bool Deadline::expired() const { return state_->expired; }

}  // namespace paastech::net
