#pragma once
// For tests: the API on a real database in a folder of its own, with a controller that only records, and a pomegranate
// in this process that answers what the test lays down. One loop, run by the test's thread.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "api/contract/contract.h"
#include "api/http_api.h"
#include "base/ids.h"
#include "controller/grpc_reports.h"
#include "controller/log_book.h"
#include "net/task.h"
#include "rpc/host.h"
#include "store/database.h"
#include "store/deployments.h"
#include "store/test_database.h"
#include "store/usage.h"

namespace paastech::api {

struct HandClock final : Clock {
  std::int64_t now_ms() const override { return now; }
  std::int64_t now = 1'800'000'000'000;
};

// Collects an answer; with peer_leaves_after writes the peer is gone.
class TestWriter final : public net::ResponseWriter {
 public:
  net::Task<Status> send(net::HttpResponse answer) override {
    response = std::move(answer);
    co_return Status{};
  }
  net::Task<Status> start(int status, net::Headers headers) override {
    response.status = status;
    response.headers = std::move(headers);
    co_return Status{};
  }
  net::Task<Status> write(std::string chunk) override {
    if (writes++ >= peer_leaves_after) co_return fail(Code::kUnavailable, "the peer is gone");
    response.body += chunk;
    if (on_write) on_write();
    co_return Status{};
  }
  net::Task<Status> finish() override {
    finished = true;
    co_return Status{};
  }
  net::HttpResponse response;
  int writes = 0;
  int peer_leaves_after = 1'000'000;
  std::function<void()> on_write;  // after each
  bool finished = false;
};

// The lines of a Deployment that the test lays down; then it has ended.
class ListFollower final : public controller::Follower {
 public:
  explicit ListFollower(std::vector<std::vector<std::string>> batches) : batches_(std::move(batches)) {}
  net::Task<std::vector<std::string>> next() override {
    if (at_ == batches_.size()) co_return std::vector<std::string>();
    co_return batches_[at_++];
  }

 private:
  std::vector<std::vector<std::string>> batches_;
  std::size_t at_ = 0;
};

// Writes the rows that the real one would, starts nothing, and notes what was asked.
class FakeController final : public controller::Controller {
 public:
  FakeController(controller::DatabaseAccess& database, net::Executor executor) : database_(database), gate(executor) {}

  net::Task<Result<store::DeploymentRow>> deploy_commit(std::string project_id, std::string actor_id,
                                                        std::string commit) override {
    asked.push_back("deploy " + commit);
    store::DeploymentRow row = row_of(project_id, actor_id, DeploymentCause::kPush);
    row.commit = commit;
    Result<store::DeploymentRow> stored = co_await insert(row);
    co_return stored;
  }
  net::Task<Result<store::DeploymentRow>> redeploy(std::string project_id, std::string actor_id,
                                                   DeploymentCause cause) override {
    while (held) co_await gate.wait(std::chrono::hours(1));
    auto find = [project_id](store::Tx& tx) { return store::live_deployment(tx, project_id); };
    CO_TRY_ASSIGN(std::optional<store::DeploymentRow> live, co_await database_.read(std::move(find)));
    if (!live) co_return fail(Code::kFailedPrecondition, "this project has no live deployment yet");
    asked.push_back("redeploy " + std::string(to_text(cause)));
    const store::DeploymentRow row = row_of(project_id, actor_id, cause);
    Result<store::DeploymentRow> stored = co_await insert(row);
    co_return stored;
  }
  net::Task<Result<store::DeploymentRow>> deploy_image(std::string project_id, std::string actor_id,
                                                       std::string reference) override {
    asked.push_back("deploy image " + reference);
    store::DeploymentRow row = row_of(project_id, actor_id, DeploymentCause::kImage);
    row.image = reference;
    Result<store::DeploymentRow> stored = co_await insert(row);
    co_return stored;
  }
  net::Task<Result<store::DeploymentRow>> scale(std::string project_id, std::string actor_id) override {
    Result<store::DeploymentRow> stored = co_await redeploy(project_id, actor_id, DeploymentCause::kScale);
    co_return stored;
  }
  net::Task<Result<store::DeploymentRow>> roll_back(std::string project_id, std::string actor_id,
                                                    std::int64_t number) override {
    asked.push_back("roll back " + std::to_string(number));
    store::DeploymentRow row = row_of(project_id, actor_id, DeploymentCause::kRollback);
    row.origin = number;
    Result<store::DeploymentRow> stored = co_await insert(row);
    co_return stored;
  }
  controller::Condition condition(const std::string&) const override { return condition_now; }
  net::Task<Status> cancel(std::string project_id, std::int64_t number) override {
    asked.push_back("cancel " + std::to_string(number));
    auto change = [project_id, number](store::Tx& tx) -> Status {
      TRY_ASSIGN(store::DeploymentRow row, store::find_deployment(tx, project_id, number));
      row.state = DeploymentState::kCancelled;
      row.finished_at = row.created_at + 5;
      return store::update_deployment(tx, row);
    };
    Status done = co_await database_.write(std::move(change));
    co_return done;
  }
  net::Task<Status> stop_application(std::string project_id) override {
    Status done = co_await set_stopped(project_id, true);
    co_return done;
  }
  net::Task<Result<store::DeploymentRow>> start_application(std::string project_id, std::string actor_id) override {
    CO_TRY(co_await set_stopped(project_id, false));
    const store::DeploymentRow row = row_of(project_id, actor_id, DeploymentCause::kRestart);
    Result<store::DeploymentRow> stored = co_await insert(row);
    co_return stored;
  }
  net::Task<Result<store::DeploymentRow>> wait(std::string project_id, std::int64_t number) override {
    const DeploymentState end = ends_as;
    auto change = [project_id, number, end](store::Tx& tx) -> Result<store::DeploymentRow> {
      TRY_ASSIGN(store::DeploymentRow row, store::find_deployment(tx, project_id, number));
      if (!is_running(row.state)) return row;
      if (end == DeploymentState::kLive) {
        row.state = DeploymentState::kStarting;
        TRY(store::update_deployment(tx, row));
      } else {
        row.reason = "exited";
        row.message = "the Instance exited";
      }
      row.state = end;
      row.finished_at = row.created_at + 5;
      TRY(store::update_deployment(tx, row));
      return row;
    };
    Result<store::DeploymentRow> row = co_await database_.write(std::move(change));
    co_return row;
  }
  net::Task<Result<std::unique_ptr<controller::Follower>>> follow(std::string, std::int64_t) override {
    std::unique_ptr<controller::Follower> follower = std::make_unique<ListFollower>(lines);
    co_return follower;
  }
  net::Task<Status> create_project(store::ProjectRow project) override {
    asked.push_back("create " + project.name);
    auto insert_it = [project](store::Tx& tx) -> Status {
      TRY(store::admit_project(tx, project.owner_id));
      return store::insert_project(tx, project);
    };
    Status done = co_await database_.write(std::move(insert_it));
    co_return done;
  }
  net::Task<Result<controller::Removal>> delete_project(std::string project_id) override {
    asked.push_back("delete");
    auto remove = [project_id](store::Tx& tx) { return store::delete_project(tx, project_id); };
    CO_TRY(co_await database_.write(std::move(remove)));
    controller::Removal removal;
    removal.containers = 2;
    removal.leftovers.push_back({"image", "sha256:1", "in use"});
    co_return removal;
  }
  net::Task<Status> follow_suspension(std::string client_id) override {
    asked.push_back("follow " + client_id);
    co_return Status{};
  }
  net::Task<Result<std::int64_t>> repository_bytes(std::vector<std::string> project_ids) override {
    if (bytes_of_each < 0) co_return fail(Code::kUnavailable, "the git role does not answer");
    co_return static_cast<std::int64_t>(project_ids.size()) * bytes_of_each;
  }

 private:
  static store::DeploymentRow row_of(const std::string& project_id, const std::string& actor_id,
                                     DeploymentCause cause) {
    store::DeploymentRow row;
    row.project_id = project_id;
    row.actor_id = actor_id;
    row.cause = cause;
    return row;
  }
  net::Task<Result<store::DeploymentRow>> insert(store::DeploymentRow row) {
    row.created_at = 1'800'000'000'000;
    auto work = [row](store::Tx& tx) -> Result<store::DeploymentRow> {
      store::DeploymentRow stored = row;
      TRY(store::insert_deployment(tx, stored));
      return stored;
    };
    Result<store::DeploymentRow> stored = co_await database_.write(std::move(work));
    co_return stored;
  }
  net::Task<Status> set_stopped(std::string project_id, bool stopped) {
    asked.push_back(stopped ? "stop" : "start");
    auto mark = [project_id, stopped](store::Tx& tx) { return store::set_stopped(tx, project_id, stopped); };
    Status done = co_await database_.write(std::move(mark));
    co_return done;
  }
  controller::DatabaseAccess& database_;

 public:
  net::Notifier gate;
  bool held = false;  // redeploy waits until the gate is notified and this is false
  std::vector<std::string> asked;
  std::vector<std::vector<std::string>> lines = {{"==> Building"}, {"done"}};
  DeploymentState ends_as = DeploymentState::kLive;
  controller::Condition condition_now = {};
  std::int64_t bytes_of_each = 1'000;  // a repository's; below 0: nobody answers
};

class FakeEngine final : public engine::Pomegranate::Service {
 public:
  grpc::Status Describe(grpc::ServerContext*, const engine::DescribeRequest*,
                        engine::EngineDescription* reply) override {
    if (down) return {grpc::StatusCode::UNAVAILABLE, "the Docker Engine does not answer"};
    reply->set_engine("docker");
    reply->set_version("24.0.1");
    reply->add_runtimes("runc");
    return grpc::Status::OK;
  }
  grpc::Status List(grpc::ServerContext*, const engine::ListRequest* request, engine::ListReply* reply) override {
    if (down) return {grpc::StatusCode::UNAVAILABLE, "the Docker Engine does not answer"};
    engine::Instance& instance = *reply->add_instances();
    instance.set_name("web.1");
    instance.set_project(request->project());
    instance.set_process("web");
    instance.set_deployment(1);
    instance.set_state("running");
    instance.set_started_at_ms(1'800'000'000'000);
    return grpc::Status::OK;
  }
  grpc::Status Stats(grpc::ServerContext*, const engine::StatsRequest*, engine::StatsReply* reply) override {
    engine::InstanceStats& stats = *reply->add_instances();
    stats.set_name("web.1");
    stats.set_cpu_percent(2.5);
    stats.set_memory_bytes(1024);
    return grpc::Status::OK;
  }
  std::atomic<bool> down = false;
};

class ApiTest : public ::testing::Test {
 protected:
  ApiTest()
      : folder_(std::filesystem::temp_directory_path() / ("paastech-api-" + new_uuid())),
        guard_(net::asio::make_work_guard(io_)),
        tasks_(io_.get_executor()) {
    std::filesystem::create_directories(folder_);
    Result<std::unique_ptr<store::Database>> opened = store::Database::open(place_.url());
    if (!opened) throw std::runtime_error(opened.error().message);
    database_ = std::move(*opened);
    access_ = std::make_unique<controller::DatabaseAccess>(*database_, pool_, pool_);
    controller_ = std::make_unique<FakeController>(*access_, io_.get_executor());
    log_ = std::make_unique<logs::DeploymentLog>(folder_);
    book_ = std::make_unique<controller::LogBook>(tasks_, lines_, clock_);
    engine_host_ = host({&engine_});
    stub_ = engine::Pomegranate::NewStub(engine_host_->channel());
    engine_reports_ = std::make_unique<controller::GrpcEngineReports>(*stub_);
    context_.reset(new Context{tasks_,
                               *access_,
                               *controller_,
                               *engine_reports_,
                               secrets_,
                               hashing_,
                               clock_,
                               *log_,
                               *book_,
                               {},
                               {"0.1.0"},
                               {},
                               {}});
    api_ = std::make_unique<HttpApi>(*context_);
  }
  ~ApiTest() override {
    tasks_.cancel();
    run_void(tasks_.join());
    engine_host_->stop();
    std::filesystem::remove_all(folder_);
  }

  static std::unique_ptr<rpc::Host> host(const std::vector<grpc::Service*>& services) {
    Result<std::unique_ptr<rpc::Host>> started = rpc::Host::start(services, "");
    if (!started) throw std::runtime_error(started.error().message);
    return std::move(*started);
  }

  template <class T>
  T run(net::Task<T> task) {
    std::optional<T> out;
    std::exception_ptr failure;
    net::asio::co_spawn(io_, std::move(task), [&](std::exception_ptr e, T value) {
      failure = e;
      out.emplace(std::move(value));
    });
    while (!out) io_.run_one();
    if (failure) std::rethrow_exception(failure);
    return std::move(*out);
  }
  void run_void(net::Task<void> task) {
    bool done = false;
    net::asio::co_spawn(io_, std::move(task), [&](std::exception_ptr) { done = true; });
    while (!done) io_.run_one();
  }

  store::ClientRow add_client(const std::string& username, bool administrator = false) {
    store::ClientRow row{new_uuid(), username + "@example.org", username, cheap_hash(), administrator, clock_.now,
                         clock_.now};
    if (Status s = database_->write([&](store::Tx& tx) { return store::insert_client(tx, row); }); !s)
      throw std::runtime_error(s.error().message);
    return row;
  }
  // All accounts of a test have the password "correct-horse": hashed once, for a hash takes tens of milliseconds.
  static const std::string& cheap_hash() {
    static const std::string hash = hash_password("correct-horse");
    return hash;
  }
  std::string token_of(const store::ClientRow& client) {
    store::TokenRow row;
    row.client_id = client.id;
    row.name = "test";
    return token_of(std::move(row));
  }
  std::string token_of(store::TokenRow row) {
    const NewToken token = Auth(*context_).make_token(std::move(row));
    if (Status s = database_->write([&](store::Tx& tx) { return store_token(tx, token.row); }); !s)
      throw std::runtime_error(s.error().message);
    return token.secret;
  }
  store::ProjectRow add_project(const std::string& name, const store::ClientRow& owner) {
    store::ProjectRow row;
    row.id = new_uuid();
    row.name = name;
    row.owner_id = owner.id;
    row.created_at = clock_.now;
    if (Status s = database_->write([&](store::Tx& tx) { return store::insert_project(tx, row); }); !s)
      throw std::runtime_error(s.error().message);
    return row;
  }
  std::int64_t add_deployment(const store::ProjectRow& project, DeploymentState state,
                              const std::string& processes = "{}") {
    store::DeploymentRow row;
    row.processes = processes;
    row.project_id = project.id;
    row.actor_id = project.owner_id;
    row.commit = std::string(40, 'a');
    row.created_at = clock_.now;
    Status done = database_->write([&](store::Tx& tx) -> Status {
      TRY(store::insert_deployment(tx, row));
      const bool through = state == DeploymentState::kLive || state == DeploymentState::kSuperseded;
      for (const DeploymentState step : {DeploymentState::kStarting, DeploymentState::kLive}) {
        if (!through) break;
        row.state = step;
        TRY(store::update_deployment(tx, row));
      }
      row.state = state;
      if (!is_running(state)) row.finished_at = row.created_at + 1'000;
      return store::update_deployment(tx, row);
    });
    if (!done) throw std::runtime_error(done.error().message);
    return row.number;
  }

  net::ServerRequest request(const std::string& method, const std::string& target, const std::string& token,
                             const std::string& body) {
    net::ServerRequest out;
    out.method = method;
    out.path = target.substr(0, target.find('?'));
    if (const std::size_t at = target.find('?'); at != std::string::npos) out.query = target.substr(at + 1);
    if (!token.empty()) out.headers.add("Authorization", "Bearer " + token);
    if (!body.empty()) out.headers.add("Content-Type", "application/json");
    out.body = body;
    out.peer = peer_;
    out.id = "request-" + std::to_string(++requests_);
    return out;
  }
  // Asks, and holds every JSON answer to the contract.
  net::HttpResponse ask(const std::string& method, const std::string& target, const std::string& token = "",
                        const std::string& body = "") {
    net::ServerRequest asked = request(method, target, token, body);
    net::HttpResponse answer = send(asked);
    const Match match = match_route(asked.method, asked.path);
    const bool general = answer.status == 400 || answer.status == 405 || answer.status == 413 || answer.status == 500;
    const std::string type = answer.headers.find("Content-Type").value_or("");
    const bool described = type.empty() || type.find("json") != std::string::npos;
    if (match.route != nullptr && !general && described && asked.method != "HEAD") {
      const Result<Contract>& contract = built_in_contract();
      EXPECT_EQ(contract->check_answer(method, match.route->info.path, answer.status, type, answer.body), "")
          << method << " " << target << ": " << answer.body;
    }
    return answer;
  }
  net::HttpResponse send(net::ServerRequest asked) {
    run_void(api_->handle(std::move(asked), writer_));
    return std::exchange(writer_.response, {});
  }
  // As a browser sends a form of a page of ours.
  net::HttpResponse send_form(const std::string& target, const std::string& form, const std::string& token = "",
                              const std::string& cookie = "") {
    net::ServerRequest asked = request("POST", target, token, "");
    asked.headers.add("Content-Type", "application/x-www-form-urlencoded");
    asked.headers.add("Origin", context_->address.api_url);
    if (!cookie.empty()) asked.headers.add("Cookie", cookie);
    asked.body = form;
    return send(std::move(asked));
  }
  static boost::json::object json(const net::HttpResponse& answer) {
    return boost::json::parse(answer.body).as_object();
  }

  std::filesystem::path folder_;
  net::asio::io_context io_;
  net::asio::executor_work_guard<net::asio::io_context::executor_type> guard_;
  net::TaskGroup tasks_;
  net::BlockingPool pool_{3};
  net::BlockingPool hashing_{2};
  store::FreshPlace place_;
  std::unique_ptr<store::Database> database_;
  std::unique_ptr<controller::DatabaseAccess> access_;
  std::unique_ptr<FakeController> controller_;
  std::unique_ptr<logs::DeploymentLog> log_;
  logs::LogStore lines_{folder_};
  std::unique_ptr<controller::LogBook> book_;
  FakeEngine engine_;
  std::unique_ptr<rpc::Host> engine_host_;
  std::unique_ptr<engine::Pomegranate::Stub> stub_;
  std::unique_ptr<controller::GrpcEngineReports> engine_reports_;
  SecretBox secrets_{std::string(32, 'k')};
  HandClock clock_;
  std::unique_ptr<Context> context_;
  std::unique_ptr<HttpApi> api_;
  TestWriter writer_;
  std::string peer_ = "192.0.2.1";
  int requests_ = 0;
};

}  // namespace paastech::api
