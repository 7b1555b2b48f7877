#pragma once
// One loop's own view of the route table: hosts, Backends, their idle connections and in-flight counts.
// Owner and thread: the loop. Objects in use outlive the table that named them.
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "ingress/connection.h"
#include "ingress/table.h"

namespace paastech::ingress {

struct Backend {
  std::shared_ptr<const BackendSpec> spec;
  BackendSlot* slot = nullptr;
  std::int64_t in_flight = 0;    // on this loop
  std::int64_t avoid_until = 0;  // a connect failed: others are preferred for a second
  int routes = 0;                // of this loop's table that lead here; 0: it goes once its last request ended
  Upstream* idle = nullptr;      // newest first
  std::size_t idle_count = 0;
};

struct Route {
  std::shared_ptr<ProjectCounters> counters;
  ProjectSlot* slot = nullptr;
  ServedSlot* served = nullptr;  // null: the Project never had a Backend
  std::vector<Backend*> backends;
  std::size_t turn = 0;
  int references = 0;  // exchanges on it
  bool removed = false;
};

class LoopTable {
 public:
  explicit LoopTable(int loop) : loop_(static_cast<std::size_t>(loop)) {}
  // Changes hosts and Backends in place. The idle connections of Backends that are gone are returned for closing.
  std::vector<Upstream*> apply(const TableChange& change);
  Route* find(std::string_view host) const;
  // The Backend with the fewest requests in flight on all loops together; `avoid` only where there is no other. Null:
  // none. Two loops that choose at the same moment may choose the same one.
  static Backend* choose(Route& route, const Backend* avoid, std::int64_t now_ms);
  void acquire(Route& route) { ++route.references; }
  void release(Route& route);
  void count_in(Backend& backend);
  void count_out(Backend& backend);
  static void push_idle(Backend& backend, Upstream& upstream);
  void remove_idle(Upstream& upstream);

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  static void take_idle(Backend& backend, std::vector<Upstream*>& out);
  void forget_if_unused(Backend& backend);
  const std::size_t loop_;
  std::unordered_map<std::string, std::unique_ptr<Route>, Hash, std::equal_to<>> routes_;
  std::vector<std::unique_ptr<Route>> leaving_;  // removed routes with exchanges on them
  std::unordered_map<const BackendSpec*, std::unique_ptr<Backend>> backends_;
};

}  // namespace paastech::ingress
