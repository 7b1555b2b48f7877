#include "pomegranate/probe.h"

#include <fmt/format.h>

#include "net/http_client.h"

namespace paastech::pomegranate {

namespace asio = net::asio;

namespace {

constexpr std::chrono::milliseconds kConnectTime{500};  // below the kernel's first retransmission of a SYN (1 s)
constexpr std::size_t kMaxProbeText = 2048;             // of a path, a host, a word of a command
constexpr int kMaxWords = 64;
// 2xx and 3xx (RFC 9110 section 15).
constexpr int kStatusLow = 200;
constexpr int kStatusHigh = 399;

int low_of(const v1::Probe& probe) { return probe.status_low() > 0 ? probe.status_low() : kStatusLow; }
int high_of(const v1::Probe& probe) { return probe.status_high() > 0 ? probe.status_high() : kStatusHigh; }

bool is_plain(std::string_view text) {
  return text.size() <= kMaxProbeText &&
         std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c != 0x7f; });
}

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

net::HttpRequest request_of(const v1::Probe& probe) {
  net::HttpRequest request;
  request.target = probe.http_path();
  if (!probe.host().empty()) request.headers.add("Host", probe.host());
  request.headers.add("User-Agent", "paastech-probe");
  request.headers.add("Connection", "close");
  return request;
}

}  // namespace

Status check_probe(const v1::Probe& probe, int port) {
  if (!probe.http_path().empty() && probe.command_size() > 0)
    return fail(Code::kInvalidArgument, "a probe is a path or a command, not both");
  if (probe.command_size() == 0 && port == 0)
    return fail(Code::kInvalidArgument, "a process that takes no requests can only be probed by a command");
  if (!probe.http_path().empty() && (!probe.http_path().starts_with('/') || !is_plain(probe.http_path())))
    return fail(Code::kInvalidArgument, "a probe's path begins with / and has no spaces");
  if (!is_plain(probe.host())) return fail(Code::kInvalidArgument, "a probe's host is the name of one");
  if (low_of(probe) < 100 || high_of(probe) > 599 || low_of(probe) > high_of(probe))
    return fail(Code::kInvalidArgument, "a probe's statuses lie between 100 and 599");
  if (probe.command_size() > kMaxWords) return fail(Code::kInvalidArgument, "a probe's command has too many words");
  for (const std::string& word : probe.command())
    if (word.size() > kMaxProbeText || word.find('\0') != std::string::npos)
      return fail(Code::kInvalidArgument, "a probe's command has a word that cannot be");
  return {};
}

std::string wanted_answer(const v1::Probe& probe) {
  const int low = low_of(probe);
  const int high = high_of(probe);
  if (probe.command_size() > 0) return "it must end with 0";
  if (low == kStatusLow && high == kStatusHigh) return "it must answer 2xx or 3xx";
  return low == high ? fmt::format("it must answer {}", low) : fmt::format("it must answer {} to {}", low, high);
}

net::Task<ProbeAttempt> probe_once(std::string address, std::uint16_t port, v1::Probe probe,
                                   std::chrono::milliseconds timeout, std::shared_ptr<ProbeAbort> abort) {
  ProbeAttempt attempt;
  const std::chrono::milliseconds to_connect = std::min(timeout, kConnectTime);
  attempt.detail = fmt::format("port {} accepts no connection", port);
  if (probe.http_path().empty()) {
    attempt.connected = co_await accepts(address, port, to_connect);
    attempt.well = attempt.connected;
    if (attempt.well) attempt.detail = fmt::format("port {} accepts connections", port);
    co_return attempt;
  }
  const net::HttpClient client(net::Endpoint{.host = address, .port = port});
  net::HttpRequest request = request_of(probe);
  net::RequestLimits limits;
  limits.timeout = to_connect;
  auto opened = co_await client.open(std::move(request), false, limits);
  if (!opened) co_return attempt;
  attempt.connected = true;
  attempt.detail = fmt::format("GET {} gave no answer", probe.http_path());
  const std::shared_ptr<net::HttpExchange> exchange = std::move(*opened);
  auto executor = co_await asio::this_coro::executor;
  const auto late = std::make_shared<bool>(false);
  asio::steady_timer deadline(executor, timeout);
  deadline.async_wait([weak = std::weak_ptr(exchange), late](const boost::system::error_code& cancelled) {
    if (const auto alive = weak.lock(); alive && !cancelled) {
      *late = true;
      alive->close();
    }
  });
  abort->now = [weak = std::weak_ptr(exchange)] {
    if (const auto alive = weak.lock()) alive->close();
  };
  const Status head = co_await exchange->read_head();
  deadline.cancel();
  attempt.late = *late;
  if (attempt.late) attempt.detail += fmt::format(" within {:g} s", std::chrono::duration<double>(timeout).count());
  if (!head) co_return attempt;
  attempt.well = exchange->status() >= low_of(probe) && exchange->status() <= high_of(probe);
  attempt.detail = fmt::format("GET {} answered {}", probe.http_path(), exchange->status());
  co_return attempt;
}

}  // namespace paastech::pomegranate
