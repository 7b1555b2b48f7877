#pragma once
// An Instance on its way from nothing to ready: what docker_group.cc and docker_ready.cc share. Thread: the loop's.
#include <string>
#include <vector>

#include "docker/containers.h"
#include "net/http_client.h"
#include "pomegranate/engine.h"
#include "pomegranate/names.h"
#include "pomegranate/probe.h"
#include "pomegranate/utf8.h"

namespace paastech::pomegranate {

struct BringUp {
  explicit BringUp(net::Executor executor) : changed(std::move(executor)) {}
  InstanceKey key;
  docker::ContainerSpec spec;
  v1::Probe probe;
  bool probed = false;  // else it is ready once it runs
  int port = 0;
  std::string id;  // once there is a container
  std::string state;
  docker::ContainerDetails details;
  std::shared_ptr<net::HttpExchange> wait;  // for its end, from when the Engine answers until it is decided
  bool decided = false;
  net::Notifier changed;
  bool exited = false;
  std::shared_ptr<ProbeAbort> attempt = std::make_shared<ProbeAbort>();
  void wake() {
    if (attempt->now) attempt->now();
    changed.notify();
  }
  void decide() {
    decided = true;
    if (wait) wait->close();
  }
  SinkPtr<v1::GroupEvent> sink;
};

v1::GroupEvent start_failed(std::string reason, std::string message, std::vector<std::string> lines = {});
// Whether the Engine could not start a program because of what it is told to start.
bool is_client_fault(const std::string& message);

}  // namespace paastech::pomegranate
