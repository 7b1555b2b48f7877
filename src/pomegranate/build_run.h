#pragma once
// One build under way: what docker_build.cc and the watch of its disk (docker_disk.cc) share. Thread: the loop's.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "docker/build.h"
#include "docker/events.h"
#include "net/http_client.h"
#include "pomegranate/build_output.h"
#include "pomegranate/docker_engine.h"
#include "pomegranate/dockerfile_scan.h"

namespace paastech::pomegranate {

struct BuildRun {
  explicit BuildRun(net::Executor executor) : deadline(executor), oom_news(executor) {}
  v1::BuildSpec spec;
  std::shared_ptr<TarSource> tar;
  SinkPtr<v1::BuildEvent> sink;
  DefaultLimits limits;
  std::string nonce;          // in the hosts file of this build's containers
  std::int64_t began_ms = 0;  // in whole seconds, as the Engine says when an image was made
  std::string image;
  std::unique_ptr<net::HttpExchange> exchange;
  std::unique_ptr<docker::EventStream> events;
  net::asio::steady_timer deadline;
  net::Notifier oom_news;
  BuildOutput output;
  std::optional<DockerfileScan> scan;
  std::vector<BaseImage> base_images;
  std::shared_ptr<Fetch> fetch = std::make_shared<Fetch>();
  std::optional<Error> invalid;            // what is wrong with the Dockerfile, or with what it builds on
  std::vector<std::string> containers;     // verified
  std::vector<std::string> layers;         // what they were made from
  std::vector<std::string> out_of_memory;  // any container that the kernel killed a process of
  bool timed_out = false;
  bool overfull = false;  // it wrote more than it may
  bool cancelled = false;
  // All that is known of its layers, for layer_bytes().
  std::vector<std::string> tips() const {
    std::vector<std::string> out = layers;
    out.insert(out.end(), output.stage_ends().begin(), output.stage_ends().end());
    out.insert(out.end(), output.recent_layers().begin(), output.recent_layers().end());
    return out;
  }
  bool stopped() const { return timed_out || overfull || cancelled; }
  void stop() {
    fetch->stop();
    if (exchange) exchange->close();
  }
};

}  // namespace paastech::pomegranate
