#pragma once
// For the simulation: git role and ingress as plain state on the simulated loop; the Engine is in simulated_engine.h.
// Every call takes a random time and may fail, before or after it took effect, as a connection does that breaks. What
// must never happen is checked at the moment at which it would: an Instance removed while visitors are sent to it, a
// route to another Project's, anything done for a Project that is gone.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "controller/ports.h"
#include "controller/published_table.h"
#include "domain/plan.h"
#include "net/loop_time.h"

namespace paastech::controller {

// One seed gives one run: all choices come from here.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : random_(seed) {}
  std::int64_t number(std::int64_t from, std::int64_t to) {
    return std::uniform_int_distribution<std::int64_t>(from, to)(random_);
  }
  bool once_in(std::int64_t times) { return number(1, times) == 1; }

 private:
  std::mt19937_64 random_;
};

struct SimulatedState {
  struct One {
    engine::Instance instance;
    bool ready = false;
    net::LoopClock::time_point ready_since = {};
  };
  using Key = std::pair<std::string, InstanceName>;

  explicit SimulatedState(std::uint64_t seed) : chance(seed) {}
  void violate(std::string what) {
    if (violation.empty()) violation = std::move(what);
  }
  bool routed(const engine::Instance& instance) const {
    for (const router::Route& route : table.routes())
      for (const router::Backend& backend : route.backends())
        if (backend.address() == instance.address()) return true;
    return false;
  }
  bool has_routes(const std::string& project, bool with_backends) const {
    return std::ranges::any_of(table.routes(), [&](const router::Route& route) {
      return route.project() == project && !(with_backends && route.backends().empty());
    });
  }
  // Somebody was asked: the call that was chosen for it is interrupted in its middle.
  void come_by() {
    if (calls_to_interruption > 0 && --calls_to_interruption == 0) interrupted = true;
  }
  void tell(const std::string& kind, const engine::Instance& instance) {
    engine::InstanceEvent event;
    event.set_kind(kind);
    *event.mutable_instance() = instance;
    if (watcher) watcher(event);
  }
  // It ends by itself.
  void crash(One& one) {
    one.ready = false;
    one.instance.set_kept(false);
    one.instance.set_state("exited");
    one.instance.set_exit_code(1);
    one.instance.clear_address();
    tell("die", one.instance);
  }

  Chance chance;
  std::map<Key, One> instances;
  std::map<std::string, std::string> images;  // name → what is in it
  std::set<std::string> networks;             // of Projects
  std::set<std::string> repositories;
  router::RouteTable table;
  OnEvent watcher;
  bool engine_down = false;
  bool git_down = false;
  bool ingress_down = false;
  int trouble = 60;                        // once in so many calls one fails; 0: none does
  std::int64_t calls_to_interruption = 0;  // 0: none is chosen
  bool interrupted = false;
  std::int64_t addresses = 0;
  std::int64_t containers = 0;
  std::set<std::string> gone;                               // Projects whose deletion was acknowledged
  std::set<std::pair<std::string, std::int64_t>> given_up;  // Deployments whose cancellation was
  // Those whose cancellation was asked for and not answered yet, and since when.
  std::map<std::pair<std::string, std::int64_t>, net::LoopClock::time_point> unwanted;
  std::string violation;
  std::vector<std::string> journal;
  std::map<std::string, int> counts;  // what came about, and how often
};

// What the three have in common: time passes, and some calls come to nothing.
class SimulatedCalls {
 protected:
  explicit SimulatedCalls(SimulatedState& state) : state_(state) {}
  net::Task<Status> before(bool SimulatedState::* down) {
    state_.come_by();
    CO_TRY(co_await net::sleep_for(std::chrono::milliseconds(state_.chance.number(1, 50))));
    if (state_.*down || fails()) co_return fail(Code::kUnavailable, "the other side does not answer");
    co_return Status{};
  }
  // The work was done; whether the answer came through is another thing.
  Status after() {
    if (fails()) return fail(Code::kUnavailable, "the answer was lost");
    return {};
  }
  bool fails() { return state_.trouble > 0 && state_.chance.once_in(state_.trouble); }
  SimulatedState& state_;
};

class SimulatedRepositories final : public RepositoriesPort, SimulatedCalls {
 public:
  explicit SimulatedRepositories(SimulatedState& state) : SimulatedCalls(state) {}
  net::Task<Status> create(std::string project) override {
    CO_TRY(co_await before(&SimulatedState::git_down));
    state_.repositories.insert(project);
    co_return after();
  }
  net::Task<Status> remove(std::string project) override {
    CO_TRY(co_await before(&SimulatedState::git_down));
    state_.repositories.erase(project);
    co_return after();
  }
  net::Task<Result<repos::ReadFilesReply>> read_files(repos::ReadFilesRequest request) override {
    CO_TRY(co_await before(&SimulatedState::git_down));
    if (!state_.repositories.contains(request.project_id()))
      state_.violate("a commit was read of project " + request.project_id() + ", which has no repository");
    static constexpr const char* kStrategies[] = {"blue-green", "rolling", "recreate"};
    repos::ReadFilesReply reply;
    for (const std::string& path : request.paths()) {
      repos::TreeFile& file = *reply.add_files();
      file.set_path(path);
      file.set_kind("file");
      if (path == "Procfile") file.set_content("web: serve\nworker: work\nrelease: migrate\n");
      if (path == "paastech.yaml")
        file.set_content(std::string("strategy: ") + kStrategies[state_.chance.number(0, 2)] + "\n");
    }
    co_return reply;
  }
  net::Task<Result<std::int64_t>> bytes(std::vector<std::string>) override { co_return 0; }
};

class SimulatedIngress final : public IngressPort, SimulatedCalls {
 public:
  explicit SimulatedIngress(SimulatedState& state) : SimulatedCalls(state) {}
  net::Task<Status> publish(router::RouteTable table) override {
    state_.come_by();
    CO_TRY(co_await net::sleep_for(std::chrono::milliseconds(state_.chance.number(1, 20))));
    if (state_.ingress_down || fails()) co_return fail(Code::kUnavailable, "the ingress does not answer");
    if (table.version() < state_.table.version()) co_return fail(Code::kFailedPrecondition, "an older table");
    for (const router::Route& route : table.routes())
      for (const router::Backend& backend : route.backends()) check(route, backend);
    if (!take_table(state_.table, table)) co_return fail(Code::kFailedPrecondition, "a change of another table");
    check_hosts();
    co_return after();
  }
  net::Task<Result<router::DrainReply>> drain(router::DrainRequest) override {
    state_.come_by();
    CO_TRY(co_await net::sleep_for(std::chrono::milliseconds(state_.chance.number(1, 3'000))));
    co_return router::DrainReply();
  }
  net::Task<Result<std::int64_t>> table_version() override {
    CO_TRY(co_await net::sleep_for(std::chrono::milliseconds(state_.chance.number(1, 5))));
    co_return state_.table.version();
  }

 private:
  // Addresses are never used twice here, so one that another Project has would be a wrong one.
  void check(const router::Route& route, const router::Backend& backend) {
    for (const auto& [key, one] : state_.instances) {
      if (one.instance.address() != backend.address()) continue;
      if (key.first != route.project()) state_.violate("a route leads to an Instance of another project");
      if (!one.ready && another_was_ready(route.project()))
        state_.violate(one.instance.name() + " got visitors before it was ready");
    }
  }
  // A name belongs to one Project at a time, also where the one before it that had it was only just deleted.
  void check_hosts() {
    std::set<std::string> hosts;
    for (const router::Route& route : state_.table.routes()) {
      if (!hosts.insert(route.host()).second) state_.violate("two routes have the host " + route.host());
      if (state_.gone.contains(route.project()))
        state_.violate("the deleted project " + route.project() + " has a route again");
    }
  }
  // Since long enough that it was there when this table was made.
  bool another_was_ready(const std::string& project) const {
    const net::LoopClock::time_point made = net::LoopClock::now() - std::chrono::milliseconds(200);
    return std::ranges::any_of(state_.instances, [&](const auto& entry) {
      const SimulatedState::One& one = entry.second;
      return entry.first.first == project && entry.first.second.process == "web" && one.ready &&
             one.ready_since <= made;
    });
  }
};

}  // namespace paastech::controller
