#pragma once
// For tests: the real controller on a real database in a folder of its own, between the neighbours of
// fake_neighbours.h. One loop, run by the test's thread.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "controller/deployment_controller.h"
#include "controller/fake_router.h"
#include "rpc/host.h"
#include "store/test_database.h"

namespace paastech::controller {

struct HandClock final : Clock {
  std::int64_t now_ms() const override { return now; }
  std::atomic<std::int64_t> now = 1'800'000'000'000;
};

class ControllerTest : public ::testing::Test {
 protected:
  using Numbers = std::vector<std::int64_t>;

  ControllerTest() {
    owner_ = database_.add_client("ada");
    project_ = database_.add_project("shop", owner_.id);
    Result<std::unique_ptr<rpc::Host>> host = rpc::Host::start({&engine_, &repositories_, &router_}, "");
    if (!host) throw std::runtime_error(host.error().message);
    host_ = std::move(*host);
    pomegranate_stub_ = engine::Pomegranate::NewStub(host_->channel());
    repositories_stub_ = repos::Repositories::NewStub(host_->channel());
    router_stub_ = router::Router::NewStub(host_->channel());
  }
  ~ControllerTest() override {
    stop_process();
    host_->stop();
  }

  // The api role as one process would have it; stop_process() leaves its rows as they are, as kill -9 does.
  void start_process() {
    make_process();
    process_->controller.start();
  }
  void make_process() { process_ = std::make_unique<Process>(io_.get_executor(), *this); }
  void stop_process() {
    if (!process_) return;
    process_->tasks.cancel();
    run(all_joined(process_->tasks));
    process_.reset();
  }
  DeploymentController& controller() { return process_->controller; }

  template <class T>
  T run(net::Task<T> task) {
    std::optional<T> out;
    start(std::move(task), out);
    EXPECT_TRUE(eventually([&] { return out.has_value(); }));
    if (!out) throw std::runtime_error("the call did not end");
    return std::move(*out);
  }
  template <class T>
  void start(net::Task<T> task, std::optional<T>& out) {
    net::asio::co_spawn(io_, std::move(task), [&out](const std::exception_ptr& failure, T value) {
      if (failure) std::rethrow_exception(failure);
      out.emplace(std::move(value));
    });
  }
  template <class Condition>
  bool eventually(Condition condition) {
    const auto limit = std::chrono::steady_clock::now() + 20s;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      io_.run_for(1ms);
    }
    return true;
  }

  // Nothing is under way: only the comparison, the watch, restarts, liveness and the disk's task are there.
  bool at_rest() {
    return eventually([&] { return process_->tasks.size() == 5; });
  }
  // Lets what was begun go on until it waits for something else than the database.
  void settle() {
    for (int i = 0; i < 5; ++i) {
      auto look = [](store::Tx& tx) { return store::list_projects(tx, ""); };
      EXPECT_TRUE(run(access_.read(look)));
    }
  }

  std::int64_t push() {
    const Result<store::DeploymentRow> row =
        run(controller().deploy_commit(project_.id, owner_.id, std::string(40, 'a')));
    EXPECT_TRUE(row) << row.error().message;
    return row ? row->number : 0;
  }
  std::int64_t change_environment(const std::string& value) {
    set_variable(value);
    return redeploy();
  }
  std::int64_t redeploy(DeploymentCause cause = DeploymentCause::kConfig) {
    const Result<store::DeploymentRow> row = run(controller().redeploy(project_.id, owner_.id, cause));
    EXPECT_TRUE(row) << row.error().message;
    return row ? row->number : 0;
  }
  void set_variable(const std::string& value) {
    const std::string sealed = secrets_.seal(value, "environment/" + project_.id + "/COLOUR");
    EXPECT_TRUE(
        database_.write([&](store::Tx& tx) { return store::set_environment(tx, project_.id, {"COLOUR", sealed, 1}); }));
  }
  // Once it is live or final.
  store::DeploymentRow end_of(std::int64_t number) {
    const Result<store::DeploymentRow> row = run(controller().wait(project_.id, number));
    EXPECT_TRUE(row) << row.error().message;
    return row.value_or(store::DeploymentRow());
  }
  std::string state(std::int64_t number) {
    const auto row = database_.read([&](store::Tx& tx) { return store::find_deployment(tx, project_.id, number); });
    return row ? std::string(to_text(row->state)) : row.error().message;
  }
  // Writes the row that an earlier process left, as far as `state`.
  std::int64_t leave_row(DeploymentCause cause, DeploymentState state, const std::string& image = "") {
    store::DeploymentRow row;
    row.project_id = project_.id;
    row.actor_id = owner_.id;
    row.cause = cause;
    row.image = image;
    row.commit = std::string(40, 'a');
    row.created_at = clock_.now;
    EXPECT_TRUE(database_.write([&](store::Tx& tx) -> Status {
      TRY(store::insert_deployment(tx, row));
      row.environment =
          secrets_.seal(R"({"COLOUR":"left"})", "deployment/" + project_.id + "/" + std::to_string(row.number));
      TRY(store::set_snapshot(tx, row));
      for (const DeploymentState step :
           {DeploymentState::kQueued, DeploymentState::kBuilding, DeploymentState::kStarting, DeploymentState::kLive}) {
        if (step > state) break;
        row.state = step;
        TRY(store::update_deployment(tx, row));
      }
      return {};
    }));
    return row.number;
  }
  Result<store::ProjectRow> stored_project() {
    return database_.read([&](store::Tx& tx) { return store::find_project(tx, project_.id); });
  }
  std::optional<Numbers> routed() const { return router_.routed(project_.id); }
  Numbers running() const { return engine_.running(project_.id); }
  std::string output(std::int64_t number) const {
    std::string text;
    for (const std::string& line : log_.read(project_.id, number)) text += line + "\n";
    return text;
  }

  struct Process {
    Process(net::Executor executor, ControllerTest& test)
        : tasks(std::move(executor)),
          engine(*test.pomegranate_stub_, *test.repositories_stub_, tasks),
          repositories(*test.repositories_stub_),
          ingress(*test.router_stub_),
          controller(tasks, {test.access_, engine, repositories, {&ingress}, test.secrets_, test.log_, test.clock_, {}},
                     {}) {}
    net::TaskGroup tasks;
    GrpcEngine engine;
    GrpcRepositories repositories;
    GrpcIngress ingress;
    DeploymentController controller;
  };
  static net::Task<bool> all_joined(net::TaskGroup& tasks) {
    co_await tasks.join();
    co_return true;
  }

  net::asio::io_context io_;
  net::asio::executor_work_guard<net::asio::io_context::executor_type> guard_ = net::asio::make_work_guard(io_);
  store::TestDatabase database_;
  net::BlockingPool writes_{1};
  net::BlockingPool reads_{2};
  DatabaseAccess access_{*database_, writes_, reads_};
  SecretBox secrets_{std::string(32, 'k')};
  logs::DeploymentLog log_{database_.folder()};
  HandClock clock_;
  Journal journal_;
  FakeEngine engine_{journal_};
  FakeRepositories repositories_{journal_};
  FakeRouter router_{journal_};
  std::unique_ptr<rpc::Host> host_;
  std::unique_ptr<engine::Pomegranate::Stub> pomegranate_stub_;
  std::unique_ptr<repos::Repositories::Stub> repositories_stub_;
  std::unique_ptr<router::Router::Stub> router_stub_;
  store::ClientRow owner_;
  store::ProjectRow project_;
  std::unique_ptr<Process> process_;
};

}  // namespace paastech::controller
