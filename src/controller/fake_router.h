#pragma once
// An ingress for the controller's tests: keeps what is published and says what its hosts lead to.
#include "controller/fake_neighbours.h"
#include "controller/published_table.h"

namespace paastech::controller {

class FakeRouter final : public router::Router::Service {
 public:
  explicit FakeRouter(Journal& journal) : journal_(journal) {}
  grpc::Status Publish(grpc::ServerContext* call, const router::RouteTable* table, router::PublishReply*) override;
  grpc::Status Drain(grpc::ServerContext* call, const router::DrainRequest* request, router::DrainReply*) override;
  grpc::Status Statistics(grpc::ServerContext*, const router::StatisticsRequest*,
                          router::StatisticsReply* reply) override;
  // The Deployments that each host of the Project leads to; nothing where it has no host.
  std::optional<std::vector<std::int64_t>> routed(const std::string& project) const;
  // As one that was restarted without its file.
  void forget();
  Gate publish_gate;
  Gate drain_gate;
  std::atomic<std::int32_t> drain_ms = -1;  // that the last drain was to last at most
  std::atomic<bool> down = false;

 private:
  Journal& journal_;
  mutable std::mutex mutex_;
  router::RouteTable table_;
};

}  // namespace paastech::controller
