#include "cli/git.h"

#include <gmock/gmock.h>

#include "cli/run_fixture.h"
#include "cli/spawn.h"

namespace paastech::cli {
namespace {

using ::testing::HasSubstr;

TEST(RemoteUrl, NamesTheProject) {
  EXPECT_EQ(project_of_remote("ssh://git@host:2222/shop"), "shop");
  EXPECT_EQ(project_of_remote("ssh://git@[::1]:2222/shop.git"), "shop");
  EXPECT_EQ(project_of_remote("ssh://host/my-shop-2/"), "my-shop-2");
  EXPECT_EQ(project_of_remote("git@host:shop.git"), "shop");
  EXPECT_EQ(project_of_remote("ssh://git@host/5f3c9c1e-0000-4000-8000-000000000000"),
            "5f3c9c1e-0000-4000-8000-000000000000");
}

TEST(RemoteUrl, OthersNameNone) {
  for (const char* url : {"", "https://host/shop", "/srv/shop", "./a:b", "ssh://host", "ssh://host/", "ssh://host/a/b",
                          "ssh://host/..", "ext::sh -c x", "host:Shop"})
    EXPECT_EQ(project_of_remote(url), std::nullopt) << url;
}

TEST(NameFromFolder, IsAValidName) {
  EXPECT_EQ(name_from_folder("shop"), "shop");
  EXPECT_EQ(name_from_folder("My Shop_v2"), "my-shop-v2");
  EXPECT_EQ(name_from_folder("42-answers!"), "answers");
  EXPECT_EQ(name_from_folder("--weird..name--"), "weird-name");
  EXPECT_EQ(name_from_folder("a-name-that-is-far-too-long-to-be-taken"), "a-name-that-is-far-too-long-to");
  EXPECT_EQ(name_from_folder("ab"), "");
  EXPECT_EQ(name_from_folder("日本"), "");
}

class GitTest : public CliTest {
 protected:
  std::string git(std::vector<std::string> arguments) {
    std::vector<std::string> argv{"git", "-C", home.string()};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    const auto captured = capture(argv);
    return captured ? captured->out : "failed";
  }
  const std::string project_ = R"({"name":"shop","url":"http://shop.x","git_url":"ssh://git@127.0.0.1:1/shop"})";
};

TEST_F(GitTest, InitCreatesTheProjectAndTheRemote) {
  git({"init", "-q"});
  server.on("POST /projects", {.status = 201, .body = project_});
  server.on("GET /projects/shop", {.body = project_});
  const Ran ran = run({"init", "shop"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(git({"remote", "get-url", "paastech"}), "ssh://git@127.0.0.1:1/shop\n");
  EXPECT_EQ(run({"init"}).exit, 0);  // again: it is set up already
  EXPECT_EQ(server.requests().back().line, "GET /api/v1/projects/shop");
  const Ran other = run({"init", "other"});
  EXPECT_EQ(other.exit, 1);
  EXPECT_THAT(other.err, HasSubstr("git remote remove paastech"));
}

TEST_F(GitTest, InitTakesItsNameFromTheFolder) {
  git({"init", "-q"});
  server.on("POST /projects", {.status = 201, .body = project_});
  EXPECT_EQ(run({"init"}).exit, 0);
  EXPECT_EQ(server.requests()[0].body, R"({"name":")" + name_from_folder(home.filename().string()) + R"("})");
}

TEST_F(GitTest, InitConnectsToAProjectThatIsYours) {
  git({"init", "-q"});
  server.on("POST /projects", {.status = 409, .body = R"({"detail":"the name is taken","code":"already_exists"})"});
  server.on("GET /projects/shop", {.body = project_});
  EXPECT_EQ(run({"init", "shop"}).exit, 0);
  EXPECT_EQ(git({"remote", "get-url", "paastech"}), "ssh://git@127.0.0.1:1/shop\n");
}

TEST_F(GitTest, InitWithAForeignNameChangesNothing) {
  git({"init", "-q"});
  server.on("POST /projects", {.status = 409, .body = R"({"detail":"the name is taken"})"});
  server.on("GET /projects/shop", {.status = 404, .body = R"({"detail":"no project"})"});
  const Ran ran = run({"init", "shop"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err, HasSubstr("someone else's"));
  EXPECT_EQ(git({"remote"}), "");
}

TEST_F(GitTest, InitOutsideOfARepositorySaysGitInit) {
  const Ran ran = run({"init", "shop"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err, HasSubstr("`git init`"));
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(GitTest, AServerCannotMakeARemoteThatRunsPrograms) {
  git({"init", "-q"});
  server.on("POST /projects", {.status = 201, .body = R"({"name":"shop","git_url":"ext::sh -c id"})"});
  EXPECT_EQ(run({"init", "shop"}).exit, 1);
  EXPECT_EQ(git({"remote"}), "");
}

TEST_F(GitTest, TheRemoteOfTheFolderIsTheProject) {
  EXPECT_EQ(run({"ps"}).exit, 2);
  git({"init", "-q"});
  git({"remote", "add", "paastech", "ssh://git@127.0.0.1:1/shop"});
  server.on("GET /projects/shop/instances", {.body = R"({"items":[]})"});
  server.on("GET /projects/shop/processes", {.body = R"({"items":[]})"});
  EXPECT_EQ(run({"ps"}).exit, 0);
}

class DeployTest : public GitTest {
 protected:
  DeployTest() {
    git({"init", "-q", "-b", "master"});
    git({"remote", "add", "paastech", bare_});
  }
  void commit(const std::string& message) {
    git({"-c", "user.name=a", "-c", "user.email=a@x", "commit", "-q", "--allow-empty", "-m", message});
  }
  void make_server_repository() { ASSERT_TRUE(run_quietly({"git", "init", "-q", "--bare", bare_})); }
  std::string deployed(const std::string& branch) {
    return capture({"git", "-C", bare_, "rev-parse", "--verify", "--quiet", "refs/heads/" + branch})->out;
  }
  std::string head() { return git({"rev-parse", "HEAD"}); }
  const std::string bare_ = home / "bare.git";
};

TEST_F(DeployTest, SaysWhatIsMissing) {
  EXPECT_THAT(run({"deploy"}).err, HasSubstr("there is no commit"));
  commit("one");
  EXPECT_THAT(run({"deploy"}).err, HasSubstr("the push did not deploy"));  // there is no such repository yet
  git({"remote", "remove", "paastech"});
  EXPECT_EQ(run({"deploy"}).exit, 2);
}

TEST_F(DeployTest, PushesHeadToMain) {
  make_server_repository();
  commit("one");
  EXPECT_EQ(run({"deploy"}).exit, 0);
  EXPECT_EQ(deployed("main"), head());
  EXPECT_EQ(deployed("master"), "");
}

TEST_F(DeployTest, PushesToMasterWhereTheServerHasOnlyThat) {
  make_server_repository();
  commit("one");
  git({"push", "-q", "paastech", "master", "master:refs/heads/x/refs/heads/main"});
  commit("two");
  EXPECT_EQ(run({"deploy"}).exit, 0);
  EXPECT_EQ(deployed("master"), head());
  EXPECT_EQ(deployed("main"), "");
}

TEST_F(DeployTest, PushesToMainWhereTheServerHasBoth) {
  make_server_repository();
  commit("one");
  git({"push", "-q", "paastech", "master", "master:main"});
  const std::string before = head();
  commit("two");
  EXPECT_EQ(run({"deploy"}).exit, 0);
  EXPECT_EQ(deployed("main"), head());
  EXPECT_EQ(deployed("master"), before);
}

TEST_F(DeployTest, PushesToMainWhereThatIsCheckedOut) {
  make_server_repository();
  commit("one");
  git({"push", "-q", "paastech", "master"});
  git({"checkout", "-q", "-b", "main"});
  commit("two");
  EXPECT_EQ(run({"deploy"}).exit, 0);
  EXPECT_EQ(deployed("main"), head());
}

}  // namespace
}  // namespace paastech::cli
