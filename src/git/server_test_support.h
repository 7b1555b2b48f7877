#pragma once
// For the tests of the git role: a real GitServer in a temporary folder, a fake api behind real gRPC, and the real git,
// ssh and ssh-keygen as the Client.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <map>
#include <thread>

#include "base/files.h"
#include "base/ids.h"
#include "git/server.h"
#include "repositories.grpc.pb.h"

namespace paastech::git::testing {

namespace fs = std::filesystem;

struct Outcome {
  int status = -1;
  std::string output;  // standard output and error
};

// A program in a process group of its own, its output in a file; killed where the test leaves it.
class Program {
 public:
  Program(std::vector<std::string> arguments, const fs::path& folder, const std::string& input, const fs::path& scratch,
          const std::vector<std::string>& extra);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void interrupt() { ::kill(-pid_, SIGINT); }
  std::string output() const { return read_file(output_).value_or(""); }
  Outcome finish();

 private:
  pid_t pid_ = -1;
  fs::path output_;
};

// Waits for something that must come; the test fails where it does not.
template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 1000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

class FakeGateway final : public gateway::v1::GitGateway::Service {
 public:
  using Writer = grpc::ServerWriter<gateway::v1::DeployEvent>;

  grpc::Status IdentifyKey(grpc::ServerContext*, const gateway::v1::IdentifyKeyRequest* request,
                           gateway::v1::Identity* identity) override;
  grpc::Status Authorize(grpc::ServerContext*, const gateway::v1::AuthorizeRequest* request,
                         gateway::v1::Repository* answer) override;
  grpc::Status Deploy(grpc::ServerContext* context, const gateway::v1::DeployRequest* request, Writer* writer) override;
  std::size_t deployments();

  std::mutex mutex;
  std::map<std::string, std::string> keys;
  std::string suspended;
  int offers = 0;  // of known keys
  int uses = 0;
  std::vector<std::string> deployed;
  gateway::v1::DeployRequest last;
  gateway::v1::DeployResult result;
  std::function<void(const gateway::v1::DeployRequest&)> during;
  std::atomic<bool> blocked = false;
  bool removed = false;  // ada, while a push was on its way
  std::vector<gateway::v1::AuthorizeRequest> asked_again;
  gateway::v1::Repository allowance;  // what the answer to a write says beside
  const std::string project_id = new_uuid();
};

class GitServerTest : public ::testing::Test {
 protected:
  void SetUp() override;

  void TearDown() override;

  void start();

  // Makes a key pair; known to the Service where it belongs to somebody.
  void make_key(const std::string& name, bool known = true);

  std::vector<std::string> ssh_command(const std::string& key) const;

  std::unique_ptr<Program> start_program(std::vector<std::string> arguments, const std::string& input = "",
                                         const std::string& key = "ada");
  Outcome run(std::vector<std::string> arguments, const std::string& input = "", const std::string& key = "ada");
  Outcome git(std::vector<std::string> arguments, const std::string& input = "", const std::string& key = "ada");
  Outcome ssh(std::vector<std::string> words, const std::string& input = "", const std::string& key = "ada");
  Outcome push(std::vector<std::string> words = {"main"}, const std::string& key = "ada");
  std::string commit(const std::string& file, const std::string& content, const std::string& subject);
  std::string head();
  fs::path repository() const { return options.repositories / (gateway.project_id + ".git"); }
  // The object of a ref in the Service's repository, "" where there is none.
  std::string stored(const std::string& ref);
  std::string quarantines();

  fs::path scratch;
  GitOptions options;
  FakeGateway gateway;
  std::unique_ptr<GitServer> server;
  std::unique_ptr<grpc::Server> rpc;
  std::unique_ptr<repositories::v1::Repositories::Stub> repositories;
};

}  // namespace paastech::git::testing
