#include "controller/fake_router.h"

namespace paastech::controller {

grpc::Status FakeRouter::Publish(grpc::ServerContext* call, const router::RouteTable* table, router::PublishReply*) {
  if (down) {
    journal_.add("publish refused");
    return {grpc::StatusCode::UNAVAILABLE, "the ingress does not answer"};
  }
  journal_.add("publish asked");
  if (!publish_gate.pass(call)) return grpc::Status::CANCELLED;
  const std::scoped_lock lock(mutex_);
  if (table->version() < table_.version()) return {grpc::StatusCode::FAILED_PRECONDITION, "an older table"};
  if (!take_table(table_, *table)) return {grpc::StatusCode::FAILED_PRECONDITION, "a change of another table"};
  journal_.add("publish");
  journal_.add(table->based_on() == 0 ? "publish of all" : fmt::format("publish of {}", table->projects_size()));
  const auto leads_nowhere = [](const router::Route& route) { return route.backends().empty(); };
  if (std::ranges::all_of(table_.routes(), leads_nowhere)) journal_.add("publish of nothing");
  return grpc::Status::OK;
}

grpc::Status FakeRouter::Drain(grpc::ServerContext* call, const router::DrainRequest* request, router::DrainReply*) {
  drain_ms = request->timeout_ms();
  for (const router::Backend& backend : request->backends())
    journal_.add("drain " + std::to_string(backend.deployment()));
  return drain_gate.pass(call) ? grpc::Status::OK : grpc::Status::CANCELLED;
}

grpc::Status FakeRouter::Statistics(grpc::ServerContext*, const router::StatisticsRequest*,
                                    router::StatisticsReply* reply) {
  const std::scoped_lock lock(mutex_);
  reply->set_table_version(table_.version());
  return grpc::Status::OK;
}

std::optional<std::vector<std::int64_t>> FakeRouter::routed(const std::string& project) const {
  const std::scoped_lock lock(mutex_);
  std::optional<std::vector<std::int64_t>> found;
  for (const router::Route& route : table_.routes()) {
    if (route.project() != project) continue;
    found.emplace();
    for (const router::Backend& backend : route.backends()) found->push_back(backend.deployment());
  }
  return found;
}

void FakeRouter::forget() {
  const std::scoped_lock lock(mutex_);
  table_.Clear();
}

}  // namespace paastech::controller
