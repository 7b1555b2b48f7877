#include "pomegranate/probe.h"

#include "net/http_client.h"

namespace paastech::pomegranate {

namespace asio = net::asio;

namespace {

constexpr std::chrono::milliseconds kConnectTime{500};  // below the kernel's first retransmission of a SYN (1 s)

net::Task<bool> accepts(std::string address, std::uint16_t port, std::chrono::milliseconds timeout) {
  auto executor = co_await asio::this_coro::executor;
  auto socket = std::make_shared<asio::ip::tcp::socket>(executor);
  boost::system::error_code error;
  const auto ip = asio::ip::make_address(address, error);
  if (error) co_return false;
  asio::steady_timer deadline(executor, timeout);
  deadline.async_wait([weak = std::weak_ptr(socket)](const boost::system::error_code& cancelled) {
    boost::system::error_code ignored;
    if (const auto alive = weak.lock(); alive && !cancelled) alive->close(ignored);
  });
  const asio::ip::tcp::endpoint endpoint(ip, port);
  auto [failed] = co_await socket->async_connect(endpoint, net::kAwait);
  co_return !failed;
}

}  // namespace

net::Task<ProbeAttempt> probe_once(std::string address, std::uint16_t port, std::string http_path,
                                   std::chrono::milliseconds timeout, std::shared_ptr<ProbeAbort> abort) {
  ProbeAttempt attempt;
  const std::chrono::milliseconds to_connect = std::min(timeout, kConnectTime);
  if (http_path.empty()) {
    attempt.connected = co_await accepts(address, port, to_connect);
    attempt.ready = attempt.connected;
    co_return attempt;
  }
  const net::HttpClient client(net::Endpoint{.host = address, .port = port});
  net::HttpRequest request;
  request.target = std::move(http_path);
  request.headers.add("User-Agent", "paastech-probe");
  request.headers.add("Connection", "close");
  net::RequestLimits limits;
  limits.timeout = to_connect;
  auto opened = co_await client.open(std::move(request), false, limits);
  if (!opened) co_return attempt;
  attempt.connected = true;
  const std::shared_ptr<net::HttpExchange> exchange = std::move(*opened);
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer deadline(executor, timeout);
  deadline.async_wait([weak = std::weak_ptr(exchange)](const boost::system::error_code& cancelled) {
    if (const auto alive = weak.lock(); alive && !cancelled) alive->close();
  });
  abort->now = [weak = std::weak_ptr(exchange)] {
    if (const auto alive = weak.lock()) alive->close();
  };
  const Status head = co_await exchange->read_head();
  if (!head) co_return attempt;
  attempt.status = exchange->status();
  attempt.ready = attempt.status >= 200 && attempt.status < 400;
  co_return attempt;
}

}  // namespace paastech::pomegranate
