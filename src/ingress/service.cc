#include "ingress/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <latch>

#include "base/failpoint.h"
#include "rpc/status.h"

namespace paastech::ingress {

using namespace std::chrono_literals;

namespace {
constexpr std::int32_t kMaxDrainMs = 300'000;  // proto/router.proto
constexpr auto kDrainLook = 5ms;               // a rollout waits for this at the most beyond the last request
}  // namespace

ControlService::ControlService(Registry& registry, std::vector<std::unique_ptr<Loop>>& loops,
                               std::filesystem::path table_file)
    : registry_(registry), loops_(loops), table_file_(std::move(table_file)) {}

ControlService::~ControlService() { stop(); }

Status ControlService::load() {
  TRY_ASSIGN(const std::vector<router::v1::RouteTable> tables, table_file_.load());
  for (const router::v1::RouteTable& table : tables) {
    TRY_ASSIGN(const std::shared_ptr<const TableChange> change, registry_.prepare(table));
    registry_.commit(table, *change);
    for (const std::unique_ptr<Loop>& loop : loops_) loop->apply(*change);
    version_ = table.version();
  }
  return {};
}

void ControlService::start() {
  thread_ = std::thread([this] { run(); });
}

void ControlService::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

bool ControlService::enqueue(grpc::ServerUnaryReactor* reactor, std::function<void()> run) {
  {
    const std::scoped_lock lock(mutex_);
    if (!stopping_) {
      queue_.push_back({reactor, std::move(run)});
      changed_.notify_one();
      return true;
    }
  }
  reactor->Finish({grpc::StatusCode::UNAVAILABLE, "the router is stopping"});
  return false;
}

void ControlService::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    const auto ready = [this] { return stopping_ || !queue_.empty(); };
    if (draining_.empty())
      changed_.wait(lock, ready);
    else
      changed_.wait_for(lock, kDrainLook, ready);
    if (stopping_) break;
    std::deque<Work> work;
    work.swap(queue_);
    lock.unlock();
    for (const Work& item : work) item.run();
    check_drains();
    lock.lock();
  }
  const grpc::Status gone(grpc::StatusCode::UNAVAILABLE, "the router is stopping");
  for (const Work& item : queue_) item.reactor->Finish(gone);
  for (const Draining& item : draining_) item.reactor->Finish(gone);
  queue_.clear();
  draining_.clear();
}

Status ControlService::publish(const router::v1::RouteTable& table) {
  const std::int64_t present = version_;
  if (table.version() < present)
    return fail(Code::kFailedPrecondition,
                fmt::format("the router has table version {}, later than {}", present, table.version()),
                "publish a version that is not lower");
  if (table.based_on() != 0 && (table.based_on() != present || !table_file_.takes_change()))
    return fail(
        Code::kFailedPrecondition,
        fmt::format("a change of table version {} was offered, but the router has version {}, or wants it whole",
                    table.based_on(), present),
        "publish the whole table");
  TRY_ASSIGN(const std::shared_ptr<const TableChange> change, registry_.prepare(table));
  PAASTECH_FAILPOINT("router.publish");
  TRY(table_file_.write(table));
  PAASTECH_FAILPOINT("router.written");
  registry_.commit(table, *change);
  std::latch served(static_cast<std::ptrdiff_t>(loops_.size()));
  for (const std::unique_ptr<Loop>& loop : loops_) {
    loop->post([&loop, &change, &served] {
      loop->apply(*change);
      served.count_down();
    });
  }
  served.wait();
  version_ = table.version();
  return {};
}

grpc::ServerUnaryReactor* ControlService::Publish(grpc::CallbackServerContext* context,
                                                  const router::v1::RouteTable* request,
                                                  router::v1::PublishReply* reply) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  enqueue(reactor, [this, reactor, request, reply] {
    const Status status = publish(*request);
    reply->set_version(version_);
    reactor->Finish(rpc::to_grpc(status));
  });
  return reactor;
}

grpc::ServerUnaryReactor* ControlService::Drain(grpc::CallbackServerContext* context,
                                                const router::v1::DrainRequest* request,
                                                router::v1::DrainReply* reply) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const auto until =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(std::clamp(request->timeout_ms(), 0, kMaxDrainMs));
  const Draining item{context, request, reply, reactor, until};
  enqueue(reactor, [this, item] { draining_.push_back(item); });
  return reactor;
}

void ControlService::check_drains() {
  const auto now = std::chrono::steady_clock::now();
  draining_.remove_if([this, now](const Draining& item) {
    const std::int64_t left = registry_.in_flight(item.request->backends());
    if (left > 0 && now < item.until && !item.context->IsCancelled()) return false;
    item.reply->set_in_flight(static_cast<std::int32_t>(left));
    item.reactor->Finish(grpc::Status::OK);
    return true;
  });
}

grpc::ServerUnaryReactor* ControlService::Statistics(grpc::CallbackServerContext* context,
                                                     const router::v1::StatisticsRequest*,
                                                     router::v1::StatisticsReply* reply) {
  registry_.statistics(*reply);
  std::int64_t open = 0;
  for (const std::unique_ptr<Loop>& loop : loops_) open += loop->connections();
  reply->set_open_connections(open);
  reply->set_table_version(version_);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

}  // namespace paastech::ingress
