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
  net::Task<std::optional<std::string>> next() override;

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
  void SetUp() override;
  void TearDown() override;
  void make_engine(bool firewall);
  void end_engine();
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
  void done(net::Task<void> task);
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
  std::string project();
  v1::BuildSpec build_spec(const std::string& project, std::int64_t number = 1);
  v1::BuildResult build(v1::BuildSpec spec, const std::string& dockerfile);
  std::string built(const std::string& project, const std::string& more = "");
  v1::InstanceGroup group(const std::string& project, std::vector<std::string> command = {});
  // The same as one that takes no requests.
  static v1::InstanceGroup worker(v1::InstanceGroup group, const std::string& process = "worker");
  v1::GroupEvent ensure(v1::InstanceGroup group);
  struct Ran {
    Status status;
    std::string output;
    int exit_code = -1;
  };
  Ran run_once(const std::string& project, std::vector<std::string> command, v1::Limits limits = {}, int timeout = 60);
  // How many images without a name have the text in their history.
  int nameless(const std::string& mark);
  v1::InstanceRequest instance(const std::string& project, const std::string& process = "web", int index = 0);
  // A call that streams, beside what the test does: its outcome once it has ended.
  using Outcome = std::shared_ptr<std::optional<Status>>;
  Outcome beside(net::Task<Status> task);
  std::vector<v1::Instance> list(const std::string& project);

  boost::asio::io_context loop_;
  Options options_;
  std::unique_ptr<net::TaskGroup> tasks_;
  std::unique_ptr<DockerEngine> engine_;
  docker::ClientPtr client_;
  std::vector<std::string> projects_;
  std::string build_lines_;
};

}  // namespace paastech::pomegranate
