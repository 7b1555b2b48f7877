#include "git/server_test_support.h"

namespace paastech::git::testing {

Program::Program(std::vector<std::string> arguments, const fs::path& folder, const std::string& input,
                 const fs::path& scratch, const std::vector<std::string>& extra) {
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

Program::~Program() {
  if (pid_ > 0) {
    ::kill(-pid_, SIGKILL);
    finish();
  }
}

Outcome Program::finish() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), output()};
}

grpc::Status FakeGateway::IdentifyKey(grpc::ServerContext*, const gateway::v1::IdentifyKeyRequest* request,
                                      gateway::v1::Identity* identity) {
  const std::scoped_lock lock(mutex);
  const auto found = keys.find(request->fingerprint());
  if (found == keys.end()) return {grpc::StatusCode::NOT_FOUND, "no such key"};
  if (found->second == suspended) return {grpc::StatusCode::PERMISSION_DENIED, "your account is suspended"};
  ++(request->authenticated() ? uses : offers);
  identity->set_username(found->second);
  identity->set_client_id("id-of-" + found->second);
  return grpc::Status::OK;
}

grpc::Status FakeGateway::Authorize(grpc::ServerContext*, const gateway::v1::AuthorizeRequest* request,
                                    gateway::v1::Repository* answer) {
  if (request->client_id() != "id-of-ada" || (request->repository() != "hello" && request->repository() != project_id))
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

grpc::Status FakeGateway::Deploy(grpc::ServerContext* context, const gateway::v1::DeployRequest* request,
                                 Writer* writer) {
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

std::size_t FakeGateway::deployments() {
  const std::scoped_lock lock(mutex);
  return deployed.size();
}

void GitServerTest::SetUp() {
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

void GitServerTest::TearDown() {
  gateway.blocked = false;
  if (server) server->stop();
  if (rpc) rpc->Shutdown();
  std::error_code ignored;
  fs::remove_all(scratch, ignored);
}

void GitServerTest::start() {
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

void GitServerTest::make_key(const std::string& name, bool known) {
  run({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", (scratch / name).string()});
  const std::string line = run({"ssh-keygen", "-l", "-f", (scratch / name).string()}).output;
  const std::size_t at = line.find("SHA256:");
  if (known) gateway.keys[line.substr(at, line.find(' ', at) - at)] = name;
}

std::vector<std::string> GitServerTest::ssh_command(const std::string& key) const {
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

std::unique_ptr<Program> GitServerTest::start_program(std::vector<std::string> arguments, const std::string& input,
                                                      const std::string& key) {
  std::string ssh;
  for (const std::string& word : ssh_command(key)) ssh += word + " ";
  return std::make_unique<Program>(std::move(arguments), scratch / "work", input, scratch,
                                   std::vector<std::string>{"GIT_SSH_COMMAND=" + ssh});
}

Outcome GitServerTest::run(std::vector<std::string> arguments, const std::string& input, const std::string& key) {
  return start_program(std::move(arguments), input, key)->finish();
}

Outcome GitServerTest::git(std::vector<std::string> arguments, const std::string& input, const std::string& key) {
  arguments.insert(arguments.begin(), "git");
  return run(std::move(arguments), input, key);
}

Outcome GitServerTest::ssh(std::vector<std::string> words, const std::string& input, const std::string& key) {
  std::vector<std::string> all = ssh_command(key);
  all.insert(all.end(), {"-p", std::to_string(server->port())});
  all.insert(all.end(), words.begin(), words.end());
  return run(std::move(all), input, key);
}

Outcome GitServerTest::push(std::vector<std::string> words, const std::string& key) {
  words.insert(words.begin(), {"push", "paastech"});
  return git(std::move(words), "", key);
}

std::string GitServerTest::commit(const std::string& file, const std::string& content, const std::string& subject) {
  std::ofstream(scratch / "work" / file, std::ios::binary) << content;
  git({"add", "-A"});
  git({"commit", "-q", "--allow-empty", "-m", subject});
  return head();
}

std::string GitServerTest::head() {
  std::string id = git({"rev-parse", "HEAD"}).output;
  id.resize(40);
  return id;
}

std::string GitServerTest::stored(const std::string& ref) {
  std::string out = git({"--git-dir=" + repository().string(), "for-each-ref", "--format=%(objectname)", ref}).output;
  return out.substr(0, out.find('\n'));
}

std::string GitServerTest::quarantines() {
  std::string names;
  for (const auto& entry : fs::directory_iterator(repository() / "objects"))
    if (entry.path().filename().string().starts_with("tmp_")) names += entry.path().filename().string() + " ";
  return names;
}

}  // namespace paastech::git::testing
