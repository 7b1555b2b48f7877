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
          const std::vector<std::string>& extra) {
    const fs::path in = scratch / ("in." + random_token(6));
    output_ = scratch / ("out." + random_token(6));
    std::ofstream(in, std::ios::binary) << input;
    std::vector<std::string> environment{"PATH=/usr/bin:/bin",
                                         "HOME=" + scratch.string(),
                                         "GIT_CONFIG_NOSYSTEM=1",
                                         "GIT_CONFIG_GLOBAL=/dev/null",
                                         "LC_ALL=C",
                                         "GIT_AUTHOR_NAME=Ada",
                                         "GIT_AUTHOR_EMAIL=ada@example.org",
                                         "GIT_COMMITTER_NAME=Ada",
                                         "GIT_COMMITTER_EMAIL=ada@example.org"};
    environment.insert(environment.end(), extra.begin(), extra.end());
    std::vector<char*> argv, envp;
    for (std::string& a : arguments) argv.push_back(a.data());
    for (std::string& e : environment) envp.push_back(e.data());
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, in.c_str(), O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, output_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
    if (posix_spawnp(&pid_, argv[0], &actions, &attributes, argv.data(), envp.data()) != 0) pid_ = -1;
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  ~Program() {
    if (pid_ > 0) {
      ::kill(-pid_, SIGKILL);
      finish();
    }
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void interrupt() { ::kill(-pid_, SIGINT); }
  std::string output() const { return read_file(output_).value_or(""); }
  Outcome finish() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), output()};
  }

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
                           gateway::v1::Identity* identity) override {
    const std::scoped_lock lock(mutex);
    const auto found = keys.find(request->fingerprint());
    if (found == keys.end()) return {grpc::StatusCode::NOT_FOUND, "no such key"};
    if (found->second == suspended) return {grpc::StatusCode::PERMISSION_DENIED, "your account is suspended"};
    ++(request->authenticated() ? uses : offers);
    identity->set_username(found->second);
    identity->set_client_id("id-of-" + found->second);
    return grpc::Status::OK;
  }
  grpc::Status Authorize(grpc::ServerContext*, const gateway::v1::AuthorizeRequest* request,
                         gateway::v1::Repository* answer) override {
    if (request->client_id() != "id-of-ada" ||
        (request->repository() != "hello" && request->repository() != project_id))
      return {grpc::StatusCode::NOT_FOUND, "secret reason"};
    if (request->again()) {
      const std::scoped_lock lock(mutex);
      asked_again.push_back(*request);
      if (removed) return {grpc::StatusCode::NOT_FOUND, "secret reason"};
    }
    answer->set_project_id(project_id);
    answer->set_project_name("hello");
    if (request->write()) answer->MergeFrom(allowance);
    return grpc::Status::OK;
  }
  grpc::Status Deploy(grpc::ServerContext* context, const gateway::v1::DeployRequest* request,
                      Writer* writer) override {
    {
      const std::scoped_lock lock(mutex);
      deployed.push_back(request->commit());
      last = *request;
    }
    gateway::v1::DeployEvent event;
    event.set_line("Building\x1b]52;c;eA==\x07 it");
    writer->Write(event);
    if (during) during(*request);
    while (blocked && !context->IsCancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    event.mutable_result()->CopyFrom(result);
    writer->Write(event);
    return grpc::Status::OK;
  }
  std::size_t deployments() {
    const std::scoped_lock lock(mutex);
    return deployed.size();
  }

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
  void SetUp() override {
    scratch = fs::temp_directory_path() / ("ptgit." + random_token(6));
    fs::create_directories(scratch / "work");
    gateway.result.set_number(7);
    gateway.result.set_live(true);
    gateway.result.set_url("http://hello.example");
    gateway.result.set_took_ms(1234);
    options.repositories = scratch / "home/repositories";
    options.host_key = scratch / "home/host_key";
    options.hook_socket = scratch / "home/run/hook.sock";
    options.hooks_folder = scratch / "home/run/hooks";
    options.hook_program = PAASTECH_HOOK_PROGRAM;
    options.address = "127.0.0.1";
    options.port = 0;
    make_key("ada");
    git({"init", "-q", "-b", "main"});
    commit("index.html", "one", "First");
  }

  void TearDown() override {
    gateway.blocked = false;
    if (server) server->stop();
    if (rpc) rpc->Shutdown();
    std::error_code ignored;
    fs::remove_all(scratch, ignored);
  }

  void start() {
    auto created = GitServer::create(options);
    ASSERT_TRUE(created) << created.error().message;
    server = std::move(*created);
    grpc::ServerBuilder builder;
    builder.RegisterService(&gateway);
    builder.RegisterService(&server->repositories());
    rpc = builder.BuildAndStart();
    const auto channel = rpc->InProcessChannel({});
    repositories = repositories::v1::Repositories::NewStub(channel);
    const Status listening = server->listen(gateway::v1::GitGateway::NewStub(channel));
    ASSERT_TRUE(listening) << listening.error().message;
    grpc::ClientContext context;
    repositories::v1::CreateRequest request;
    request.set_project_id(gateway.project_id);
    request.set_default_branch("main");
    repositories::v1::CreateReply reply;
    ASSERT_TRUE(repositories->Create(&context, request, &reply).ok());
    git({"remote", "add", "paastech", "ssh://git@127.0.0.1:" + std::to_string(server->port()) + "/hello"});
  }

  // Makes a key pair; known to the Service where it belongs to somebody.
  void make_key(const std::string& name, bool known = true) {
    run({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", (scratch / name).string()});
    const std::string line = run({"ssh-keygen", "-l", "-f", (scratch / name).string()}).output;
    const std::size_t at = line.find("SHA256:");
    if (known) gateway.keys[line.substr(at, line.find(' ', at) - at)] = name;
  }

  std::vector<std::string> ssh_command(const std::string& key) const {
    return {"ssh",
            "-F",
            "/dev/null",
            "-i",
            (scratch / key).string(),
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "BatchMode=yes",
            "-o",
            "StrictHostKeyChecking=accept-new",
            "-o",
            "UserKnownHostsFile=" + (scratch / "known_hosts").string()};
  }

  std::unique_ptr<Program> start_program(std::vector<std::string> arguments, const std::string& input = "",
                                         const std::string& key = "ada") {
    std::string ssh;
    for (const std::string& word : ssh_command(key)) ssh += word + " ";
    return std::make_unique<Program>(std::move(arguments), scratch / "work", input, scratch,
                                     std::vector<std::string>{"GIT_SSH_COMMAND=" + ssh});
  }
  Outcome run(std::vector<std::string> arguments, const std::string& input = "", const std::string& key = "ada") {
    return start_program(std::move(arguments), input, key)->finish();
  }
  Outcome git(std::vector<std::string> arguments, const std::string& input = "", const std::string& key = "ada") {
    arguments.insert(arguments.begin(), "git");
    return run(std::move(arguments), input, key);
  }
  Outcome ssh(std::vector<std::string> words, const std::string& input = "", const std::string& key = "ada") {
    std::vector<std::string> all = ssh_command(key);
    all.insert(all.end(), {"-p", std::to_string(server->port())});
    all.insert(all.end(), words.begin(), words.end());
    return run(std::move(all), input, key);
  }
  Outcome push(std::vector<std::string> words = {"main"}, const std::string& key = "ada") {
    words.insert(words.begin(), {"push", "paastech"});
    return git(std::move(words), "", key);
  }
  std::string commit(const std::string& file, const std::string& content, const std::string& subject) {
    std::ofstream(scratch / "work" / file, std::ios::binary) << content;
    git({"add", "-A"});
    git({"commit", "-q", "--allow-empty", "-m", subject});
    return head();
  }
  std::string head() {
    std::string id = git({"rev-parse", "HEAD"}).output;
    id.resize(40);
    return id;
  }
  fs::path repository() const { return options.repositories / (gateway.project_id + ".git"); }
  // The object of a ref in the Service's repository, "" where there is none.
  std::string stored(const std::string& ref) {
    std::string out = git({"--git-dir=" + repository().string(), "for-each-ref", "--format=%(objectname)", ref}).output;
    return out.substr(0, out.find('\n'));
  }
  std::string quarantines() {
    std::string names;
    for (const auto& entry : fs::directory_iterator(repository() / "objects"))
      if (entry.path().filename().string().starts_with("tmp_")) names += entry.path().filename().string() + " ";
    return names;
  }

  fs::path scratch;
  GitOptions options;
  FakeGateway gateway;
  std::unique_ptr<GitServer> server;
  std::unique_ptr<grpc::Server> rpc;
  std::unique_ptr<repositories::v1::Repositories::Stub> repositories;
};

}  // namespace paastech::git::testing
