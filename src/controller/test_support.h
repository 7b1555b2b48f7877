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
#include "domain/scale.h"
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

  ControllerTest();
  ~ControllerTest() override;

  // The api role as one process would have it; stop_process() leaves its rows as they are, as kill -9 does.
  void start_process();
  void make_process() { process_ = std::make_unique<Process>(io_.get_executor(), *this); }
  void stop_process();
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
  bool at_rest();
  // Lets what was begun go on until it waits for something else than the database.
  void settle();

  std::int64_t push();
  void go_live();  // by a push, which is Deployment 1
  std::int64_t change_environment(const std::string& value);
  std::int64_t change_scale(const Scale& scale);
  std::int64_t redeploy(DeploymentCause cause = DeploymentCause::kConfig);
  void set_variable(const std::string& value);
  // Once it is live or final.
  store::DeploymentRow end_of(std::int64_t number);
  std::string state(std::int64_t number);
  // Writes the row that an earlier process left, as far as `state`.
  std::int64_t leave_row(DeploymentCause cause, DeploymentState state, const std::string& image = "");
  Result<store::ProjectRow> stored_project();
  std::optional<Numbers> routed() const { return router_.routed(project_.id); }
  Numbers running() const { return engine_.running(project_.id); }
  std::string output(std::int64_t number) const;

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
  static net::Task<bool> all_joined(net::TaskGroup& tasks);

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
