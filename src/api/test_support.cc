#include "api/test_support.h"

namespace paastech::api {

net::Task<Status> TestWriter::send(net::HttpResponse answer) {
  response = std::move(answer);
  co_return Status{};
}

net::Task<Status> TestWriter::start(int status, net::Headers headers) {
  response.status = status;
  response.headers = std::move(headers);
  co_return Status{};
}

net::Task<Status> TestWriter::write(std::string chunk) {
  if (writes++ >= peer_leaves_after) co_return fail(Code::kUnavailable, "the peer is gone");
  response.body += chunk;
  if (on_write) on_write();
  co_return Status{};
}

net::Task<Status> TestWriter::finish() {
  finished = true;
  co_return Status{};
}

grpc::Status FakeEngine::Describe(grpc::ServerContext*, const engine::DescribeRequest*,
                                  engine::EngineDescription* reply) {
  if (down) return {grpc::StatusCode::UNAVAILABLE, "the Docker Engine does not answer"};
  reply->set_engine("docker");
  reply->set_version("24.0.1");
  reply->add_runtimes("runc");
  return grpc::Status::OK;
}

grpc::Status FakeEngine::List(grpc::ServerContext*, const engine::ListRequest* request, engine::ListReply* reply) {
  if (down) return {grpc::StatusCode::UNAVAILABLE, "the Docker Engine does not answer"};
  engine::Instance& instance = *reply->add_instances();
  instance.set_name("web.1");
  instance.set_project(request->project().empty() ? project : request->project());
  instance.set_process("web");
  instance.set_deployment(1);
  instance.set_state("running");
  instance.set_started_at_ms(1'800'000'000'000);
  return grpc::Status::OK;
}

grpc::Status FakeEngine::Stats(grpc::ServerContext*, const engine::StatsRequest*, engine::StatsReply* reply) {
  engine::InstanceStats& stats = *reply->add_instances();
  stats.set_name("web.1");
  stats.set_cpu_percent(2.5);
  stats.set_memory_bytes(1024);
  return grpc::Status::OK;
}

ApiTest::ApiTest()
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

ApiTest::~ApiTest() {
  tasks_.cancel();
  run_void(tasks_.join());
  engine_host_->stop();
  std::filesystem::remove_all(folder_);
}

std::unique_ptr<rpc::Host> ApiTest::host(const std::vector<grpc::Service*>& services) {
  Result<std::unique_ptr<rpc::Host>> started = rpc::Host::start(services, "");
  if (!started) throw std::runtime_error(started.error().message);
  return std::move(*started);
}

void ApiTest::run_void(net::Task<void> task) {
  bool done = false;
  net::asio::co_spawn(io_, std::move(task), [&](std::exception_ptr) { done = true; });
  while (!done) io_.run_one();
}

store::ClientRow ApiTest::add_client(const std::string& username, bool administrator) {
  store::ClientRow row{new_uuid(), username + "@example.org", username, cheap_hash(), administrator, clock_.now,
                       clock_.now};
  if (Status s = database_->write([&](store::Tx& tx) { return store::insert_client(tx, row); }); !s)
    throw std::runtime_error(s.error().message);
  return row;
}

const std::string& ApiTest::cheap_hash() {
  static const std::string hash = hash_password("correct-horse");
  return hash;
}

std::string ApiTest::token_of(const store::ClientRow& client) {
  store::TokenRow row;
  row.client_id = client.id;
  row.name = "test";
  return token_of(std::move(row));
}

std::string ApiTest::token_of(store::TokenRow row) {
  const NewToken token = Auth(*context_).make_token(std::move(row));
  if (Status s = database_->write([&](store::Tx& tx) { return store_token(tx, token.row); }); !s)
    throw std::runtime_error(s.error().message);
  return token.secret;
}

store::ProjectRow ApiTest::add_project(const std::string& name, const store::ClientRow& owner) {
  store::ProjectRow row;
  row.id = new_uuid();
  row.name = name;
  row.owner_id = owner.id;
  row.created_at = clock_.now;
  if (Status s = database_->write([&](store::Tx& tx) { return store::insert_project(tx, row); }); !s)
    throw std::runtime_error(s.error().message);
  return row;
}

std::int64_t ApiTest::add_deployment(const store::ProjectRow& project, DeploymentState state,
                                     const std::string& processes) {
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

net::ServerRequest ApiTest::request(const std::string& method, const std::string& target, const std::string& token,
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

net::HttpResponse ApiTest::ask(const std::string& method, const std::string& target, const std::string& token,
                               const std::string& body) {
  net::ServerRequest asked = request(method, target, token, body);
  net::HttpResponse answer = send(asked);
  const Match match = match_route(asked.method, asked.path);
  const bool general = answer.status == 405;  // of no operation
  const std::string type = answer.headers.find("Content-Type").value_or("");
  const bool described = type.empty() || type.find("json") != std::string::npos;
  if (match.route != nullptr && !general && described && asked.method != "HEAD") {
    const Result<Contract>& contract = built_in_contract();
    EXPECT_EQ(contract->check_answer(method, match.route->info.path, answer.status, type, answer.body), "")
        << method << " " << target << ": " << answer.body;
  }
  return answer;
}

net::HttpResponse ApiTest::send(net::ServerRequest asked) {
  run_void(api_->handle(std::move(asked), writer_));
  return std::exchange(writer_.response, {});
}

net::HttpResponse ApiTest::send_form(const std::string& target, const std::string& form, const std::string& token,
                                     const std::string& cookie) {
  net::ServerRequest asked = request("POST", target, token, "");
  asked.headers.add("Content-Type", "application/x-www-form-urlencoded");
  asked.headers.add("Origin", context_->address.api_url);
  if (!cookie.empty()) asked.headers.add("Cookie", cookie);
  asked.body = form;
  return send(std::move(asked));
}

boost::json::object ApiTest::json(const net::HttpResponse& answer) {
  return boost::json::parse(answer.body).as_object();
}

}  // namespace paastech::api
