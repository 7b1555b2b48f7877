#include "ingress/router.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "ingress/listener.h"
#include "ingress/service.h"

namespace paastech::ingress {
namespace {

// Raises the soft limit of descriptors to the hard one and says how many client connections a loop may then have: each
// may need a second descriptor towards its Backend, and some are left for the rest of the process.
int connections_within_limits(int wanted, int loops) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
  }
  constexpr rlim_t kReserve = 256;
  const rlim_t usable = limit.rlim_cur > 2 * kReserve ? limit.rlim_cur - kReserve : limit.rlim_cur / 2;
  const rlim_t each = usable / 2 / static_cast<rlim_t>(loops);
  return static_cast<int>(std::min<rlim_t>(static_cast<rlim_t>(wanted), std::max<rlim_t>(each, 16)));
}

}  // namespace

struct Router::Parts {
  explicit Parts(int loop_count) : registry(loop_count) {}
  Registry registry;
  std::vector<std::unique_ptr<Loop>> loops;
  std::unique_ptr<ControlService> service;
  std::uint16_t port = 0;
  bool stopped = false;
};

Router::Router(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Router::~Router() { stop(); }

Result<std::unique_ptr<Router>> Router::start(RouterOptions options) {
  const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  const int count = std::clamp(options.loops > 0 ? options.loops : cores, 1, 64);
  TRY_ASSIGN(const CidrList trusted, CidrList::parse(options.trusted_proxy));
  TRY_ASSIGN(const std::vector<int> listeners, open_listeners(options.address, options.port, count));
  auto parts = std::make_unique<Parts>(count);
  parts->port = port_of(listeners[0]);
  options.limits.max_connections = connections_within_limits(options.limits.max_connections, count);
  for (int i = 0; i < count; ++i) {
    Result<std::unique_ptr<Loop>> loop =
        Loop::create({i, listeners[static_cast<std::size_t>(i)], options.limits, trusted});
    if (!loop) {
      for (int rest = i + 1; rest < count; ++rest) ::close(listeners[static_cast<std::size_t>(rest)]);
      return std::unexpected(loop.error());
    }
    parts->loops.push_back(std::move(*loop));
  }
  parts->service = std::make_unique<ControlService>(parts->registry, parts->loops, options.table_file);
  if (const Status loaded = parts->service->load(); !loaded)
    spdlog::warn("router: {}; serving nothing until api publishes the routes", loaded.error().message);
  for (const std::unique_ptr<Loop>& loop : parts->loops) loop->start();
  parts->service->start();
  return std::unique_ptr<Router>(new Router(std::move(parts)));
}

std::uint16_t Router::port() const { return parts_->port; }

grpc::Service& Router::service() { return *parts_->service; }

void Router::stop() {
  if (std::exchange(parts_->stopped, true)) return;
  parts_->service->stop();
  for (const std::unique_ptr<Loop>& loop : parts_->loops) loop->stop();
  for (const std::unique_ptr<Loop>& loop : parts_->loops) loop->join();
}

}  // namespace paastech::ingress
