#pragma once
// What the contract tests share: an Engine on the real Docker at $PAASTECH_TEST_DOCKER_SOCKET, under an instance name
// and a subnet pool of the test's own, so that tests run side by side; all it made is removed at the end.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>

#include "base/files.h"
#include "base/ids.h"
#include "base/subprocess.h"
#include "docker/networks.h"
#include "pomegranate/docker_engine.h"
#include "pomegranate/test_tar.h"

namespace paastech::pomegranate {

using namespace std::chrono_literals;

// Keeps what is put into it; leave() is the receiver going away.
template <class Message>
class Collector final : public Sink<Message> {
 public:
  net::Task<bool> put(Message message) override {
    if (gone_) co_return false;
    got.push_back(std::move(message));
    co_return true;
  }
  bool gone() const override { return gone_; }
  void on_gone(std::function<void()> action) override { action_ = std::move(action); }
  void leave() {
    gone_ = true;
    if (action_) std::exchange(action_, nullptr)();
  }
  std::vector<Message> got;

 private:
  bool gone_ = false;
  std::function<void()> action_;
};

class OneTar final : public TarSource {
 public:
  explicit OneTar(std::string bytes) : bytes_(std::move(bytes)) {}
  net::Task<std::optional<std::string>> next() override {
    if (bytes_.empty()) co_return std::nullopt;
    co_return std::exchange(bytes_, {});
  }

 private:
  std::string bytes_;
};

// Answers every request with 200, but /bad with 500, and says where it listens.
inline const std::string kServer = R"(
use IO::Socket::INET; $| = 1;
my $s = IO::Socket::INET->new(LocalPort => $ENV{PORT} || 8080, Listen => 16, ReuseAddr => 1) or die;
print "listening\n"; print STDERR "to stderr\n";
while (my $c = $s->accept) {
  my $l = <$c>; my $st = $l =~ m{ /bad } ? "500 No" : "200 OK";
  print $c "HTTP/1.1 $st\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"; close $c;
}
)";
// perl -e: prints whether HOST:PORT accepts within two seconds.
inline const std::string kConnect =
    "use IO::Socket::INET; my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1], Timeout => 2); "
    "print $s ? \"open\\n\" : \"closed\\n\";";

// Whether a `sleep` with this argument runs on this machine, be it in a container.
inline bool runs_on_host(const std::string& argument) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const auto line = read_file(entry.path() / "cmdline");  // gone in between: an error
    if (line && line->find(argument) != std::string::npos && line->starts_with("sleep")) return true;
  }
  return false;
}

class Contract : public ::testing::Test {
 protected:
  void SetUp() override {
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
  void TearDown() override {
    if (!engine_) return;
    for (const std::string& project : projects_) {
      v1::RemoveProjectRequest request;
      request.set_project(project);
      request.set_volumes(true);
      const auto removed = run(engine_->remove_project(request));
      EXPECT_TRUE(removed && removed->leftovers_size() == 0);
    }
    end_engine();
    for (const char* end : {"IN", "FW"}) {
      const std::string chain = "PT-" + options_.instance + "-" + end;
      for (const char* from : {"INPUT", "DOCKER-USER", "FORWARD"})
        (void)run_program({"iptables", "-w", "10", "-D", from, "-s", options_.subnet_pool, "-j", chain});
      (void)run_program({"iptables", "-w", "10", "-F", chain});
      (void)run_program({"iptables", "-w", "10", "-X", chain});
    }
  }
  void make_engine(bool firewall) {
    end_engine();
    options_.firewall = firewall;
    tasks_ = std::make_unique<net::TaskGroup>(loop_.get_executor());
    engine_ = *DockerEngine::make(*tasks_, options_);
  }
  void end_engine() {
    if (!engine_) return;
    tasks_->cancel();
    done(tasks_->join());
    engine_.reset();
    tasks_.reset();
  }
  // Runs the loop until the task has ended.
  template <class T>
  T run(net::Task<T> task) {
    std::optional<T> result;
    boost::asio::co_spawn(loop_, std::move(task), [&result](std::exception_ptr error, T value) {
      if (error) std::rethrow_exception(error);
      result = std::move(value);
    });
    loop_.restart();
    while (!result && loop_.run_one() > 0) {
    }
    return std::move(*result);
  }
  void done(net::Task<void> task) {
    bool ended = false;
    boost::asio::co_spawn(loop_, std::move(task), [&ended](std::exception_ptr) { ended = true; });
    loop_.restart();
    while (!ended && loop_.run_one() > 0) {
    }
  }
  template <class Condition>
  bool until(Condition condition, std::chrono::milliseconds limit = 20s) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      loop_.restart();
      loop_.run_for(10ms);
    }
    return true;
  }

  // A number of seconds that no other test sleeps, to find the process by.
  std::string sleep_mark() const { return "5" + std::to_string(std::stoul(options_.instance.substr(1), nullptr, 16)); }
  std::string project() {
    projects_.push_back(new_uuid());
    return projects_.back();
  }
  v1::BuildSpec build_spec(const std::string& project, std::int64_t number = 1) {
    v1::BuildSpec spec;
    spec.set_project(project);
    spec.set_deployment(number);
    spec.set_dockerfile("Dockerfile");
    return spec;
  }
  v1::BuildResult build(v1::BuildSpec spec, const std::string& dockerfile) {
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
  std::string built(const std::string& project, const std::string& more = "") {
    const v1::BuildResult result =
        build(build_spec(project),
              "FROM debian:bookworm\nCOPY app.pl /app.pl\nEXPOSE 8080\n" + more + "CMD [\"perl\", \"/app.pl\"]\n");
    EXPECT_TRUE(result.ok()) << result.message();
    return result.image();
  }
  v1::InstanceGroup group(const std::string& project, std::vector<std::string> command = {}) {
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
  v1::GroupEvent ensure(v1::InstanceGroup group) {
    auto sink = std::make_shared<Collector<v1::GroupEvent>>();
    const Status status = run(engine_->ensure_group(group, sink));
    EXPECT_TRUE(status) << status.error().message;
    return sink->got.empty() ? v1::GroupEvent() : sink->got.back();
  }
  struct Ran {
    Status status;
    std::string output;
    int exit_code = -1;
  };
  Ran run_once(const std::string& project, std::vector<std::string> command, v1::Limits limits = {}, int timeout = 60) {
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
  // How many images without a name have the text in their history.
  int nameless(const std::string& mark) {
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
  v1::InstanceRequest instance(const std::string& project, const std::string& process = "web", int index = 0) {
    v1::InstanceRequest request;
    request.set_project(project);
    request.set_deployment(1);
    request.set_process(process);
    request.set_index(index);
    return request;
  }
  // A call that streams, beside what the test does: its outcome once it has ended.
  using Outcome = std::shared_ptr<std::optional<Status>>;
  Outcome beside(net::Task<Status> task) {
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
  std::vector<v1::Instance> list(const std::string& project) {
    v1::ListRequest request;
    request.set_project(project);
    const auto reply = run(engine_->list(request));
    EXPECT_TRUE(reply);
    if (!reply) return {};
    return {reply->instances().begin(), reply->instances().end()};
  }

  boost::asio::io_context loop_;
  Options options_;
  std::unique_ptr<net::TaskGroup> tasks_;
  std::unique_ptr<DockerEngine> engine_;
  docker::ClientPtr client_;
  std::vector<std::string> projects_;
  std::string build_lines_;
};

}  // namespace paastech::pomegranate
