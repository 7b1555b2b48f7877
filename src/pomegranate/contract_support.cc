#include "pomegranate/contract_support.h"

namespace paastech::pomegranate {

net::Task<std::optional<std::string>> OneTar::next() {
  if (bytes_.empty()) co_return std::nullopt;
  co_return std::exchange(bytes_, {});
}

void Contract::SetUp() {
  const char* socket = std::getenv("PAASTECH_TEST_DOCKER_SOCKET");
  if (!socket) GTEST_SKIP() << "PAASTECH_TEST_DOCKER_SOCKET names no Docker Engine";
  const std::string id = hex(random_token(8)).substr(0, 8);
  options_.docker_socket = socket;
  options_.instance = "t" + id;
  const unsigned place = static_cast<unsigned>(std::stoul(id.substr(0, 3), nullptr, 16));
  options_.subnet_pool = fmt::format("10.{}.{}.0/24", 224 + place / 256, place % 256);
  make_engine(true);
  client_ = std::make_shared<docker::Client>(socket);
}

void Contract::TearDown() {
  if (!engine_) return;
  for (const std::string& project : projects_) {
    v1::RemoveProjectRequest request;
    request.set_project(project);
    request.set_volumes(true);
    const auto removed = run(engine_->remove_project(request));
    EXPECT_TRUE(removed && removed->leftovers_size() == 0);
  }
  end_engine();
  const std::string bridges = bridge_prefix(options_.instance) + "+";
  for (const char* chain : {"INPUT", "FORWARD"})
    (void)run_program({"ip6tables", "-w", "10", "-D", chain, "-i", bridges, "-j", "DROP"});
  for (const char* end : {"IN", "FW"}) {
    const std::string chain = "PT-" + options_.instance + "-" + end;
    for (const char* from : {"INPUT", "DOCKER-USER", "FORWARD"}) {
      (void)run_program({"iptables", "-w", "10", "-D", from, "-s", options_.subnet_pool, "-j", chain});
      (void)run_program({"iptables", "-w", "10", "-D", from, "-i", bridges, "-j", chain});
    }
    (void)run_program({"iptables", "-w", "10", "-F", chain});
    (void)run_program({"iptables", "-w", "10", "-X", chain});
  }
}

void Contract::make_engine(bool firewall) {
  end_engine();
  options_.firewall = firewall;
  tasks_ = std::make_unique<net::TaskGroup>(loop_.get_executor());
  engine_ = *DockerEngine::make(*tasks_, options_);
}

void Contract::end_engine() {
  if (!engine_) return;
  tasks_->cancel();
  done(tasks_->join());
  engine_.reset();
  tasks_.reset();
}

void Contract::done(net::Task<void> task) {
  bool ended = false;
  boost::asio::co_spawn(loop_, std::move(task), [&ended](std::exception_ptr) { ended = true; });
  loop_.restart();
  while (!ended && loop_.run_one() > 0) {
  }
}

std::string Contract::project() {
  projects_.push_back(new_uuid());
  return projects_.back();
}

v1::BuildSpec Contract::build_spec(const std::string& project, std::int64_t number) {
  v1::BuildSpec spec;
  spec.set_project(project);
  spec.set_deployment(number);
  spec.set_dockerfile("Dockerfile");
  return spec;
}

v1::BuildResult Contract::build(v1::BuildSpec spec, const std::string& dockerfile) {
  auto sink = std::make_shared<Collector<v1::BuildEvent>>();
  build_lines_.clear();
  const std::string tar = TestTar().file("Dockerfile", dockerfile).file("app.pl", kServer).end();
  const Status status = run(engine_->build(spec, std::make_shared<OneTar>(tar), sink));
  EXPECT_TRUE(status) << status.error().message;
  for (const v1::BuildEvent& event : sink->got) {
    if (event.has_result()) return event.result();
    build_lines_ += event.line() + "\n";
  }
  ADD_FAILURE() << "no result";
  return {};
}

std::string Contract::built(const std::string& project, const std::string& more) {
  const v1::BuildResult result = build(build_spec(project), "FROM debian:bookworm\nCOPY app.pl /app.pl\nEXPOSE 8080\n" +
                                                                more + "CMD [\"perl\", \"/app.pl\"]\n");
  EXPECT_TRUE(result.ok()) << result.message();
  return result.image();
}

v1::InstanceGroup Contract::group(const std::string& project, std::vector<std::string> command) {
  v1::InstanceGroup group;
  group.set_project(project);
  group.set_deployment(1);
  group.set_process("web");
  group.set_count(1);
  group.set_image(image_reference(project, 1));
  group.set_port(8080);
  for (std::string& word : command) group.add_command(std::move(word));
  return group;
}

v1::InstanceGroup Contract::worker(v1::InstanceGroup group, const std::string& process) {
  group.set_process(process);
  group.set_port(0);
  return group;
}

v1::GroupEvent Contract::ensure(v1::InstanceGroup group) {
  auto sink = std::make_shared<Collector<v1::GroupEvent>>();
  const Status status = run(engine_->ensure_group(group, sink));
  EXPECT_TRUE(status) << status.error().message;
  return sink->got.empty() ? v1::GroupEvent() : sink->got.back();
}

Contract::Ran Contract::run_once(const std::string& project, std::vector<std::string> command, v1::Limits limits,
                                 int timeout) {
  v1::RunOnceRequest request;
  request.set_project(project);
  request.set_deployment(1);
  request.set_image(image_reference(project, 1));
  for (std::string& word : command) request.add_command(std::move(word));
  *request.mutable_limits() = limits;
  request.set_timeout_seconds(timeout);
  auto sink = std::make_shared<Collector<v1::RunEvent>>();
  Ran ran;
  ran.status = run(engine_->run_once(request, sink));
  for (const v1::RunEvent& event : sink->got) {
    if (event.event_case() == v1::RunEvent::kExitCode)
      ran.exit_code = event.exit_code();
    else
      ran.output += event.line() + "\n";
  }
  return ran;
}

int Contract::nameless(const std::string& mark) {
  const auto answer = run(client_->call("GET", "/images/json?all=1&filters=%7B%22dangling%22:%5B%22true%22%5D%7D"));
  EXPECT_TRUE(answer);
  int found = 0;
  std::size_t at = 0;
  while (answer && (at = answer->body.find("\"Id\":\"sha256:", at)) != std::string::npos) {
    const std::string id = answer->body.substr(at + 13, 64);
    at += 13;
    const auto history = run(client_->call("GET", "/images/" + id + "/history"));
    found += history && history->body.find(mark) != std::string::npos ? 1 : 0;
  }
  return found;
}

v1::InstanceRequest Contract::instance(const std::string& project, const std::string& process, int index) {
  v1::InstanceRequest request;
  request.set_project(project);
  request.set_deployment(1);
  request.set_process(process);
  request.set_index(index);
  return request;
}

Contract::Outcome Contract::beside(net::Task<Status> task) {
  struct Body {
    static net::Task<void> go(net::Task<Status> task, Outcome out) {
      Status status = co_await std::move(task);
      *out = status;
    }
  };
  auto outcome = std::make_shared<std::optional<Status>>();
  tasks_->spawn("beside", Body::go(std::move(task), outcome));
  return outcome;
}

std::vector<v1::Instance> Contract::list(const std::string& project) {
  v1::ListRequest request;
  request.set_project(project);
  const auto reply = run(engine_->list(request));
  EXPECT_TRUE(reply);
  if (!reply) return {};
  return {reply->instances().begin(), reply->instances().end()};
}

}  // namespace paastech::pomegranate
