// A seeded simulation: random changes, crashes of Instances, outages and kills of the controller, on simulated time. At
// every moment: at most one Deployment of a Project is live (the database's own index), visitors are only sent to ready
// Instances of their Project, and none is removed under them. After quiet: no orphan, no half state, what was
// acknowledged is there. PAASTECH_SIMULATION_SEED=N runs one seed and prints what it did; PAASTECH_SIMULATION_SEEDS=N
// so many from 1 on (default 200).
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "controller/deployment_controller.h"
#include "controller/simulated_world.h"
#include "domain/process_json.h"
#include "net/loop_time.h"
#include "store/scales.h"
#include "store/test_database.h"

namespace paastech::controller {
namespace {

using namespace std::chrono_literals;

struct LoopTimeClock final : Clock {
  std::int64_t now_ms() const override { return 1'800'000'000'000 + steady_ms(); }
  std::int64_t steady_ms() const override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(net::LoopClock::now().time_since_epoch()).count();
  }
};

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : state_(seed) {
    owner_ = database_.add_client("ada");
    for (const char* name : {"shop", "blog"}) add_project(name);
    look_ = handlers_of_a_look();
    begin();
  }
  ~Simulation() { end(); }

  void run() {
    for (int step = 0; step < 40 && state_.violation.empty(); ++step) {
      act();
      pass(std::chrono::milliseconds(state_.chance.number(1, 4'000)));
    }
    note("quiet");
    state_.trouble = 0;
    state_.engine_down = false;
    state_.ingress_down = false;
    pass(15min);  // beyond the longest pause after a crash
    if (state_.violation.empty()) check();
  }
  const std::string& violation() const { return state_.violation; }
  const std::vector<std::string>& journal() const { return state_.journal; }

 private:
  struct Process {
    Process(Simulation& world)
        : tasks(world.io_.get_executor()),
          engine(world.state_),
          repositories(world.state_),
          ingress(world.state_),
          controller(tasks,
                     {world.access_, engine, repositories, {&ingress}, world.secrets_, world.log_, world.clock_, {}},
                     {}) {}
    net::TaskGroup tasks;
    SimulatedEngine engine;
    SimulatedRepositories repositories;
    SimulatedIngress ingress;
    DeploymentController controller;
  };

  // Ids are part of the run: what is done for all Projects is done in their order.
  void add_project(const std::string& name) {
    store::ProjectRow row;
    row.id = fmt::format("00000000-0000-4000-8000-{:012}", projects_.size() + 1);
    row.name = name;
    row.owner_id = owner_.id;
    const Status added = database_.write([&](store::Tx& tx) { return store::insert_project(tx, row); });
    if (!added) throw std::runtime_error(added.error().message);
    projects_.push_back(row);
  }
  void begin() {
    process_ = std::make_unique<Process>(*this);
    process_->controller.start();
  }
  // As kill -9: whatever waits for something never gets it.
  void end() {
    if (!process_) return;
    process_->tasks.cancel();
    bool joined = false;
    net::asio::co_spawn(io_, process_->tasks.join(), [&joined](const std::exception_ptr&) { joined = true; });
    while (!joined) turn();
    state_.watcher = nullptr;
    process_.reset();
  }

  // Runs what is ready, with what it asks of the database, until nothing is: a look at the database's queue, behind all
  // that waits there, then takes as many handlers as on an idle loop.
  void turn() {
    while (handlers_of_a_look() != look_) {
    }
  }
  std::size_t handlers_of_a_look() {
    bool idle = false;
    net::asio::co_spawn(io_, pool_.run([] { return 0; }), [&idle](const std::exception_ptr&, int) { idle = true; });
    std::size_t ran = 0;
    while (!idle) ran += io_.run_one();
    return ran + io_.poll();
  }
  void pass(std::chrono::milliseconds time) {
    const net::LoopClock::time_point limit = net::LoopClock::now() + time;
    bool more = true;
    while (more && state_.violation.empty()) {
      turn();
      more = time_.advance(limit);
      net::LoopTimer due = net::loop_timer(io_.get_executor(), -1ns);  // earlier than all: the loop looks at its timers
      due.async_wait([](const boost::system::error_code&) {});
      io_.run_one();
    }
    turn();
  }

  void note(const std::string& what) {
    state_.journal.push_back(fmt::format("{:>9} ms  {}", clock_.steady_ms(), what));
  }
  // Asked by a task of the process: a kill ends it too, and nobody hears the answer.
  template <class T>
  void ask(std::string what, net::Task<Result<T>> task) {
    note(what);
    process_->tasks.spawn("ask", hear(what, std::move(task)));
  }
  template <class T>
  net::Task<void> hear(std::string what, net::Task<Result<T>> task) {
    const Result<T> result = co_await std::move(task);
    if (!result) {
      note(what + ": " + result.error().message);
      co_return;
    }
    if constexpr (std::is_same_v<T, store::DeploymentRow>) {
      note(fmt::format("{}: deployment {}", what, result->number));
      acknowledged_.insert({result->project_id, result->number});
    }
  }

  void act() {
    const store::ProjectRow& project = projects_[static_cast<std::size_t>(state_.chance.number(0, 1))];
    DeploymentController& controller = process_->controller;
    switch (state_.chance.number(1, 14)) {
      case 1:
      case 2:
      case 3: return ask("push " + project.name, controller.deploy_commit(project.id, owner_.id, std::string(40, 'a')));
      case 4:
      case 5:
        return ask("change of configuration of " + project.name,
                   controller.redeploy(project.id, owner_.id, DeploymentCause::kConfig));
      case 6:
      case 7: set_scale(project); return ask("scale of " + project.name, controller.scale(project.id, owner_.id));
      case 8: return ask("rollback of " + project.name, controller.roll_back(project.id, owner_.id, 0));
      case 9:
        return ask("restart of " + project.name, controller.redeploy(project.id, owner_.id, DeploymentCause::kRestart));
      case 10: return ask("stop " + project.name, controller.stop_application(project.id));
      case 11: return crash_one();
      case 12:
        note("kill -9");
        end();
        return begin();
      case 13:
        state_.engine_down = !state_.engine_down;
        return note(state_.engine_down ? "the Engine goes away" : "the Engine is back");
      default:
        state_.ingress_down = !state_.ingress_down;
        return note(state_.ingress_down ? "the ingress goes away" : "the ingress is back");
    }
  }

  void set_scale(const store::ProjectRow& project) {
    const Scale scale{state_.chance.once_in(2) ? "web" : "worker", static_cast<int>(state_.chance.number(1, 3)),
                      state_.chance.once_in(3) ? 64LL << 20 : 0, 0};
    note(fmt::format("{} of {}: {} of {} bytes", scale.process, project.name, scale.count, scale.memory_bytes));
    const Status set = database_.write([&](store::Tx& tx) { return store::set_scale(tx, project.id, scale); });
    if (!set) state_.violate("a scale could not be set: " + set.error().message);
  }
  void crash_one() {
    std::vector<SimulatedState::One*> running;
    for (auto& [key, one] : state_.instances)
      if (one.instance.state() == "running") running.push_back(&one);
    if (running.empty()) return;
    SimulatedState::One& one = *running[static_cast<std::size_t>(state_.chance.number(0, std::ssize(running) - 1))];
    note("crash of " + one.instance.name());
    state_.crash(one);
  }

  void check() {
    for (const store::ProjectRow& each : projects_) check(each);
    for (const auto& [project, number] : acknowledged_) {
      const auto row = database_.read([&](store::Tx& tx) { return store::find_deployment(tx, project, number); });
      if (!row)
        state_.violate(fmt::format("deployment {} was acknowledged and is lost", number));
      else if (is_running(row->state))
        state_.violate(fmt::format("deployment {} is still {} after quiet", number, to_text(row->state)));
    }
  }
  void check(const store::ProjectRow& each) {
    const auto project = database_.read([&](store::Tx& tx) { return store::find_project(tx, each.id); });
    const auto live = database_.read([&](store::Tx& tx) { return store::live_deployment(tx, each.id); });
    std::map<GroupKey, int> wanted;
    if (*live && !project->stopped) wanted = groups_of((*live)->number, *process_list_from_json((*live)->processes));
    std::map<GroupKey, int> there;
    std::set<std::string> ready;
    for (const auto& [key, one] : state_.instances) {
      if (key.first != each.id) continue;
      ++there[{key.second.deployment, key.second.process}];
      if (one.instance.state() != "running") state_.violate(one.instance.name() + " stands still after quiet");
      if (key.second.process == "web") ready.insert(one.instance.address());
    }
    if (there != wanted) state_.violate(each.name + ": what runs after quiet is not what should");
    for (const router::Route& route : state_.table.routes()) {
      if (route.project() != each.id) continue;
      std::set<std::string> routed;
      for (const router::Backend& backend : route.backends()) routed.insert(backend.address());
      if (routed != ready) state_.violate(each.name + ": the routes after quiet are not its ready Instances");
    }
  }

  net::SimulatedTime time_;
  net::asio::io_context io_;
  net::asio::executor_work_guard<net::asio::io_context::executor_type> guard_ = net::asio::make_work_guard(io_);
  store::TestDatabase database_;
  net::BlockingPool pool_{1};  // one for all: the order of what is asked of the database is part of the run
  DatabaseAccess access_{*database_, pool_, pool_};
  SecretBox secrets_{std::string(32, 'k')};
  logs::DeploymentLog log_{database_.folder()};
  LoopTimeClock clock_;
  SimulatedState state_;
  store::ClientRow owner_;
  std::vector<store::ProjectRow> projects_;
  std::set<std::pair<std::string, std::int64_t>> acknowledged_;
  std::size_t look_ = 0;
  std::unique_ptr<Process> process_;
};

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

class SimulationPart : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(SimulationPart, NothingIsLostAndNobodyIsSentNowhere) {
  const std::uint64_t one = number_of("PAASTECH_SIMULATION_SEED", 0);
  if (one > 0 && one % kParts != GetParam()) GTEST_SKIP() << "another part's seed";
  const std::uint64_t usual = store::FreshPlace::postgresql() ? 8 : 200;  // a database for each costs more there
  const std::uint64_t last = one > 0 ? one : number_of("PAASTECH_SIMULATION_SEEDS", usual);
  std::uint64_t ran = 0;
  for (std::uint64_t seed = std::max<std::uint64_t>(one, 1); seed <= last; ++seed) {
    if (seed % kParts != GetParam()) continue;
    Simulation simulation(seed);
    simulation.run();
    ++ran;
    if (one > 0) std::cout << told(simulation.journal());
    ASSERT_EQ(simulation.violation(), "") << "seed " << seed << "; again: PAASTECH_SIMULATION_SEED=" << seed << "\n"
                                          << told(simulation.journal());
  }
  std::cout << ran << " seeds\n";
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
