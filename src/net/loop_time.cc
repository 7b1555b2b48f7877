#include "net/loop_time.h"

#include <optional>
#include <set>

namespace paastech::net {
namespace {

struct Simulated {
  LoopClock::time_point now = LoopClock::time_point(std::chrono::seconds(1));
  std::set<LoopClock::time_point> moments = {};
};

std::optional<Simulated>& simulated() {
  static std::optional<Simulated> one;
  return one;
}

}  // namespace

LoopClock::time_point LoopClock::now() {
  if (simulated()) return simulated()->now;
  return time_point(std::chrono::steady_clock::now().time_since_epoch());
}

LoopTimer loop_timer(boost::asio::any_io_executor executor, LoopClock::duration wait) {
  const LoopClock::time_point at = LoopClock::now() + wait;
  if (simulated()) simulated()->moments.insert(at);
  return LoopTimer(executor, at);
}

SimulatedTime::SimulatedTime() { simulated().emplace(); }
SimulatedTime::~SimulatedTime() { simulated().reset(); }

bool SimulatedTime::advance(LoopClock::time_point limit) {
  Simulated& time = *simulated();
  while (!time.moments.empty() && *time.moments.begin() <= time.now) time.moments.erase(time.moments.begin());
  const bool before = !time.moments.empty() && *time.moments.begin() < limit;
  time.now = before ? *time.moments.begin() : limit;
  return before;
}

}  // namespace paastech::net
