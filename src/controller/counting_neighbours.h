#pragma once
// For tests of metrics: an Engine with one Instance of `web`, and an ingress with one Project, that count what the test
// says. Thread: any.
#include <mutex>
#include <string>

#include "controller/reports.h"
#include "pomegranate.grpc.pb.h"
#include "router.grpc.pb.h"

namespace paastech::controller {

class CountingEngine final : public engine::Pomegranate::Service {
 public:
  grpc::Status Stats(grpc::ServerContext*, const engine::StatsRequest*, engine::StatsReply* reply) override {
    const std::scoped_lock lock(mutex_);
    if (down_) return {grpc::StatusCode::UNAVAILABLE, "the Docker Engine does not answer"};
    *reply = stats_;
    return grpc::Status::OK;
  }
  grpc::Status List(grpc::ServerContext*, const engine::ListRequest*, engine::ListReply* reply) override {
    const std::scoped_lock lock(mutex_);
    ++lists_;
    *reply = list_;
    return grpc::Status::OK;
  }
  void set_down(bool down) {
    const std::scoped_lock lock(mutex_);
    down_ = down;
  }
  // The only Instance, as it is now.
  void set(const std::string& project, std::int64_t cpu_ns, std::int64_t started_at_ms) {
    const std::scoped_lock lock(mutex_);
    stats_.clear_instances();
    list_.clear_instances();
    engine::InstanceStats& stats = *stats_.add_instances();
    engine::Instance& instance = *list_.add_instances();
    const auto name = [&](auto& one) {
      one.set_project(project);
      one.set_process("web");
      one.set_deployment(1);
      one.set_index(1);
    };
    name(stats);
    name(instance);
    stats.set_cpu_ns(cpu_ns);
    stats.set_memory_bytes(64 << 20);
    stats.set_memory_limit_bytes(512 << 20);
    instance.set_started_at_ms(started_at_ms);
  }
  int lists() {
    const std::scoped_lock lock(mutex_);
    return lists_;
  }

 private:
  std::mutex mutex_;
  engine::StatsReply stats_;
  engine::ListReply list_;
  bool down_ = false;
  int lists_ = 0;
};

class CountingRouter final : public router::Router::Service {
 public:
  grpc::Status Statistics(grpc::ServerContext*, const router::StatisticsRequest*,
                          router::StatisticsReply* reply) override {
    const std::scoped_lock lock(mutex_);
    if (down_) return {grpc::StatusCode::UNAVAILABLE, "the ingress does not answer"};
    *reply = reply_;
    return grpc::Status::OK;
  }
  void set_down(bool down) {
    const std::scoped_lock lock(mutex_);
    down_ = down;
  }
  void set(const std::string& project, std::int64_t good, std::int64_t bad) {
    const std::scoped_lock lock(mutex_);
    reply_.clear_hosts();
    router::HostStatistics& host = *reply_.add_hosts();
    host.set_project(project);
    for (const std::int64_t n : {std::int64_t{0}, good, std::int64_t{0}, std::int64_t{0}, bad}) host.add_by_class(n);
    for (int i = 0; i < 19; ++i) host.add_by_latency(i == 4 ? good + bad : 0);
  }

 private:
  std::mutex mutex_;
  bool down_ = false;
  router::StatisticsReply reply_;
};

}  // namespace paastech::controller
