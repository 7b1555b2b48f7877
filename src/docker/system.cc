#include "docker/system.h"

#include "docker/json.h"

namespace paastech::docker {

net::Task<Result<SystemInfo>> system_info(ClientPtr client) {
  CO_TRY_ASSIGN(const net::HttpResponse response, co_await client->call("GET", "/info"));
  CO_TRY_ASSIGN(const json::bj::value answer, json::parse(response.body));
  SystemInfo info;
  info.engine_version = json::text(json::at(answer, "ServerVersion"));
  info.proxied =
      !json::text(json::at(answer, "HttpsProxy")).empty() && !json::text(json::at(answer, "HttpProxy")).empty();
  // "driver-type" among what the store says of itself, as `docker info` shows it.
  for (const json::bj::value& line : json::items(json::at(answer, "DriverStatus")))
    for (const json::bj::value& part : json::items(line))
      info.containerd_store = info.containerd_store || json::text(part) == "io.containerd.snapshotter.v1";
  info.root_folder = json::text(json::at(answer, "DockerRootDir"));
  info.cgroup_version = json::text(json::at(answer, "CgroupVersion"));
  if (const json::bj::object* runtimes = json::at(answer, "Runtimes").if_object())
    for (const auto& runtime : *runtimes) info.runtimes.emplace_back(runtime.key().data(), runtime.key().size());
  co_return info;
}

}  // namespace paastech::docker
