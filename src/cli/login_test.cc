#include <gmock/gmock.h>
#include <sys/stat.h>

#include <algorithm>
#include <thread>

#include "cli/credentials.h"
#include "cli/run_fixture.h"

namespace paastech::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class LoginTest : public CliTest {
 protected:
  LoginTest() {
    variables.erase("PAASTECH_SERVER");
    variables.erase("PAASTECH_TOKEN");
  }
  std::filesystem::path file() const { return home / "config" / "credentials.json"; }
  Ran login() {
    server.on("POST /sessions", {.status = 201, .body = kSession});
    input = "correct horse\n";
    return run({"login", "--server", server.url(), "--email", "ann@x.org", "--password-stdin"});
  }
};

TEST_F(LoginTest, KeepsTheTokenPrivatelyAndUsesItAfterwards) {
  const Ran ran = login();
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("as ann"));
  EXPECT_THAT(ran.out + ran.err, Not(HasSubstr("pt_new")));
  EXPECT_EQ(server.requests()[0].body,
            R"({"email":"ann@x.org","password":"correct horse","name":"paastech CLI on box"})");
  struct stat info{};
  ASSERT_EQ(::stat(file().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  ASSERT_EQ(::stat(file().parent_path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);

  server.on("GET /me", {.body = R"({"username":"ann","email":"ann@x.org","administrator":true})"});
  const Ran me = run({"whoami"});
  EXPECT_EQ(me.exit, 0) << me.err;
  EXPECT_THAT(me.out, HasSubstr("ann <ann@x.org>, administrator, at " + server.url()));
  EXPECT_THAT(server.requests().back().head, HasSubstr("Authorization: Bearer pt_new"));
}

TEST_F(LoginTest, RevokesTheTokenThatANewLoginReplaces) {
  login();
  server.on("DELETE /sessions/current", {.status = 204});
  server.on("POST /sessions", {.status = 201, .body = R"({"token":"pt_newer","client":{"username":"ann"}})"});
  EXPECT_EQ(login().exit, 0);
  EXPECT_EQ(login().exit, 0);  // the answers come in their order: the first one once more, then the newer
  const auto was = [](const Request& request) { return request.line == "DELETE /api/v1/sessions/current"; };
  EXPECT_EQ(std::ranges::count_if(server.requests(), was), 1);
}

TEST_F(LoginTest, AsksForThePasswordOnATerminal) {
  terminal = true;
  password = "typed secret";
  server.on("POST /sessions", {.status = 201, .body = kSession});
  EXPECT_EQ(run({"login", "--server", server.url(), "--email", "ann@x.org"}).exit, 0);
  EXPECT_THAT(server.requests()[0].body, HasSubstr("typed secret"));
}

TEST_F(LoginTest, WithoutATerminalThePasswordMustBePipedIn) {
  const Ran ran = run({"login", "--server", server.url(), "--email", "ann@x.org"});
  EXPECT_EQ(ran.exit, 2);
  EXPECT_THAT(ran.err, HasSubstr("--password-stdin"));
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(LoginTest, AWrongPasswordSaysWhatTheServerSaysAndKeepsNothing) {
  server.on("POST /sessions",
            {.status = 401, .body = R"({"detail":"wrong address or password","hint":"ask your administrator"})"});
  input = "wrong\n";
  const Ran ran = run({"login", "--server", server.url(), "--email", "a@x.org", "--password-stdin"});
  EXPECT_EQ(ran.exit, 3);
  EXPECT_THAT(ran.err, HasSubstr("error: wrong address or password\nhint:  ask your administrator\n"));
  EXPECT_FALSE(std::filesystem::exists(file()));
}

TEST_F(LoginTest, WarnsBeforeAPasswordTravelsUnencrypted) {
  input = "secret\n";
  const Ran ran = run({"login", "--server", "http://paas.invalid:1", "--email", "a@x.org", "--password-stdin"});
  EXPECT_THAT(ran.err, HasSubstr("warning: http://paas.invalid:1 is not encrypted"));
  EXPECT_THAT(login().err, Not(HasSubstr("warning")));
}

TEST_F(LoginTest, NotLoggedInIsExit3WithTheNextStep) {
  for (const std::vector<std::string>& command : {std::vector<std::string>{"whoami"}, {"ps", "-p", "shop"}}) {
    const Ran ran = run(command);
    EXPECT_EQ(ran.exit, 3);
    EXPECT_THAT(ran.err, HasSubstr("paastech login --server"));
  }
}

TEST_F(LoginTest, ATokenIsNeverShownToAnotherServer) {
  login();
  FakeServer other;
  const Ran ran = run({"whoami", "--server", other.url()});
  EXPECT_EQ(ran.exit, 3);
  EXPECT_TRUE(other.requests().empty());
  variables["PAASTECH_TOKEN"] = "pt_env";
  variables["PAASTECH_SERVER"] = server.url();
  EXPECT_EQ(run({"whoami", "--server", other.url()}).exit, 3);
  EXPECT_TRUE(other.requests().empty());
}

TEST_F(LoginTest, TheEnvironmentGoesBeforeTheFile) {
  login();
  FakeServer other;
  other.on("GET /me", {.body = R"({"username":"bob"})"});
  variables["PAASTECH_TOKEN"] = "pt_env";
  variables["PAASTECH_SERVER"] = other.url() + "/";
  EXPECT_EQ(run({"whoami"}).exit, 0);
  ASSERT_EQ(other.requests().size(), 1U);
  EXPECT_THAT(other.requests()[0].head, HasSubstr("Bearer pt_env"));
}

TEST_F(LoginTest, RefusesCredentialsThatOthersCanRead) {
  login();
  const std::size_t before = server.requests().size();
  ASSERT_EQ(::chmod(file().c_str(), 0644), 0);
  const Ran ran = run({"whoami"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err, HasSubstr("chmod 600 " + file().string()));
  EXPECT_EQ(server.requests().size(), before);
  ASSERT_EQ(::chmod(file().c_str(), 0600), 0);  // the control: the same file is taken once it is private
  server.on("GET /me", {.body = R"({"username":"ann"})"});
  EXPECT_EQ(run({"whoami"}).exit, 0);
}

TEST_F(LoginTest, DamagedCredentialsSayHowToGoOn) {
  login();
  write("config/credentials.json", "{");
  const Ran ran = run({"whoami"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err, HasSubstr("is damaged"));
}

TEST_F(LoginTest, LogoutRevokesAndForgets) {
  login();
  server.on("DELETE /sessions/current", {.status = 204});
  EXPECT_EQ(run({"logout"}).exit, 0);
  EXPECT_EQ(server.requests().back().line, "DELETE /api/v1/sessions/current");
  EXPECT_FALSE(std::filesystem::exists(file()));
  EXPECT_EQ(run({"whoami"}).exit, 3);
  EXPECT_EQ(run({"logout"}).exit, 0);
}

TEST_F(LoginTest, LogoutForgetsATokenThatWasInvalidAlready) {
  login();
  server.on("DELETE /sessions/current", {.status = 401, .body = R"({"detail":"no such token"})"});
  EXPECT_EQ(run({"logout"}).exit, 0);
  EXPECT_FALSE(std::filesystem::exists(file()));
}

TEST_F(LoginTest, ChangesAtOnceLoseNothingOfEachOther) {
  constexpr int kThreads = 8;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back([this, i] {
      for (int round = 0; round < 20; ++round)
        EXPECT_TRUE(update_credentials(file(), [&](Credentials& all) {
          all.servers["http://s" + std::to_string(i) + "-" + std::to_string(round)] = {"t", "e"};
        }));
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(load_credentials(file())->servers.size(), kThreads * 20U);
}

}  // namespace
}  // namespace paastech::cli
