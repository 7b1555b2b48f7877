#pragma once
// The route table as the loops use it, and the counters that outlive tables. A Table is immutable and shared; the
// counters have one slot a loop, written by that loop only and summed by whoever asks.
// Thread: Registry belongs to the control thread, but statistics() and in_flight() are safe from any.
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/address.h"
#include "router.pb.h"

namespace paastech::ingress {

// One loop's share, on a cache line of its own. Only the owner writes, so a plain load and store make an increment.
struct alignas(64) Slot {
  std::atomic<std::int64_t> requests{0};
  std::atomic<std::int64_t> failed{0};     // 5xx made by the router
  std::atomic<std::int64_t> in_flight{0};  // of a backend: requests and tunnels
  static void add(std::atomic<std::int64_t>& value, std::int64_t n) {
    value.store(value.load(std::memory_order_relaxed) + n, std::memory_order_release);
  }
};

struct Counters {
  explicit Counters(int loops) : slots(static_cast<std::size_t>(loops)) {}
  std::vector<Slot> slots;
};

struct BackendSpec {
  Address address;
  std::shared_ptr<Counters> counters;
};
struct TableRoute {
  std::string host;
  std::vector<std::shared_ptr<const BackendSpec>> backends;
  std::shared_ptr<Counters> counters;
};
struct Table {
  std::int64_t version = 0;
  std::vector<TableRoute> routes;
};

class Registry {
 public:
  explicit Registry(int loops) : loops_(loops) {}
  // kInvalidArgument: a host name that is malformed or there twice, an address that is none. Keeps the counters of what
  // was there before; forgets Projects that are gone and Backends that are gone and idle.
  Result<std::shared_ptr<const Table>> build(const router::v1::RouteTable& table);
  std::int64_t in_flight(const google::protobuf::RepeatedPtrField<router::v1::Backend>& backends) const;
  void statistics(router::v1::StatisticsReply& out) const;

 private:
  static std::string key(const router::v1::Backend& backend);
  static std::int64_t sum_in_flight(const Counters& counters);
  const int loops_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const BackendSpec>> backends_;
  std::map<std::string, std::shared_ptr<Counters>> projects_;
};

}  // namespace paastech::ingress
