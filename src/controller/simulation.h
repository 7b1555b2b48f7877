#pragma once
// A run of the controller against simulated neighbours on simulated time: random changes, faults and kills from a seed.
// simulation_support.cc has time and the process, simulation_acts_support.cc what Clients do and are told,
// simulation_ledger.h what must hold afterwards. Thread: the test's, and one of the database's.
#include <array>
#include <functional>
#include <semaphore>

#include "controller/deployment_controller.h"
#include "controller/simulated_engine.h"
#include "controller/simulation_ledger.h"
#include "net/loop_time.h"

namespace paastech::controller {

struct LoopTimeClock final : Clock {
  std::int64_t now_ms() const override { return 1'800'000'000'000 + steady_ms(); }
  std::int64_t steady_ms() const override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(net::LoopClock::now().time_since_epoch()).count();
  }
};

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed);
  ~Simulation();
  void run();
  const std::string& violation() const { return state_.violation; }
  const std::vector<std::string>& journal() const { return state_.journal; }
  const std::map<std::string, int>& counts() const { return state_.counts; }

 private:
  struct Process {
    explicit Process(Simulation& world);
    net::TaskGroup tasks;
    SimulatedEngine engine;
    SimulatedRepositories repositories;
    SimulatedIngress ingress;
    DeploymentController controller;
  };

  struct Neighbour {
    const char* name;
    bool* down;
  };

  // simulation_support.cc
  void begin();
  void end();
  void kill();
  void turn();
  void answer();
  void hold_database();
  void pass(std::chrono::milliseconds time);
  void quiet(std::chrono::minutes time);
  void note(const std::string& what);
  void count(const std::string& what) { ++state_.counts[what]; }

  // simulation_acts_support.cc
  void act();
  void fault(std::int64_t which);
  void come_back();
  void change(std::int64_t which, const store::ProjectRow& project);
  void interrupt();
  void crash_one();
  std::optional<store::ProjectRow> look_up(const std::string& name);
  std::optional<store::DeploymentRow> look_up(const Ledger::Name& name);
  void create(const std::string& name);
  void remove(const store::ProjectRow& project);
  void heard_of_removal(const std::string& id, const Result<Removal>& removed);
  void stop_or_start(const store::ProjectRow& project);
  void stop(const store::ProjectRow& project);
  void start(const store::ProjectRow& project);
  void deploy_image(const store::ProjectRow& project);
  void change_scale(const store::ProjectRow& project);
  void cancel_one(const store::ProjectRow& project);
  void heard_of_cancellation(const Ledger::Name& name, const std::string& state, const Status& done);
  void act_in_quiet();
  void remove_all();
  void acknowledge(const store::DeploymentRow& row) { ledger_.acknowledged.insert({row.project_id, row.number}); }

  // Asked by a task of the process: a kill ends it too, and nobody hears the answer. kind: as it is counted.
  template <class T>
  void ask(std::string kind, const store::ProjectRow& project, net::Task<Result<T>> task,
           std::function<void(const Result<T>&)> heard) {
    std::string what = kind + " of " + project.name;
    note(what);
    waiting_.insert(kind);
    process_->tasks.spawn("ask", hear(std::move(kind), std::move(what), std::move(task), std::move(heard)));
  }
  template <class T>
  net::Task<void> hear(std::string kind, std::string what, net::Task<Result<T>> task,
                       std::function<void(const Result<T>&)> heard) {
    const Result<T> result = co_await std::move(task);
    if (ending_) co_return;
    waiting_.erase(waiting_.find(kind));
    std::string outcome = result ? "done" : result.error().message;
    if constexpr (std::is_same_v<T, store::DeploymentRow>) {
      if (result) outcome = fmt::format("deployment {}", result->number);
      if (result) acknowledge(*result);
    }
    note(what + ": " + outcome);
    if (heard) heard(result);
  }
  void deploy(std::string kind, const store::ProjectRow& project, net::Task<Result<store::DeploymentRow>> task,
              std::function<void(const Result<store::DeploymentRow>&)> heard = {}) {
    ask<store::DeploymentRow>(std::move(kind), project, std::move(task), std::move(heard));
  }

  net::SimulatedTime time_;
  net::asio::io_context io_;
  net::asio::executor_work_guard<net::asio::io_context::executor_type> guard_ = net::asio::make_work_guard(io_);
  store::TestDatabase database_;
  std::binary_semaphore held_{0};
  std::uint64_t answered_ = 0;   // of access_.asked()
  net::asio::io_context asked_;  // for what waits for the pool alone
  net::BlockingPool pool_{1};    // one for all: the order of what is asked of the database is part of the run
  DatabaseAccess access_{*database_, pool_, pool_};
  SecretBox secrets_{std::string(32, 'k')};
  logs::DeploymentLog log_{database_.folder()};
  LoopTimeClock clock_;
  SimulatedState state_;
  const std::array<Neighbour, 3> neighbours_{
      {{"the Engine", &state_.engine_down}, {"the git role", &state_.git_down}, {"the ingress", &state_.ingress_down}}};
  Ledger ledger_;
  store::ClientRow owner_;
  std::map<std::string, store::ProjectRow> last_;  // by name: the last that a Client saw of it
  std::string acted_on_;                           // the last one's name
  int made_ = 0;                                   // Projects
  int images_ = 0;                                 // of the registry, that were asked for
  std::multiset<std::string> waiting_;             // for an answer
  bool ending_ = false;
  std::unique_ptr<Process> process_;
};

}  // namespace paastech::controller
