// Which Backend a loop chooses.
#include "ingress/loop_table.h"

#include <gtest/gtest.h>

namespace paastech::ingress {
namespace {

constexpr int kLoops = 2;
constexpr std::int64_t kNowMs = 1'000;

// Two loops that took up the same table: one host with so many Backends.
struct TwoLoops {
  explicit TwoLoops(int backends) {
    TableChange change;
    TableRoute route{"shop.test", {}, std::make_shared<ProjectCounters>(kLoops)};
    for (int i = 0; i < backends; ++i)
      route.backends.push_back(
          std::make_shared<BackendSpec>(BackendSpec{Address(), std::make_shared<BackendCounters>(kLoops)}));
    change.routes.push_back(std::move(route));
    first.apply(change);
    second.apply(change);
  }
  static Backend* take(LoopTable& loop) {
    Backend* chosen = LoopTable::choose(*loop.find("shop.test"), nullptr, kNowMs);
    loop.count_in(*chosen);
    return chosen;
  }
  LoopTable first{0};
  LoopTable second{1};
};

TEST(LoopTable, ChoosesTheBackendWithTheFewestRequestsOfAllLoops) {
  TwoLoops loops(3);
  std::map<const BackendSpec*, int> given;
  for (int i = 0; i < 8; ++i) ++given[TwoLoops::take(loops.first)->spec.get()];
  const BackendSpec* rarest = std::ranges::min_element(given, {}, [](const auto& each) { return each.second; })->first;
  EXPECT_EQ(given.at(rarest), 2);
  EXPECT_EQ(TwoLoops::take(loops.second)->spec.get(), rarest) << "the loop that has none in flight itself";
}

TEST(LoopTable, ARequestThatEndedCountsNoMore) {
  TwoLoops loops(2);
  Backend* busy = TwoLoops::take(loops.first);
  Backend* other = TwoLoops::take(loops.first);
  ASSERT_NE(busy, other);
  loops.first.count_out(*other);
  for (int i = 0; i < 2; ++i) {
    Backend* chosen = TwoLoops::take(loops.second);
    EXPECT_EQ(chosen->spec, other->spec);
    loops.second.count_out(*chosen);
  }
}

TEST(LoopTable, TakesTurnsAmongBackendsThatAreEquallyBusy) {
  TwoLoops loops(3);
  std::set<Backend*> seen;
  for (int i = 0; i < 3; ++i) {
    Backend* chosen = TwoLoops::take(loops.first);
    loops.first.count_out(*chosen);
    seen.insert(chosen);
  }
  EXPECT_EQ(seen.size(), 3U);
}

TEST(LoopTable, OneThatFailedIsChosenOnlyWhereThereIsNoOther) {
  TwoLoops loops(2);
  Route& route = *loops.first.find("shop.test");
  Backend* failed = route.backends[0];
  loops.first.count_in(*route.backends[1]);
  EXPECT_EQ(LoopTable::choose(route, failed, kNowMs), route.backends[1]);
  failed->avoid_until = kNowMs + 1;
  EXPECT_EQ(LoopTable::choose(route, nullptr, kNowMs), route.backends[1]);
  EXPECT_EQ(LoopTable::choose(route, nullptr, kNowMs + 1), failed);
  TwoLoops single(1);
  Route& only = *single.first.find("shop.test");
  EXPECT_EQ(LoopTable::choose(only, only.backends[0], kNowMs), only.backends[0]);
  TwoLoops none(0);
  EXPECT_EQ(LoopTable::choose(*none.first.find("shop.test"), nullptr, kNowMs), nullptr);
}

}  // namespace
}  // namespace paastech::ingress
