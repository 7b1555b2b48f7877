// A seeded simulation: random changes, deletions, cancellations, crashes of Instances, outages and kills of the
// controller, on simulated time. At every moment: at most one Deployment of a Project is live (the database's own
// index), visitors are only sent to ready Instances of their Project, none is removed under them, and nothing is done
// for what was deleted or cancelled. After quiet: no orphan, no half state, what was acknowledged is there, and what is
// asked for then comes about. PAASTECH_SIMULATION_SEED=N runs one seed and prints what it did;
// PAASTECH_SIMULATION_SEEDS=N so many from 1 on (default 200).
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "controller/simulation.h"

namespace paastech::controller {
namespace {

std::uint64_t number_of(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string told(const std::vector<std::string>& journal) {
  std::string text;
  for (const std::string& line : journal) text += line + "\n";
  return text;
}

constexpr std::uint64_t kParts = 4;  // so that ctest runs them beside each other

// What so many seeds must come to, or they test less than they seem to.
constexpr const char* kMustHappen[] = {
    "cancelled while building",
    "cancelled while queued",
    "cancelled while releasing",
    "cancelled while starting",
    "created under a name that was deleted",
    "cut off: cancellation",
    "cut off: deletion",
    "cut off: stop",
    "deleted",
    "live: image",
    "live after a kill: image",
    "live after a kill: restart",
    "start of what was stopped",
    "stopped in the end",
};

class SimulationPart : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(SimulationPart, NothingIsLostAndNobodyIsSentNowhere) {
  const std::uint64_t one = number_of("PAASTECH_SIMULATION_SEED", 0);
  if (one > 0 && one % kParts != GetParam()) GTEST_SKIP() << "another part's seed";
  const std::uint64_t usual = store::FreshPlace::postgresql() ? 8 : 200;  // a database for each costs more there
  const std::uint64_t last = one > 0 ? one : number_of("PAASTECH_SIMULATION_SEEDS", usual);
  std::uint64_t ran = 0;
  std::map<std::string, int> counts;
  for (std::uint64_t seed = std::max<std::uint64_t>(one, 1); seed <= last; ++seed) {
    if (seed % kParts != GetParam()) continue;
    Simulation simulation(seed);
    simulation.run();
    ++ran;
    for (const auto& [what, times] : simulation.counts()) counts[what] += times;
    if (one > 0) std::cout << told(simulation.journal());
    ASSERT_EQ(simulation.violation(), "") << "seed " << seed << "; again: PAASTECH_SIMULATION_SEED=" << seed << "\n"
                                          << told(simulation.journal());
  }
  std::cout << ran << " seeds\n";
  for (const auto& [what, times] : counts) std::cout << fmt::format("{:>6}  {}\n", times, what);
  if (ran < 40) return;
  for (const char* what : kMustHappen) EXPECT_GT(counts[what], 0) << "no seed comes to this: " << what;
}

INSTANTIATE_TEST_SUITE_P(All, SimulationPart, ::testing::Range<std::uint64_t>(0, kParts));

TEST(Simulation, TheSameSeedGivesTheSameRun) {
  std::vector<std::string> runs;
  for (int i = 0; i < 2; ++i) {
    Simulation simulation(7);
    simulation.run();
    runs.push_back(told(simulation.journal()));
  }
  EXPECT_EQ(runs[0], runs[1]);
}

}  // namespace
}  // namespace paastech::controller
