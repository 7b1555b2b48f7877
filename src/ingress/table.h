#pragma once
// The route table as the router knows it, what changes in it as the loops take it up, and the counters that outlive
// both. A TableChange is immutable and shared; the counters have one slot a loop, written by that loop only and summed
// by whoever asks.
// Thread: Registry belongs to the control thread, but statistics() and in_flight() are safe from any.
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/address.h"
#include "router.pb.h"

namespace paastech::ingress {

// Only the loop that owns a figure writes it, so a plain load and store make an increment.
using Figure = std::atomic<std::int64_t>;
inline void add(Figure& figure, std::int64_t n) {
  figure.store(figure.load(std::memory_order_relaxed) + n, std::memory_order_release);
}

// One loop's share of a Backend's, of a Project's, and of a Project's that has Backends, each on cache lines of its
// own.
struct alignas(64) BackendSlot {
  Figure in_flight{0};  // requests and tunnels
};
struct alignas(64) ProjectSlot {
  Figure requests{0};
  Figure failed{0};                  // 5xx made by the router
  Figure sent_bytes{0};              // bodies of answers, but the router's own pages
  std::array<Figure, 5> by_class{};  // answers of 1xx … 5xx
};
static_assert(sizeof(ProjectSlot) == 64, "an answer dirties one line here, and one or two of the ServedSlot");

// Bounds 2^i × 0.5 ms: each bucket doubles the one before, so a quantile is off by less than a factor of 2 wherever it
// lies (Prometheus' documentation, "Histograms and summaries": the error is bounded by the bucket's width). 0.5 ms is
// about what the fastest Application takes with the network's way; 65.5 s is above the response timeout (limits.h).
inline constexpr std::size_t kLatencyBuckets = 19;
constexpr std::size_t latency_bucket(std::int64_t us) {
  const auto halves = static_cast<std::uint64_t>(us > 0 ? us - 1 : 0) / 500;  // bounds belong to the bucket below
  const auto bucket = static_cast<std::size_t>(std::bit_width(halves));
  return bucket < kLatencyBuckets ? bucket : kLatencyBuckets - 1;
}
struct alignas(64) ServedSlot {
  Figure received_bytes{0};
  Figure latency_us{0};
  std::array<Figure, kLatencyBuckets> by_latency{};
};

struct BackendCounters {
  explicit BackendCounters(int loops) : slots(static_cast<std::size_t>(loops)) {}
  std::int64_t in_flight() const {  // on all loops
    std::int64_t sum = 0;
    for (const BackendSlot& slot : slots) sum += slot.in_flight.load(std::memory_order_acquire);
    return sum;
  }
  std::vector<BackendSlot> slots;
};
struct ProjectCounters {
  explicit ProjectCounters(int loops) : slots(static_cast<std::size_t>(loops)) {}
  std::vector<ProjectSlot> slots;
  // Empty until the first table in which the Project has a Backend, for most of many Projects never run. From then on
  // one a loop; there before that table reaches a loop.
  std::vector<ServedSlot> served;
};

struct BackendSpec {
  Address address;
  std::shared_ptr<BackendCounters> counters;
};
struct TableRoute {
  std::string host;
  std::vector<std::shared_ptr<const BackendSpec>> backends;
  std::shared_ptr<ProjectCounters> counters;
};
struct TableChange {
  std::vector<TableRoute> routes;  // new ones, and ones that replace what their host had
  std::vector<std::string> gone;   // hosts without a route from now on
};

class Registry {
 public:
  explicit Registry(int loops) : loops_(loops) {}
  // What the table, or the change of it, means beside what is there. Changes nothing but the counters of Projects that
  // get their first Backend. kInvalidArgument: a host name that is malformed or there twice, an address that is none.
  Result<std::shared_ptr<const TableChange>> prepare(const router::v1::RouteTable& table);
  // It holds from now on. Keeps the counters of what was there before; forgets Projects that are gone, and Backends
  // that no loop holds any more.
  void commit(const router::v1::RouteTable& table, const TableChange& change);
  std::int64_t in_flight(const google::protobuf::RepeatedPtrField<router::v1::Backend>& backends) const;
  void statistics(router::v1::StatisticsReply& out) const;

 private:
  struct Project {
    std::shared_ptr<ProjectCounters> counters;
    std::vector<std::string> hosts;
  };
  using Backends = std::map<std::string, std::shared_ptr<const BackendSpec>>;
  static std::string key(const router::v1::Backend& backend);
  Result<TableRoute> prepare_route(const router::v1::Route& route, Backends& added);
  std::set<std::string> replaced(const router::v1::RouteTable& table) const;
  static void sum(const ProjectCounters& counters, router::v1::HostStatistics& out);
  const int loops_;
  mutable std::mutex mutex_;
  Backends backends_;
  std::map<std::string, Project> projects_;
  std::map<std::string, std::string> hosts_;  // the Project of each
};

}  // namespace paastech::ingress
