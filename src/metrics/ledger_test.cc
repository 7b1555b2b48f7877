#include "metrics/ledger.h"

#include <gtest/gtest.h>

namespace paastech::metrics {
namespace {

constexpr std::int64_t kStart = 1'800'000'000'000;
constexpr std::int64_t kSecond = 1'000'000'000;  // of CPU
const InstanceKey kWeb{"shop", "web", 3, 1};

class LedgerTest : public ::testing::Test {
 protected:
  // The next round, 10 s later; no instances or no ingress: they did not answer.
  std::map<ProcessKey, Sample> next(std::optional<Instances> instances,
                                    std::optional<std::vector<IngressVisits>> ingresses = std::vector<IngressVisits>(1),
                                    std::int64_t after_ms = 10'000) {
    now_ += after_ms;
    Round round{now_ - kStart, now_, ++slot_, std::move(instances), starts_, std::move(ingresses)};
    std::map<ProcessKey, Sample> out;
    for (const Entry& entry : ledger_.take(std::move(round))) {
      EXPECT_EQ(entry.sample.slot, slot_);
      out[entry.key] = entry.sample;
    }
    return out;
  }
  static InstanceFigures figures(std::int64_t cpu_ns, std::int64_t received = 0) {
    InstanceFigures out;
    out.cpu_ns = cpu_ns;
    out.received_bytes = received;
    out.memory_bytes = 100;
    out.memory_limit_bytes = 512;
    return out;
  }
  static IngressVisits visits(std::int64_t answers, const std::string& project = "shop") {
    Visits out;
    out.by_class[1] = out.by_latency[4] = answers;
    return {{project, out}};
  }
  const Totals& totals() { return ledger_.totals().at({"shop", "web"}); }

  Ledger ledger_;
  std::int64_t now_ = kStart;
  std::int64_t slot_ = 180'000'000;
  std::optional<Starts> starts_ = Starts{{kWeb, {kStart - 1000, 0}}};
  const ProcessKey web_{"shop", "web"};
};

TEST_F(LedgerTest, SaysNothingBeforeItCanCompare) {
  EXPECT_TRUE(next(Instances{{kWeb, figures(100 * kSecond)}}, {{visits(1'000)}}).empty());
  const Sample sample = next(Instances{{kWeb, figures(105 * kSecond, 7)}}, {{visits(1'020)}})[web_];
  EXPECT_DOUBLE_EQ(*sample.cpus(), 0.5);
  EXPECT_EQ(sample.peak_milli_cpus, 500U);
  EXPECT_EQ(sample.milli_instances, 1000U);
  EXPECT_EQ(sample.memory_bytes, 100);
  EXPECT_EQ(sample.received_bytes, 7);
  EXPECT_DOUBLE_EQ(*sample.requests_per_second(sample.requests()), 2);
  EXPECT_EQ(sample.by_latency[4], 20U);
  EXPECT_EQ(totals().cpu_ns, 5 * kSecond) << "since the ledger began";
  EXPECT_EQ(totals().visits.by_class[1], 20);
}

TEST_F(LedgerTest, AddsUpTheInstancesOfAProcessAndKeepsOthersApart) {
  const InstanceKey second{"shop", "web", 3, 2};
  const InstanceKey worker{"shop", "worker", 3, 1};
  next(Instances{{kWeb, figures(0)}, {second, figures(0)}, {worker, figures(0)}});
  auto all = next(Instances{{kWeb, figures(kSecond)}, {second, figures(kSecond)}, {worker, figures(9 * kSecond)}});
  EXPECT_EQ(all[web_].cpu_ns, 2 * kSecond);
  EXPECT_EQ(all[web_].milli_instances, 2000U);
  EXPECT_EQ(all[web_].memory_limit_bytes, 1024);
  const Sample& other = all[ProcessKey{"shop", "worker"}];
  EXPECT_EQ(other.cpu_ns, 9 * kSecond);
  EXPECT_EQ(other.router_ms, 0U) << "only web takes requests";
}

TEST_F(LedgerTest, SeesARestartByFiguresThatBeginAnew) {
  next(Instances{{kWeb, figures(50 * kSecond)}});
  EXPECT_FALSE(ledger_.starts_may_differ({{kWeb, figures(51 * kSecond)}}));
  EXPECT_TRUE(ledger_.starts_may_differ({{kWeb, figures(2 * kSecond)}}));
  EXPECT_TRUE(ledger_.starts_may_differ({}));
  starts_ = Starts{{kWeb, {kStart + 15'000, 1}}};
  Sample sample = next(Instances{{kWeb, figures(2 * kSecond)}})[web_];
  EXPECT_EQ(sample.cpu_ns, 2 * kSecond);
  EXPECT_EQ(sample.restarts, 1U);
  starts_ = Starts{{kWeb, {kStart + 25'000, 4}}};
  EXPECT_EQ(next(Instances{{kWeb, figures(3 * kSecond)}})[web_].restarts, 3U) << "the Engine counts those in between";
  starts_ = Starts{{kWeb, {kStart + 35'000, 0}}};
  EXPECT_EQ(next(Instances{{kWeb, figures(4 * kSecond)}})[web_].restarts, 1U) << "started by hand";
  EXPECT_EQ(next(Instances{{kWeb, figures(4 * kSecond)}})[web_].restarts, 0U);
  EXPECT_EQ(totals().restarts, 5);
}

TEST_F(LedgerTest, CountsTheRestartsOfOneThatItMeetsLate) {
  starts_ = Starts{};
  next(Instances{});
  starts_ = Starts{{kWeb, {kStart + 15'000, 3}}};
  EXPECT_EQ(next(Instances{{kWeb, figures(kSecond)}})[web_].restarts, 3U);
}

TEST_F(LedgerTest, CountsANewInstanceFromItsStartAndADoubtfulOneFromNow) {
  next(Instances{});
  starts_ = Starts{{kWeb, {now_ + 4'000, 0}}};
  EXPECT_EQ(next(Instances{{kWeb, figures(3 * kSecond)}})[web_].cpu_ns, 3 * kSecond);
  const InstanceKey old{"shop", "web", 2, 1};
  (*starts_)[old] = {kStart - 86'400'000, 0};
  EXPECT_EQ(next(Instances{{kWeb, figures(3 * kSecond)}, {old, figures(900 * kSecond)}})[web_].cpu_ns, 0)
      << "it ran all the time: the Engine had left it out";
}

TEST_F(LedgerTest, IsNotMisledByAnInstanceThatIsLeftOutForATime) {
  next(Instances{{kWeb, figures(900 * kSecond)}});
  next(Instances{});
  EXPECT_EQ(next(Instances{{kWeb, figures(904 * kSecond)}})[web_].cpu_ns, 4 * kSecond);
  for (int i = 0; i < 6; ++i) next(Instances{});
  EXPECT_EQ(next(Instances{{kWeb, figures(999 * kSecond)}})[web_].cpu_ns, 0) << "a minute's use in 10 s";
}

TEST_F(LedgerTest, MakesGapsWhereSomebodyIsAway) {
  next(Instances{{kWeb, figures(0)}}, {{visits(0)}});
  Sample sample = next(std::nullopt, {{visits(10)}})[web_];
  EXPECT_EQ(sample.engine_ms, 0U);
  EXPECT_EQ(sample.by_class[1], 10U) << "the ingress goes on";
  EXPECT_EQ(totals().instances, 1) << "as far as anybody knows";
  sample = next(Instances{{kWeb, figures(4 * kSecond)}}, std::nullopt)[web_];
  EXPECT_EQ(sample.router_ms, 0U);
  EXPECT_DOUBLE_EQ(*sample.cpus(), 0.2) << "over the 20 s that it covers";
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(next(std::nullopt, std::nullopt).empty());
  EXPECT_TRUE(next(Instances{{kWeb, figures(90 * kSecond)}}, {{visits(500)}}).empty()) << "too long for one period";
  sample = next(Instances{{kWeb, figures(91 * kSecond)}}, {{visits(501)}})[web_];
  EXPECT_EQ(sample.cpu_ns, kSecond);
  EXPECT_EQ(sample.by_class[1], 1U);
}

TEST_F(LedgerTest, SeesAnIngressThatWasRestarted) {
  next(Instances{{kWeb, figures(0)}}, {{visits(100), visits(50)}});
  EXPECT_EQ(next(Instances{{kWeb, figures(0)}}, {{visits(3), visits(51)}})[web_].by_class[1], 4U);
  EXPECT_EQ(next(Instances{{kWeb, figures(0)}}, {{IngressVisits(), visits(51)}})[web_].by_class[1], 0U);
  EXPECT_EQ(next(Instances{{kWeb, figures(0)}}, {{visits(2), visits(51)}})[web_].by_class[1], 2U);
}

TEST_F(LedgerTest, ShowsNoneForAnHourAndThenForgets) {
  next(Instances{{kWeb, figures(0)}}, {{visits(0)}});
  const Sample down = next(Instances{}, {{visits(8)}})[web_];
  EXPECT_EQ(down.milli_instances, 0U);
  EXPECT_GT(down.engine_ms, 0U) << "known to be none, which is no gap";
  EXPECT_EQ(down.by_class[1], 8U);
  for (int i = 0; i < 359; ++i) next(Instances{});
  EXPECT_EQ(ledger_.totals().size(), 1U);
  next(Instances{});
  EXPECT_TRUE(ledger_.totals().empty());
  EXPECT_TRUE(next(Instances{}, {{visits(8)}}).empty());
}

TEST_F(LedgerTest, SaysNothingOfProjectsThatNeverRan) {
  next(Instances{}, {{visits(0)}});
  EXPECT_TRUE(next(Instances{}, {{visits(900)}}).empty());
  EXPECT_TRUE(ledger_.totals().empty());
}

}  // namespace
}  // namespace paastech::metrics
