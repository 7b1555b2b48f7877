#pragma once
// The time that sleep_for() and Notifier wait by: the steady clock's, or in a simulation one that the test moves from
// one moment that somebody waits for to the next, so that hours pass in milliseconds and always in the same order.
// Thread: simulated time belongs to the thread that runs the one loop of the simulation.
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <chrono>

namespace paastech::net {

struct LoopClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<LoopClock>;
  static constexpr bool is_steady = true;
  static time_point now();
};

using LoopTimer = boost::asio::basic_waitable_timer<LoopClock>;

LoopTimer loop_timer(boost::asio::any_io_executor executor, LoopClock::duration wait);

// For the length of a simulation, which begins at one second. At most one at a time. The loop sleeps by the real clock:
// after advance() it looks at its timers once one is set that is due.
class SimulatedTime {
 public:
  SimulatedTime();
  ~SimulatedTime();
  // To the next moment that a timer was set for; false: there is none before `limit`, at which it then is.
  bool advance(LoopClock::time_point limit);
  SimulatedTime(const SimulatedTime&) = delete;
  SimulatedTime& operator=(const SimulatedTime&) = delete;
};

}  // namespace paastech::net
