#include "controller/metrics_collector.h"

#include <gtest/gtest.h>

#include "controller/counting_neighbours.h"
#include "controller/grpc_reports.h"
#include "rpc/host.h"
#include "store/test_database.h"

namespace paastech::controller {
namespace {

namespace engine = paastech::pomegranate::v1;
namespace router = paastech::router::v1;
using metrics::Range;
using metrics::Sample;

struct MovedClock final : Clock {
  std::int64_t now_ms() const override { return now; }
  std::int64_t now = 1'800'000'000'000;
};

class MetricsCollectorTest : public ::testing::Test {
 protected:
  MetricsCollectorTest() {
    project_ = database_.add_project("shop", database_.add_client("ada").id).id;
    Result<std::unique_ptr<rpc::Host>> host = rpc::Host::start({&engine_, &router_}, "");
    if (!host) throw std::runtime_error(host.error().message);
    host_ = std::move(*host);
    engine_stub_ = engine::Pomegranate::NewStub(host_->channel());
    router_stub_ = router::Router::NewStub(host_->channel());
    engine_reports_ = std::make_unique<GrpcEngineReports>(*engine_stub_);
    ingress_reports_ = std::make_unique<GrpcIngressReports>(*router_stub_);
    collector_ = std::make_unique<MetricsCollector>(
        tasks_, MetricsCollector::Sources{*engine_reports_, {ingress_reports_.get()}, access_, clock_},
        metrics::History(database_.folder()));
  }
  ~MetricsCollectorTest() override { host_->stop(); }

  void run(net::Task<void> task) {
    bool done = false;
    net::asio::co_spawn(io_, std::move(task), [&done](const std::exception_ptr& failure) {
      done = true;
      if (failure) std::rethrow_exception(failure);
    });
    while (!done) io_.run_one();
  }
  // The round that ends 10 s later.
  void next() {
    clock_.now += 10'000;
    run(collector_->collect());
  }
  Sample last() const {
    return collector_->history().read(project_, "web", Range::kHour, clock_.now / 10'000 - 1, 1)[0];
  }

  net::asio::io_context io_;
  net::asio::executor_work_guard<net::asio::io_context::executor_type> guard_ = net::asio::make_work_guard(io_);
  net::TaskGroup tasks_{io_.get_executor()};
  store::TestDatabase database_;
  net::BlockingPool pool_{1};
  DatabaseAccess access_{*database_, pool_, pool_};
  MovedClock clock_;
  CountingEngine engine_;
  CountingRouter router_;
  std::unique_ptr<rpc::Host> host_;
  std::unique_ptr<engine::Pomegranate::Stub> engine_stub_;
  std::unique_ptr<router::Router::Stub> router_stub_;
  std::unique_ptr<GrpcEngineReports> engine_reports_;
  std::unique_ptr<GrpcIngressReports> ingress_reports_;
  std::unique_ptr<MetricsCollector> collector_;
  std::string project_;
};

TEST_F(MetricsCollectorTest, KeepsWhatTheNeighboursCount) {
  engine_.set(project_, 1'000'000'000, clock_.now - 5'000);
  router_.set(project_, 100, 0);
  next();
  EXPECT_EQ(last().slot, 0) << "nothing to compare with yet";
  engine_.set(project_, 6'000'000'000, clock_.now - 15'000);
  router_.set(project_, 130, 20);
  next();
  const Sample sample = last();
  EXPECT_EQ(sample.slot, clock_.now / 10'000 - 1) << "the period that has just ended";
  EXPECT_DOUBLE_EQ(*sample.cpus(), 0.5);
  EXPECT_EQ(sample.memory_bytes, 64 << 20);
  EXPECT_EQ(sample.memory_limit_bytes, 512 << 20);
  EXPECT_EQ(sample.milli_instances, 1000U);
  EXPECT_EQ(sample.by_class[1], 30U);
  EXPECT_EQ(sample.by_class[4], 20U);
  EXPECT_EQ(sample.by_latency[4], 50U);
  EXPECT_EQ(collector_->ledger().totals().at({project_, "web"}).visits.by_class[4], 20);
}

TEST_F(MetricsCollectorTest, LeavesAGapWhileTheEngineIsAway) {
  engine_.set(project_, 0, clock_.now - 5'000);
  router_.set(project_, 0, 0);
  next();
  engine_.set_down(true);
  router_.set(project_, 7, 0);
  next();
  EXPECT_FALSE(last().cpus());
  EXPECT_EQ(last().by_class[1], 7U) << "visitors come all the same";
  engine_.set_down(false);
  next();
  EXPECT_TRUE(last().cpus());
  engine_.set_down(true);
  router_.set_down(true);
  next();
  EXPECT_EQ(last(), Sample()) << "nobody answers: no sample at all";
}

TEST_F(MetricsCollectorTest, AsksForStartsOnlyWhereOneMayHaveHappened) {
  engine_.set(project_, 1'000, clock_.now - 5'000);
  next();
  EXPECT_EQ(engine_.lists(), 1);
  for (int i = 0; i < 5; ++i) next();
  EXPECT_EQ(engine_.lists(), 1);
  next();
  EXPECT_EQ(engine_.lists(), 2) << "once a minute";
  engine_.set(project_, 10, clock_.now + 3'000);
  next();
  EXPECT_EQ(engine_.lists(), 3) << "its figures have begun anew";
  EXPECT_EQ(last().restarts, 1U);
}

TEST_F(MetricsCollectorTest, RemovesTheHistoryOfProjectsThatAreGone) {
  const std::string gone = new_uuid();
  Sample sample;
  sample.slot = clock_.now / 10'000;
  for (const std::string& project : {project_, gone})
    ASSERT_TRUE(collector_->history().add(project, "web", sample)) << project;
  run(collector_->sweep());
  EXPECT_EQ(collector_->history().projects(), std::vector{project_});
  ASSERT_TRUE(database_.write([&](store::Tx& tx) { return store::delete_project(tx, project_); }));
  run(collector_->sweep());
  EXPECT_TRUE(collector_->history().projects().empty());
}

TEST_F(MetricsCollectorTest, KeepsNothingOfProjectsThatDoNotRun) {
  router_.set(project_, 0, 0);
  next();
  router_.set(project_, 0, 900);
  next();
  next();
  EXPECT_TRUE(collector_->history().projects().empty());
  EXPECT_TRUE(collector_->ledger().totals().empty());
}

}  // namespace
}  // namespace paastech::controller
