#pragma once
// Makes the gRPC service of proto/pomegranate.proto on a Docker Engine. It starts without the Engine (calls then answer
// UNAVAILABLE) and heals by itself. Thread: calls run on the loop of `tasks`, which must outlive the service and be
// cancelled and joined before the service is destroyed, but after the gRPC server was shut down.
#include <memory>
#include <string>
#include <vector>

#include "net/task.h"

namespace grpc {
class Service;
}

namespace paastech::pomegranate {

struct Options {
  std::string docker_socket = "/var/run/docker.sock";
  std::string instance = "paastech";          // label value and name prefix: Services on one machine stay apart by it
  std::string subnet_pool = "10.208.0.0/12";  // private (RFC 1918), and apart from Docker's own defaults
  int subnet_bits = 28;                       // 13 Instances a Project, 65,536 Projects in a /12
  bool firewall = true;                       // close the host's own services to Applications and builds
  // What it may write beside its image, in its own file system; checked every 2 s (docker_disk.cc).
  std::int64_t instance_disk_bytes = 4LL << 30;  // an Instance or a one-off command
  std::int64_t build_disk_bytes = 8LL << 30;     // all steps of a build together
  // From which images are fetched beside the well-known ones (registry_list.h).
  std::vector<std::string> registries = {};
};

std::unique_ptr<grpc::Service> make_service(net::TaskGroup& tasks, Options options);

}  // namespace paastech::pomegranate
