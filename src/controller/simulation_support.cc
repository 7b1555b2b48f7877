#include "controller/simulation.h"

namespace paastech::controller {

using namespace std::chrono_literals;

Simulation::Process::Process(Simulation& world)
    : tasks(world.io_.get_executor()),
      engine(world.state_),
      repositories(world.state_),
      ingress(world.state_),
      controller(tasks, {world.access_, engine, repositories, {&ingress}, world.secrets_, world.log_, world.clock_, {}},
                 {}) {}

Simulation::Simulation(std::uint64_t seed) : state_(seed) {
  hold_database();
  owner_ = database_.add_client("ada");
  begin();
  for (const char* name : {"shop", "blog"}) create(name);
  pass(5s);
}

Simulation::~Simulation() {
  end();
  held_.release();
}

void Simulation::run() {
  for (int step = 0; step < 60 && state_.violation.empty(); ++step) {
    come_back();
    if (state_.chance.once_in(4)) state_.calls_to_interruption = state_.chance.number(1, 15);
    act();
    pass(std::chrono::milliseconds(state_.chance.once_in(3) ? state_.chance.number(1, 100)
                                                            : state_.chance.number(1, 4'000)));
    if (std::exchange(state_.interrupted, false)) interrupt();
  }
  quiet(15min);  // beyond the longest pause after a crash
  if (!state_.violation.empty()) return;
  count_outcomes(database_, state_, ledger_);
  act_in_quiet();
  quiet(3min);
  if (!state_.violation.empty()) return;
  remove_all();
  quiet(1min);
}

void Simulation::quiet(std::chrono::minutes time) {
  note("quiet");
  state_.trouble = 0;
  state_.calls_to_interruption = 0;
  for (const Neighbour& one : neighbours_) *one.down = false;
  pass(time);
  if (!state_.violation.empty()) return;
  for (const std::string& kind : waiting_) state_.violate(kind + " was never answered");
  check_after_quiet(database_, state_, ledger_);
}

void Simulation::begin() {
  process_ = std::make_unique<Process>(*this);
  process_->controller.start();
}

// As kill -9: whatever waits for something never gets it.
void Simulation::end() {
  if (!process_) return;
  ending_ = true;
  process_->tasks.cancel();
  bool joined = false;
  net::asio::co_spawn(io_, process_->tasks.join(), [&joined](const std::exception_ptr&) { joined = true; });
  while (!joined) turn();
  state_.watcher = nullptr;
  process_.reset();
  ending_ = false;
}

void Simulation::kill() {
  note("kill -9");
  ++ledger_.kills;
  for (const std::string& kind : waiting_) count("cut off: " + kind);
  waiting_.clear();
  state_.unwanted.clear();
  using enum DeploymentState;
  const auto on_its_way = database_.read(
      [](store::Tx& tx) { return store::deployments_in(tx, {kQueued, kBuilding, kReleasing, kStarting}); });
  if (on_its_way)
    for (const store::DeploymentRow& row : *on_its_way) ledger_.survived.insert({row.project_id, row.number});
  for (auto& [id, project] : ledger_.projects)
    for (Ledger::Stop& stop : project.stops)
      if (stop.heard_ms == 0) stop.heard_ms = clock_.now_ms();
  end();
  begin();
}

// Runs what is ready, with what it asks of the database, until nothing is.
void Simulation::turn() {
  do {
    answer();
  } while (io_.poll_one() > 0);
}

// The database's thread stands still but here, between two handlers: what a handler asks of it is answered after it,
// and before the next one begins. Else the order would be the machine's and not the seed's.
void Simulation::answer() {
  if (std::exchange(answered_, access_.asked()) == access_.asked()) return;
  bool answered = false;
  net::asio::co_spawn(asked_, pool_.run([] { return 0; }), [&](const std::exception_ptr&, int) { answered = true; });
  hold_database();
  held_.release();
  while (!answered) asked_.run_one();
}

void Simulation::hold_database() {
  const auto wait = [this] {
    held_.acquire();
    return 0;
  };
  net::asio::co_spawn(asked_, pool_.run(wait), [](const std::exception_ptr&, int) {});
  asked_.restart();
  asked_.poll();
}

void Simulation::pass(std::chrono::milliseconds time) {
  const net::LoopClock::time_point limit = net::LoopClock::now() + time;
  bool more = true;
  while (more && state_.violation.empty()) {
    turn();
    if (state_.interrupted) return;
    more = time_.advance(limit);
    net::LoopTimer due = net::loop_timer(io_.get_executor(), -1ns);  // earlier than all: the loop looks at its timers
    due.async_wait([](const boost::system::error_code&) {});
    io_.run_one();
  }
  turn();
}

void Simulation::note(const std::string& what) {
  state_.journal.push_back(fmt::format("{:>9} ms  {}", clock_.steady_ms(), what));
}

}  // namespace paastech::controller
