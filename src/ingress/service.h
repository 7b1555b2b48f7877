#pragma once
// The router's control contract (proto/router.proto). Owner: Router. Calls arrive on gRPC's threads, which never wait:
// publishing and draining happen on one control thread of this object.
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "ingress/loop.h"
#include "ingress/table_file.h"
#include "router.grpc.pb.h"

namespace paastech::ingress {

class ControlService final : public router::v1::Router::CallbackService {
 public:
  // The loops outlive this object's stop().
  ControlService(Registry& registry, std::vector<std::unique_ptr<Loop>>& loops, std::filesystem::path table_file);
  ~ControlService() override;
  // Before start(): takes up the table on disk, where there is one. Failure: it cannot be read or understood.
  Status load();
  void start();
  void stop();  // pending calls end with UNAVAILABLE, as do later ones

  grpc::ServerUnaryReactor* Publish(grpc::CallbackServerContext* context, const router::v1::RouteTable* request,
                                    router::v1::PublishReply* reply) override;
  grpc::ServerUnaryReactor* Drain(grpc::CallbackServerContext* context, const router::v1::DrainRequest* request,
                                  router::v1::DrainReply* reply) override;
  grpc::ServerUnaryReactor* Statistics(grpc::CallbackServerContext* context,
                                       const router::v1::StatisticsRequest* request,
                                       router::v1::StatisticsReply* reply) override;

 private:
  struct Draining {
    grpc::CallbackServerContext* context;
    const router::v1::DrainRequest* request;  // gRPC keeps it until Finish
    router::v1::DrainReply* reply;
    grpc::ServerUnaryReactor* reactor;
    std::chrono::steady_clock::time_point until;
  };
  struct Work {
    grpc::ServerUnaryReactor* reactor;
    std::function<void()> run;
  };
  bool enqueue(grpc::ServerUnaryReactor* reactor, std::function<void()> run);
  void run();
  Status publish(const router::v1::RouteTable& table);
  void check_drains();

  Registry& registry_;
  std::vector<std::unique_ptr<Loop>>& loops_;
  TableFile table_file_;
  std::atomic<std::int64_t> version_{0};
  std::list<Draining> draining_;  // the control thread's
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Work> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace paastech::ingress
