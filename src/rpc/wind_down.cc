#include "rpc/wind_down.h"

namespace paastech::rpc {

net::Task<void> wind_down(net::TaskGroup& tasks, net::BlockingPool& aside, std::vector<Host*> hosts) {
  tasks.cancel();
  co_await tasks.join();
  auto stop_hosts = [hosts = std::move(hosts)] {
    for (Host* host : hosts)
      if (host != nullptr) host->stop();
    return true;
  };
  [[maybe_unused]] const bool stopped = co_await aside.run(std::move(stop_hosts));
  co_await tasks.join();
}

}  // namespace paastech::rpc
