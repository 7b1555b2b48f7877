// The figures of Applications: of the moment, over time, and for Prometheus.
#include <gmock/gmock.h>

#include "api/http/project_figures.h"
#include "api/test_support.h"
#include "controller/counting_neighbours.h"
#include "controller/grpc_reports.h"
#include "controller/metrics_collector.h"

namespace paastech::api {
namespace {

using testing::HasSubstr;
using testing::Not;

class StatsTest : public ApiTest {
 protected:
  StatsTest() : ada_(add_client("ada")), token_(token_of(ada_)), shop_(add_project("shop", ada_)) {
    counting_host_ = host({&counting_engine_, &counting_router_});
    counting_stub_ = engine::Pomegranate::NewStub(counting_host_->channel());
    router_stub_ = paastech::router::v1::Router::NewStub(counting_host_->channel());
    engine_figures_ = std::make_unique<controller::GrpcEngineReports>(*counting_stub_);
    ingress_figures_ = std::make_unique<controller::GrpcIngressReports>(*router_stub_);
    collector_ = std::make_unique<controller::MetricsCollector>(
        tasks_, controller::MetricsCollector::Sources{*engine_figures_, {ingress_figures_.get()}, *access_, clock_},
        metrics::History(folder_));
    context_->metrics = collector_.get();
  }
  ~StatsTest() override { counting_host_->stop(); }

  // A round, 10 s later, in which half a core was used and requests were answered.
  void round(std::int64_t good, std::int64_t bad = 0) {
    clock_.now += 10'000;
    cpu_ns_ += 5'000'000'000;
    counting_engine_.set(shop_.id, cpu_ns_, 1'799'999'990'000);
    counting_router_.set(shop_.id, good_ += good, bad_ += bad);
    run_void(collector_->collect());
  }
  boost::json::object get(const std::string& path) {
    const net::HttpResponse answer = ask("GET", "/api/v1/projects/shop" + path, token_);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return json(answer);
  }
  static boost::json::value last(const boost::json::object& answer, const std::string& name, std::size_t back = 0) {
    const boost::json::array& column = answer.at("series").at(name).as_array();
    return column.at(column.size() - 1 - back);
  }

  store::ClientRow ada_;
  std::string token_;
  store::ProjectRow shop_;
  controller::CountingEngine counting_engine_;
  controller::CountingRouter counting_router_;
  std::unique_ptr<rpc::Host> counting_host_;
  std::unique_ptr<engine::Pomegranate::Stub> counting_stub_;
  std::unique_ptr<paastech::router::v1::Router::Stub> router_stub_;
  std::unique_ptr<controller::GrpcEngineReports> engine_figures_;
  std::unique_ptr<controller::GrpcIngressReports> ingress_figures_;
  std::unique_ptr<controller::MetricsCollector> collector_;
  std::int64_t cpu_ns_ = 0;
  std::int64_t good_ = 0;
  std::int64_t bad_ = 0;
};

TEST_F(StatsTest, ShowsEachProcessOverTheLastMinute) {
  EXPECT_TRUE(get("/stats").at("processes").as_array().empty()) << "nothing has run";
  round(0);
  boost::json::value web = get("/stats").at("processes").at(0);
  EXPECT_EQ(web.at("name"), "web");
  EXPECT_EQ(web.at("instances"), 1);
  EXPECT_TRUE(web.at("cpu_percent").is_null()) << "not known yet, which is not 0";
  EXPECT_TRUE(web.at("requests_per_second").is_null());
  round(90, 10);
  round(0);
  web = get("/stats").at("processes").at(0);
  EXPECT_EQ(web.at("cpu_percent").to_number<double>(), 50);
  EXPECT_EQ(web.at("memory_bytes"), 64 << 20);
  EXPECT_EQ(web.at("requests_per_second").to_number<double>(), 5);
  EXPECT_EQ(web.at("errors_per_second").to_number<double>(), 0.5);
  EXPECT_EQ(web.at("latency_p50_ms").to_number<double>(), 6) << "the middle of 4 … 8 ms";
  EXPECT_EQ(web.at("restarts"), 0);
  EXPECT_EQ(get("/stats").at("items").at(0).at("name"), "web.1");
}

TEST_F(StatsTest, GivesColumnsForCharts) {
  for (const std::int64_t good : {0, 20, 40}) round(good);
  const boost::json::object hour = get("/metrics");
  EXPECT_EQ(hour.at("process"), "web");
  EXPECT_EQ(hour.at("processes"), boost::json::array({"web"}));
  EXPECT_EQ(hour.at("resolution_seconds"), 10);
  EXPECT_EQ(hour.at("from").as_string(), rfc3339(clock_.now - 3'600'000));
  for (const auto& [name, column] : hour.at("series").as_object())
    EXPECT_EQ(column.as_array().size(), 360U) << std::string_view(name);
  EXPECT_EQ(last(hour, "requests_per_second").to_number<double>(), 4);
  EXPECT_EQ(last(hour, "status_2xx_per_second", 1).to_number<double>(), 2);
  EXPECT_EQ(last(hour, "status_5xx_per_second").to_number<double>(), 0);
  EXPECT_EQ(last(hour, "cpus").to_number<double>(), 0.5);
  EXPECT_TRUE(last(hour, "cpus", 2).is_null()) << "a gap is a gap";
  const boost::json::object week = get("/metrics?range=week&process=web");
  EXPECT_EQ(week.at("resolution_seconds"), 300);
  EXPECT_EQ(week.at("series").at("instances").as_array().size(), 2016U);
  EXPECT_EQ(last(week, "requests_per_second").to_number<double>(), 3) << "over the time that is known";
  EXPECT_EQ(last(week, "instances").to_number<double>(), 1);
  const boost::json::object other = get("/metrics?process=worker");
  EXPECT_TRUE(last(other, "instances").is_null());
}

TEST_F(StatsTest, IsNotAheadOfTheFigures) {
  round(0);
  round(10);
  clock_.now += 10'000;  // the next round is being made
  EXPECT_EQ(last(get("/metrics"), "requests_per_second").to_number<double>(), 1);
  clock_.now += 60'000;  // the collector stands still
  EXPECT_TRUE(last(get("/metrics"), "requests_per_second").is_null());
}

TEST_F(StatsTest, RefusesWhatIsNoRangeAndNoProcess) {
  for (const std::string query : {"range=year", "process=..%2Fother", "process=WEB", "process=", "step=1"})
    EXPECT_GE(ask("GET", "/api/v1/projects/shop/metrics?" + query, token_).status, 400) << query;
  EXPECT_EQ(ask("GET", "/api/v1/projects/shop/metrics", token_of(add_client("eve"))).status, 404);
}

TEST_F(StatsTest, TellsPrometheusOfEachProject) {
  const std::string root = token_of(add_client("root", true));
  round(0);
  round(90, 10);
  counting_engine_.set(shop_.id, 0, clock_.now + 3'000);  // it was started again
  clock_.now += 10'000;
  run_void(collector_->collect());
  context_->ingresses = {ingress_figures_.get()};
  const std::string text = ask("GET", "/metrics", root).body;
  const std::string labels = "{project=\"" + shop_.id + "\",name=\"shop\",process=\"web\"";
  for (const std::string& line :
       {"paastech_app_instances" + labels + "} 1\n", "paastech_app_cpu_seconds_total" + labels + "} 5\n",
        "paastech_app_memory_bytes" + labels + "} 67108864\n",
        "paastech_app_memory_limit_bytes" + labels + "} 536870912\n", "paastech_app_restarts_total" + labels + "} 1\n",
        "paastech_app_requests_total" + labels + ",status=\"2xx\"} 90\n",
        "paastech_app_requests_total" + labels + ",status=\"5xx\"} 10\n",
        "paastech_app_request_duration_seconds_bucket" + labels + ",le=\"0.004\"} 0\n",
        "paastech_app_request_duration_seconds_bucket" + labels + ",le=\"0.008\"} 100\n",
        "paastech_app_request_duration_seconds_bucket" + labels + ",le=\"+Inf\"} 100\n",
        "paastech_app_request_duration_seconds_count" + labels + "} 100\n", std::string("paastech_engine_up 1\n"),
        std::string("paastech_router_up{router=\"0\"} 1\n")})
    EXPECT_THAT(text, HasSubstr(line));
  ASSERT_TRUE(database_->write([&](store::Tx& tx) { return store::delete_project(tx, shop_.id); }));
  EXPECT_THAT(ask("GET", "/metrics", root).body, Not(HasSubstr("paastech_app_"))) << "a Project that is gone";
}

TEST(ProjectFigures, AreBoundedInNumber) {
  metrics::Ledger ledger;
  metrics::Round round;
  round.instances.emplace();
  for (int i = 0; i < 1500; ++i)
    for (const std::string process : {"web", "worker"}) (*round.instances)[{std::to_string(10'000 + i), process, 1, 1}];
  ledger.take(std::move(round));
  EXPECT_EQ(projects_of(ledger).size(), kMostProjects);
  std::map<std::string, std::string> names;
  for (const std::string& id : projects_of(ledger)) names[id] = "name";
  EXPECT_EQ(project_families(ledger, names).at(0).metric.size(), 2 * kMostProjects);
}

}  // namespace
}  // namespace paastech::api
