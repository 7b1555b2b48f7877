// Who may come in, and what an SSH connection is good for.
#include "git/server.h"

#include <libssh/libssh.h>
#include <sys/stat.h>

#include "git/hook_protocol.h"
#include "git/server_test_support.h"
#include "git/session_context.h"

namespace paastech::git::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Server : public GitServerTest {
 protected:
  void SetUp() override {
    GitServerTest::SetUp();
    start();
  }
};

TEST_F(Server, KeepsItsHostKeyPrivateAndTheSame) {
  struct stat info{};
  ASSERT_EQ(::stat(options.host_key.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
  const std::string fingerprint = server->fingerprint();
  EXPECT_THAT(run({"ssh-keygen", "-l", "-f", options.host_key.string()}).output, HasSubstr(fingerprint));
  auto again = GitServer::create(options);
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)->fingerprint(), fingerprint);
  ::chmod(options.host_key.c_str(), 0644);
  const auto refused = GitServer::create(options);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().hint, HasSubstr("chmod 600"));
}

TEST_F(Server, NamesABusyPort) {
  GitOptions other = options;
  other.port = server->port();
  other.hook_socket = scratch / "home/run/other.sock";
  auto second = GitServer::create(other);
  ASSERT_TRUE(second);
  const Status status = (*second)->listen(nullptr);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("port " + std::to_string(server->port())));
  EXPECT_THAT(status.error().hint, HasSubstr("PAASTECH_SSH_PORT"));
}

TEST_F(Server, RefusesAnUnknownKeyAndSaysWhatToDo) {
  make_key("stranger", false);
  const Outcome outcome = push({"main"}, "stranger");
  EXPECT_NE(outcome.status, 0);
  EXPECT_THAT(outcome.output, HasSubstr("does not know the key SHA256:"));
  EXPECT_THAT(outcome.output, HasSubstr("paastech keys add"));
  EXPECT_THAT(outcome.output, HasSubstr("Permission denied (publickey)"));
}

TEST_F(Server, EndsALoginAfterSixUnknownKeys) {
  std::vector<std::string> words;
  for (int i = 0; i < 6; ++i) {
    make_key("stranger" + std::to_string(i), false);
    words.insert(words.end(), {"-i", (scratch / ("stranger" + std::to_string(i))).string()});
  }
  words.insert(words.end(), {"-i", (scratch / "ada").string(), "-T", "git@127.0.0.1"});
  EXPECT_THAT(ssh(words, "", "stranger0").output, Not(HasSubstr("Hi ada!")));
  words.erase(words.begin() + 2, words.begin() + 4);  // five unknown ones, then hers
  EXPECT_THAT(ssh(words, "", "stranger0").output, HasSubstr("Hi ada!"));
}

TEST_F(Server, TakesNoLoginFromAnAddressAfterTenFailedOnesWithinAMinute) {
  make_key("stranger", false);
  for (int i = 0; i < 9; ++i)
    ASSERT_THAT(ssh({"-T", "git@127.0.0.1"}, "", "stranger").output, HasSubstr("Permission denied")) << i;
  EXPECT_THAT(ssh({"-T", "git@127.0.0.1"}).output, HasSubstr("Hi ada!"));  // nine are no hindrance
  ASSERT_THAT(ssh({"-T", "git@127.0.0.1"}, "", "stranger").output, HasSubstr("Permission denied"));
  std::string said;
  ASSERT_TRUE(eventually([&] {
    said = ssh({"-T", "git@127.0.0.1"}, "", "stranger").output;
    return said.find("too many failed within a minute") != std::string::npos;
  }));
  const std::string until = "takes no login from 127.0.0.1 for ";
  ASSERT_THAT(said, HasSubstr(until));
  std::size_t digits = 0;
  const std::string rest = said.substr(said.find(until) + until.size());
  const int seconds = std::stoi(rest, &digits);
  EXPECT_TRUE(seconds >= 1 && seconds <= 60) << said;
  EXPECT_EQ(rest.substr(digits, 9), " seconds:") << said;
  EXPECT_THAT(ssh({"-T", "git@127.0.0.1"}).output, Not(HasSubstr("Hi ada!")));
}

TEST_F(Server, TellsASuspendedClientSo) {
  gateway.suspended = "ada";
  const Outcome outcome = push();
  EXPECT_NE(outcome.status, 0);
  EXPECT_THAT(outcome.output, HasSubstr("your account is suspended"));
  gateway.suspended = "";
  EXPECT_EQ(push().status, 0);
}

TEST_F(Server, SaysOfAKeyThatItWasUsedOnlyWhenItsSignatureVerified) {
  ASSERT_THAT(ssh({"-T", "git@127.0.0.1"}).output, HasSubstr("Hi ada!"));
  EXPECT_EQ(gateway.uses, 1);
  EXPECT_GE(gateway.offers, 1);
}

TEST_F(Server, MentionsTheUnknownKeyOfAKnownClientOnce) {
  make_key("old", false);
  const std::vector<std::string> words{"-i", (scratch / "ada").string(), "-T", "git@127.0.0.1"};
  EXPECT_THAT(ssh(words, "", "old").output, HasSubstr("does not know the key"));
  const Outcome second = ssh(words, "", "old");
  EXPECT_THAT(second.output, HasSubstr("Hi ada!"));
  EXPECT_THAT(second.output, Not(HasSubstr("does not know the key")));
}

TEST_F(Server, AnswersAlikeForAForeignAndAMissingProject) {
  make_key("mallory");
  const std::string address = "ssh://git@127.0.0.1:" + std::to_string(server->port());
  const Outcome foreign = git({"push", address + "/hello", "main"}, "", "mallory");
  const Outcome missing = git({"push", address + "/hell0", "main"}, "", "mallory");
  EXPECT_NE(foreign.status, 0);
  EXPECT_THAT(foreign.output, HasSubstr("project 'hello' does not exist, or you have no access to it"));
  EXPECT_THAT(missing.output, HasSubstr("project 'hell0' does not exist, or you have no access to it"));
  EXPECT_THAT(foreign.output, HasSubstr("paastech projects list"));
  EXPECT_THAT(foreign.output, Not(HasSubstr("secret reason")));
}

TEST_F(Server, OffersPublicKeysOnly) {
  const Outcome outcome = ssh({"-v", "-o", "PubkeyAuthentication=no", "git@127.0.0.1"});
  EXPECT_EQ(outcome.status, 255);
  EXPECT_THAT(outcome.output, HasSubstr("Authentications that can continue: publickey\r\n"));
}

TEST_F(Server, GreetsInsteadOfAShell) {
  const Outcome outcome = ssh({"-T", "git@127.0.0.1"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.output, HasSubstr("Hi ada!"));
  EXPECT_THAT(outcome.output, HasSubstr("does not offer a shell"));
  EXPECT_THAT(ssh({"-tt", "git@127.0.0.1"}).output, HasSubstr("PTY allocation request failed"));
}

TEST_F(Server, RunsNothingButGit) {
  const fs::path canary = scratch / "canary";
  for (const std::string& command :
       {"touch " + canary.string(), "git-receive-pack 'hello';touch " + canary.string(),
        "git-receive-pack '$(touch " + canary.string() + ")'", std::string("git-upload-archive 'hello'"),
        std::string("git-receive-pack --help")}) {
    const Outcome outcome = ssh({"git@127.0.0.1", command});
    EXPECT_EQ(outcome.status, 1) << command;
    EXPECT_THAT(outcome.output, HasSubstr("error: ")) << command;
    EXPECT_THAT(outcome.output, HasSubstr("hint: ")) << command;
  }
  EXPECT_FALSE(fs::exists(canary));
}

TEST_F(Server, RefusesSubsystemsAndForwarding) {
  const Outcome sftp = ssh({"-s", "git@127.0.0.1", "sftp"});
  EXPECT_NE(sftp.status, 0);
  EXPECT_THAT(sftp.output, HasSubstr("subsystem request failed"));
  const std::string port = std::to_string(server->port());
  const Outcome direct = ssh({"-W", "127.0.0.1:" + port, "git@127.0.0.1"});
  EXPECT_NE(direct.status, 0);
  EXPECT_THAT(direct.output, Not(HasSubstr("SSH-2.0-PaaSTech")));
  const Outcome reverse = ssh({"-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:" + port, "-N", "git@127.0.0.1"});
  EXPECT_EQ(reverse.status, 255);
  EXPECT_THAT(reverse.output, HasSubstr("remote port forwarding failed"));
}

// Threat 16: offering the victim's key and signing with another makes nobody the victim.
TEST_F(Server, TakesTheIdentityOfTheKeyThatSigned) {
  make_key("mallory");
  ssh_session session = ssh_new();
  const int port = server->port();
  ssh_options_set(session, SSH_OPTIONS_HOST, "127.0.0.1");
  ssh_options_set(session, SSH_OPTIONS_PORT, &port);
  const bool no = false;
  ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &no);
  ASSERT_EQ(ssh_connect(session), SSH_OK) << ssh_get_error(session);
  ssh_key victim = nullptr;
  ssh_key own = nullptr;
  ASSERT_EQ(ssh_pki_import_pubkey_file((scratch / "ada.pub").c_str(), &victim), SSH_OK);
  ASSERT_EQ(ssh_pki_import_privkey_file((scratch / "mallory").c_str(), nullptr, nullptr, nullptr, &own), SSH_OK);
  EXPECT_EQ(ssh_userauth_try_publickey(session, "ada", victim),
            SSH_AUTH_SUCCESS);  // the offer is known, and worth nothing
  ssh_channel early = ssh_channel_new(session);
  EXPECT_NE(ssh_channel_open_session(early), SSH_OK);
  ssh_disconnect(session);
  ssh_free(session);
  session = ssh_new();
  ssh_options_set(session, SSH_OPTIONS_HOST, "127.0.0.1");
  ssh_options_set(session, SSH_OPTIONS_PORT, &port);
  ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &no);
  ASSERT_EQ(ssh_connect(session), SSH_OK);
  EXPECT_EQ(ssh_userauth_try_publickey(session, "ada", victim), SSH_AUTH_SUCCESS);
  ASSERT_EQ(ssh_userauth_publickey(session, "ada", own), SSH_AUTH_SUCCESS);
  ssh_channel channel = ssh_channel_new(session);
  ASSERT_EQ(ssh_channel_open_session(channel), SSH_OK);
  ASSERT_EQ(ssh_channel_request_shell(channel), SSH_OK);
  char text[200] = {};
  ssh_channel_read_timeout(channel, text, sizeof text - 1, 1, 5000);
  EXPECT_THAT(std::string(text), HasSubstr("Hi mallory!"));
  ssh_disconnect(session);
  ssh_free(session);
  ssh_key_free(victim);
  ssh_key_free(own);
}

TEST_F(Server, ServesFetchesByNameAndId) {
  ASSERT_EQ(push().status, 0);
  const std::string address = "ssh://git@127.0.0.1:" + std::to_string(server->port()) + "/";
  for (const std::string& name : {std::string("hello.git"), gateway.project_id}) {
    const Outcome clone = git({"clone", "-q", address + name, "../copy-" + name});
    EXPECT_EQ(clone.status, 0) << clone.output;
    EXPECT_EQ(read_file(scratch / ("copy-" + name) / "index.html").value_or(""), "one");
  }
}

TEST_F(Server, IgnoresHooksWithoutTheToken) {
  const Outcome outcome = run({PAASTECH_HOOK_PROGRAM});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.output, HasSubstr("only through its git role"));
  Program forged({PAASTECH_HOOK_PROGRAM}, scratch, std::string(40, '0') + " " + head() + " refs/heads/main\n", scratch,
                 {std::string(hook::kSocketVariable) + "=" + options.hook_socket.string(),
                  std::string(hook::kTokenVariable) + "=guess"});
  EXPECT_EQ(forged.finish().status, 1);
  EXPECT_EQ(gateway.deployments(), 0u);
}

TEST_F(Server, RefusesPathsThatLeaveTheTree) {
  ASSERT_EQ(push().status, 0);
  for (const char* path : {"..", "../x", "/etc", "-x", "a//b", ".git/config", "a/../b"}) {
    grpc::ClientContext context;
    repositories::v1::ArchiveRequest request;
    request.set_project_id(gateway.project_id);
    request.set_commit(head());
    request.set_path(path);
    const auto reader = repositories->Archive(&context, request);
    repositories::v1::ArchiveChunk chunk;
    EXPECT_FALSE(reader->Read(&chunk)) << path;
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT) << path;
  }
}

TEST_F(Server, CreatesAndRemovesRepositoriesIdempotently) {
  EXPECT_EQ(fs::status(repository()).permissions() & fs::perms::all, fs::perms::owner_all);
  for (int round = 0; round < 2; ++round) {
    grpc::ClientContext context;
    repositories::v1::RemoveRequest request;
    request.set_project_id(gateway.project_id);
    repositories::v1::RemoveReply reply;
    EXPECT_TRUE(repositories->Remove(&context, request, &reply).ok());
    EXPECT_FALSE(fs::exists(repository()));
  }
  EXPECT_TRUE(fs::is_empty(options.repositories));
  EXPECT_THAT(push().output, HasSubstr("repository is missing"));
}

class SmallServer : public GitServerTest {};

TEST_F(SmallServer, RefusesMoreSessionsThanItHas) {
  options.max_sessions = 1;
  start();
  gateway.blocked = true;
  const auto first = start_program({"git", "push", "paastech", "main"});
  ASSERT_TRUE(eventually([&] { return gateway.deployments() == 1; }));
  const Outcome second = git({"ls-remote", "paastech"});
  EXPECT_NE(second.status, 0);
  EXPECT_THAT(second.output, HasSubstr("busy"));
  gateway.blocked = false;
  EXPECT_EQ(first->finish().status, 0);
}

TEST_F(SmallServer, OneClientCannotTakeAllSessions) {
  SessionPlaces places(4);
  ASSERT_TRUE(places.take("a"));
  ASSERT_TRUE(places.take("a"));
  const Status third = places.take("a");
  ASSERT_FALSE(third);
  EXPECT_THAT(third.error().message, HasSubstr("you have 2 git sessions"));
  EXPECT_TRUE(places.take("b"));
  EXPECT_TRUE(places.take("c"));
  EXPECT_THAT(places.take("d").error().message, HasSubstr("busy with 4"));
  places.leave("a");
  EXPECT_TRUE(places.take("a"));
}

TEST_F(SmallServer, RefusesMoreLoginsThanItHasAndSaysSo) {
  options.max_sessions = 4;  // one login of an address at a time
  start();
  ssh_session idle = ssh_new();
  const int port = server->port();
  ssh_options_set(idle, SSH_OPTIONS_HOST, "127.0.0.1");
  ssh_options_set(idle, SSH_OPTIONS_PORT, &port);
  ASSERT_EQ(ssh_connect(idle), SSH_OK);  // connected, never logs in
  EXPECT_THAT(ssh({"git@127.0.0.1"}).output, HasSubstr("too many connections"));
  ssh_disconnect(idle);
  ssh_free(idle);
  EXPECT_TRUE(eventually([&] { return ssh({"git@127.0.0.1"}).output.find("Hi ada!") != std::string::npos; }));
}

TEST_F(SmallServer, SaysThatTheApiIsAway) {
  start();
  server->stop();
  options.port = 0;
  auto other = GitServer::create(options);
  ASSERT_TRUE(other);
  server = std::move(*other);
  const auto nowhere = grpc::CreateChannel("unix:" + (scratch / "nobody").string(), grpc::InsecureChannelCredentials());
  ASSERT_TRUE(server->listen(gateway::v1::GitGateway::NewStub(nowhere)));
  EXPECT_THAT(ssh({"git@127.0.0.1"}).output, HasSubstr("API does not answer"));
}

}  // namespace
}  // namespace paastech::git::testing
