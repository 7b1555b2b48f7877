#pragma once
// What the Docker Engine says about itself. Threads and errors: client.h.
#include "docker/client.h"

namespace paastech::docker {

struct SystemInfo {
  std::string engine_version;
  std::string cgroup_version;
  std::vector<std::string> runtimes;
  bool proxied = false;  // it asks others than this machine through a proxy, by HTTP and HTTPS, which looks names up
  bool containerd_store = false;  // it keeps images in containerd's store (Docker 29's default), not in one of its own
  std::string root_folder;        // where its images and containers lie, on its own machine
};

net::Task<Result<SystemInfo>> system_info(ClientPtr client);

}  // namespace paastech::docker
