#include "metrics/sample.h"

#include <gtest/gtest.h>

#include <vector>

namespace paastech::metrics {
namespace {

Sample of(std::int64_t slot, std::uint32_t ms) {
  Sample out;
  out.slot = slot;
  out.engine_ms = out.router_ms = ms;
  return out;
}

TEST(Aggregate, SumsWhatIsCountedAndAveragesWhatIs) {
  Sample low = of(1, 10'000);
  low.milli_instances = 1000;
  low.cpu_ns = 1'000'000'000;
  low.peak_milli_cpus = 100;
  low.memory_bytes = low.peak_memory_bytes = 100;
  low.memory_limit_bytes = 512;
  low.by_class = {0, 5, 0, 1, 0};
  low.by_latency[3] = 6;
  Sample high = of(2, 10'000);
  high.milli_instances = 3000;
  high.cpu_ns = 9'000'000'000;
  high.peak_milli_cpus = 900;
  high.memory_bytes = high.peak_memory_bytes = 300;
  high.memory_limit_bytes = 1536;
  high.restarts = 2;
  high.failed = 1;
  high.received_bytes = 7;
  high.by_class = {0, 1, 0, 0, 2};
  high.by_latency[3] = 1;
  const Sample all = aggregate(std::vector{low, Sample(), high}, 9);
  EXPECT_EQ(all.slot, 9);
  EXPECT_EQ(all.engine_ms, 20'000U) << "a gap covers nothing";
  EXPECT_EQ(all.milli_instances, 2000U);
  EXPECT_EQ(all.memory_bytes, 200);
  EXPECT_EQ(all.peak_memory_bytes, 300);
  EXPECT_EQ(all.memory_limit_bytes, 1536) << "the last";
  EXPECT_EQ(all.peak_milli_cpus, 900U);
  EXPECT_EQ(all.restarts, 2U);
  EXPECT_EQ(all.received_bytes, 7);
  EXPECT_EQ(all.requests(), 9U);
  EXPECT_EQ(all.by_latency[3], 7U);
  EXPECT_DOUBLE_EQ(*all.cpus(), 0.5) << "of the time that is known, not of five minutes";
  EXPECT_DOUBLE_EQ(*all.requests_per_second(all.by_class[4]), 0.1);
}

TEST(Aggregate, WeighsByTheTimeThatIsCovered) {
  Sample shortly = of(1, 5'000);
  shortly.milli_instances = 4000;
  Sample longer = of(2, 15'000);
  EXPECT_EQ(aggregate(std::vector{shortly, longer}, 1).milli_instances, 1000U);
}

TEST(Aggregate, KnowsNothingOfGaps) {
  const Sample nothing = aggregate(std::vector<Sample>(30), 4);
  EXPECT_FALSE(nothing.cpus());
  EXPECT_FALSE(nothing.per_second(1));
  EXPECT_FALSE(nothing.requests_per_second(0));
  Sample half = of(1, 10'000);
  half.engine_ms = 0;
  const Sample all = aggregate(std::vector{half}, 4);
  EXPECT_FALSE(all.cpus()) << "the Engine was away";
  EXPECT_DOUBLE_EQ(*all.requests_per_second(all.requests()), 0) << "the ingress was not";
}

TEST(Aggregate, DoesNotWrapAround) {
  Sample much = of(1, 10'000);
  much.by_class[1] = UINT32_MAX - 1;
  EXPECT_EQ(aggregate(std::vector{much, much}, 1).by_class[1], UINT32_MAX);
}

TEST(Quantile, LiesWithinItsBucket) {
  Latencies counts{};
  EXPECT_FALSE(quantile_ms(counts, 0.5)) << "no requests have no latency";
  counts[2] = 100;  // 1 … 2 ms
  EXPECT_DOUBLE_EQ(*quantile_ms(counts, 0.5), 1.5);
  EXPECT_DOUBLE_EQ(*quantile_ms(counts, 1), 2);
  EXPECT_DOUBLE_EQ(*quantile_ms(counts, 0), 1);
  counts = {};
  counts[0] = 90;
  counts[5] = 10;  // 8 … 16 ms
  EXPECT_DOUBLE_EQ(*quantile_ms(counts, 0.45), 0.25);
  EXPECT_DOUBLE_EQ(*quantile_ms(counts, 0.9), 0.5);
  EXPECT_DOUBLE_EQ(*quantile_ms(counts, 0.99), 8 + 8 * 0.9);
}

TEST(Quantile, IsTheLastBoundWhereItIsBeyondIt) {
  Latencies counts{};
  counts[kLatencyBuckets - 1] = 1;
  EXPECT_DOUBLE_EQ(*quantile_ms(counts, 0.5), 65'536);
}

}  // namespace
}  // namespace paastech::metrics
