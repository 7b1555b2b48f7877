#pragma once
// For tests: the real controller on a real database in a folder of its own, between neighbours that speak real gRPC in
// this process and keep a journal of what they were asked. One loop, run by the test's thread.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "controller/deployment_controller.h"
#include "rpc/host.h"
#include "store/test_database.h"

namespace paastech::controller {

using namespace std::chrono_literals;

struct HandClock final : Clock {
  std::int64_t now_ms() const override { return now; }
  std::atomic<std::int64_t> now = 1'800'000'000'000;
};

// What the neighbours were asked, in order. Thread: any.
class Journal {
 public:
  void add(std::string entry) {
    const std::scoped_lock lock(mutex_);
    entries_.push_back(std::move(entry));
  }
  std::vector<std::string> all() const {
    const std::scoped_lock lock(mutex_);
    return entries_;
  }
  std::ptrdiff_t count(const std::string& entry) const { return std::ranges::count(all(), entry); }
  // The place of the last such entry, or -1.
  std::ptrdiff_t last(const std::string& entry) const {
    const std::vector<std::string> entries = all();
    for (std::ptrdiff_t i = std::ssize(entries) - 1; i >= 0; --i)
      if (entries[static_cast<std::size_t>(i)] == entry) return i;
    return -1;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> entries_;
};

// Holds calls while it is closed. Thread: any.
class Gate {
 public:
  void close() { open_ = false; }
  void open() { open_ = true; }
  bool pass(grpc::ServerContext* call) const {  // false: the caller has given up
    while (!open_ && !call->IsCancelled()) std::this_thread::sleep_for(1ms);
    return !call->IsCancelled();
  }

 private:
  std::atomic<bool> open_ = true;
};

class FakeEngine final : public engine::Pomegranate::Service {
 public:
  explicit FakeEngine(Journal& journal) : journal_(journal) {}

  grpc::Status Build(grpc::ServerContext* call,
                     grpc::ServerReaderWriter<engine::BuildEvent, engine::BuildRequest>* stream) override {
    engine::BuildRequest part;
    stream->Read(&part);
    const engine::BuildSpec spec = part.spec();
    const std::string number = std::to_string(spec.deployment());
    journal_.add("build " + number);
    while (stream->Read(&part)) {
    }
    const std::string image = "paastech/" + spec.project() + ":" + number;
    add_image(image);
    if (!build_gate.pass(call)) {
      journal_.add("build cancelled " + number);
      return grpc::Status::CANCELLED;
    }
    engine::BuildEvent event;
    event.set_line("Step 1/1");
    stream->Write(event);
    event.mutable_result()->set_ok(!build_fails);
    event.mutable_result()->set_image(image);
    if (build_fails) event.mutable_result()->set_reason("build_failed");
    if (build_fails) event.mutable_result()->set_message("the build failed");
    stream->Write(event);
    return grpc::Status::OK;
  }

  grpc::Status EnsureGroup(grpc::ServerContext* call, const engine::InstanceGroup* group,
                           grpc::ServerWriter<engine::GroupEvent>* writer) override {
    if (down) return unavailable();
    const std::int64_t number = group->deployment();
    journal_.add("ensure " + std::to_string(number));
    {
      const std::scoped_lock lock(mutex_);
      groups_[number] = *group;
      instances_[{group->project(), number}] = instance(group->project(), number);
    }
    if (!ensure_gate.pass(call)) return grpc::Status::CANCELLED;
    engine::GroupEvent event;
    if (number == fails) {
      event.mutable_failed()->set_reason("exited");
      event.mutable_failed()->set_message("the Instance exited with code 1");
      event.mutable_failed()->add_last_lines("boom");
    } else {
      *event.mutable_ready()->add_instances() = instance(group->project(), number);
    }
    writer->Write(event);
    return grpc::Status::OK;
  }

  grpc::Status RemoveGroup(grpc::ServerContext*, const engine::RemoveGroupRequest* request,
                           engine::RemoveGroupReply*) override {
    if (down) return unavailable();
    journal_.add("remove " + std::to_string(request->deployment()));
    const std::scoped_lock lock(mutex_);
    instances_.erase({request->project(), request->deployment()});
    return grpc::Status::OK;
  }

  grpc::Status List(grpc::ServerContext*, const engine::ListRequest* request, engine::ListReply* reply) override {
    if (down) return unavailable();
    const std::scoped_lock lock(mutex_);
    for (const auto& [key, one] : instances_)
      if (request->project().empty() || key.first == request->project()) *reply->add_instances() = one;
    return grpc::Status::OK;
  }

  grpc::Status Watch(grpc::ServerContext* call, const engine::WatchRequest*,
                     grpc::ServerWriter<engine::InstanceEvent>*) override {
    const int session = watches;
    while (!call->IsCancelled() && session == watches) std::this_thread::sleep_for(1ms);
    return unavailable();
  }

  grpc::Status ListImages(grpc::ServerContext*, const engine::ListImagesRequest*,
                          engine::ListImagesReply* reply) override {
    const std::scoped_lock lock(mutex_);
    for (const std::string& image : images_) reply->add_images()->set_reference(image);
    journal_.add("list images");
    return grpc::Status::OK;
  }

  grpc::Status RemoveImage(grpc::ServerContext*, const engine::RemoveImageRequest* request,
                           engine::RemoveImageReply*) override {
    const std::scoped_lock lock(mutex_);
    images_.erase(request->reference());
    return grpc::Status::OK;
  }

  grpc::Status RemoveProject(grpc::ServerContext*, const engine::RemoveProjectRequest* request,
                             engine::RemoveProjectReply* reply) override {
    if (down) return unavailable();
    journal_.add("remove project " + request->project());
    const std::scoped_lock lock(mutex_);
    reply->set_containers(static_cast<int>(
        std::erase_if(instances_, [&](const auto& each) { return each.first.first == request->project(); })));
    return grpc::Status::OK;
  }

  void add_instance(const std::string& project, std::int64_t number) {
    const std::scoped_lock lock(mutex_);
    instances_[{project, number}] = instance(project, number);
  }
  void add_image(const std::string& image) {
    const std::scoped_lock lock(mutex_);
    images_.insert(image);
  }
  bool has_image(const std::string& image) const {
    const std::scoped_lock lock(mutex_);
    return images_.contains(image);
  }
  std::vector<std::int64_t> running(const std::string& project) const {
    const std::scoped_lock lock(mutex_);
    std::vector<std::int64_t> numbers;
    for (const auto& [key, one] : instances_)
      if (key.first == project) numbers.push_back(key.second);
    return numbers;
  }
  engine::InstanceGroup group(std::int64_t number) const {
    const std::scoped_lock lock(mutex_);
    return groups_.at(number);
  }
  std::string variable(std::int64_t number, const std::string& name) const {
    const engine::InstanceGroup asked = group(number);
    for (const engine::EnvironmentVariable& each : asked.environment())
      if (each.name() == name) return each.value();
    return "(unset)";
  }

  Gate build_gate;                      // passed before a build's result, when its image is there already
  Gate ensure_gate;                     // passed before a group is ready
  std::atomic<std::int64_t> fails = 0;  // the Deployment whose Instance exits
  std::atomic<bool> build_fails = false;
  std::atomic<bool> down = false;
  std::atomic<int> watches = 0;  // a change ends the running Watch calls

 private:
  static grpc::Status unavailable() { return {grpc::StatusCode::UNAVAILABLE, "the Docker Engine does not answer"}; }
  static engine::Instance instance(const std::string& project, std::int64_t number) {
    engine::Instance one;
    one.set_project(project);
    one.set_deployment(number);
    one.set_process("web");
    one.set_state("running");
    one.set_address("10.0.0." + std::to_string(number));
    one.set_port(80);
    return one;
  }
  Journal& journal_;
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::int64_t>, engine::Instance> instances_;
  std::map<std::int64_t, engine::InstanceGroup> groups_;
  std::set<std::string> images_;
};

class FakeRepositories final : public repos::Repositories::Service {
 public:
  explicit FakeRepositories(Journal& journal) : journal_(journal) {}
  grpc::Status Create(grpc::ServerContext*, const repos::CreateRequest*, repos::CreateReply*) override {
    if (down) return {grpc::StatusCode::UNAVAILABLE, "the git role does not answer"};
    journal_.add("create repository");
    return grpc::Status::OK;
  }
  grpc::Status Remove(grpc::ServerContext*, const repos::RemoveRequest*, repos::RemoveReply*) override {
    if (down) return {grpc::StatusCode::UNAVAILABLE, "the git role does not answer"};
    journal_.add("remove repository");
    return grpc::Status::OK;
  }
  grpc::Status ReadFiles(grpc::ServerContext* call, const repos::ReadFilesRequest* request,
                         repos::ReadFilesReply* reply) override {
    journal_.add("read files");
    if (!read_gate.pass(call)) return grpc::Status::CANCELLED;
    for (const std::string& path : request->paths()) {
      repos::TreeFile& file = *reply->add_files();
      file.set_path(path);
      file.set_kind(path == "Dockerfile" ? "file" : "missing");
    }
    reply->set_subject("A commit");
    return grpc::Status::OK;
  }
  grpc::Status Archive(grpc::ServerContext*, const repos::ArchiveRequest*,
                       grpc::ServerWriter<repos::ArchiveChunk>* writer) override {
    repos::ArchiveChunk chunk;
    chunk.set_data("tar");
    writer->Write(chunk);
    return grpc::Status::OK;
  }
  Gate read_gate;
  std::atomic<bool> down = false;

 private:
  Journal& journal_;
};

class FakeRouter final : public router::Router::Service {
 public:
  explicit FakeRouter(Journal& journal) : journal_(journal) {}
  grpc::Status Publish(grpc::ServerContext* call, const router::RouteTable* table, router::PublishReply*) override {
    if (down) return {grpc::StatusCode::UNAVAILABLE, "the ingress does not answer"};
    journal_.add("publish asked");
    if (!publish_gate.pass(call)) return grpc::Status::CANCELLED;
    const std::scoped_lock lock(mutex_);
    if (table->version() < table_.version()) return {grpc::StatusCode::FAILED_PRECONDITION, "an older table"};
    table_ = *table;
    journal_.add("publish");
    const auto leads_nowhere = [](const router::Route& route) { return route.backends().empty(); };
    if (std::ranges::all_of(table->routes(), leads_nowhere)) journal_.add("publish of nothing");
    return grpc::Status::OK;
  }
  grpc::Status Drain(grpc::ServerContext* call, const router::DrainRequest* request, router::DrainReply*) override {
    for (const router::Backend& backend : request->backends())
      journal_.add("drain " + std::to_string(backend.deployment()));
    return drain_gate.pass(call) ? grpc::Status::OK : grpc::Status::CANCELLED;
  }
  grpc::Status Statistics(grpc::ServerContext*, const router::StatisticsRequest*,
                          router::StatisticsReply* reply) override {
    const std::scoped_lock lock(mutex_);
    reply->set_table_version(table_.version());
    return grpc::Status::OK;
  }
  // The Deployments that each host of the Project leads to; nothing where it has no host.
  std::optional<std::vector<std::int64_t>> routed(const std::string& project) const {
    const std::scoped_lock lock(mutex_);
    std::optional<std::vector<std::int64_t>> found;
    for (const router::Route& route : table_.routes()) {
      if (route.project() != project) continue;
      found.emplace();
      for (const router::Backend& backend : route.backends()) found->push_back(backend.deployment());
    }
    return found;
  }
  Gate publish_gate;
  Gate drain_gate;
  std::atomic<bool> down = false;

 private:
  Journal& journal_;
  mutable std::mutex mutex_;
  router::RouteTable table_;
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
  void make_process() {
    Ports ports{access_, *pomegranate_stub_, *repositories_stub_, {router_stub_.get()}, secrets_, log_, clock_, {}};
    process_ = std::make_unique<Process>(io_.get_executor(), std::move(ports));
  }
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
    Process(net::Executor executor, Ports ports)
        : tasks(std::move(executor)), controller(tasks, std::move(ports), {}) {}
    net::TaskGroup tasks;
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
  logs::DeploymentLog log_{std::filesystem::path(database_.path()).parent_path()};
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
