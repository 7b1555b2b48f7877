#include <gmock/gmock.h>

#include "cli/run_fixture.h"

namespace paastech::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kDevice =
    R"({"device_code":"secret-code","user_code":"BCDF-GHJK","verification_uri":"http://s/device",)"
    R"("verification_uri_complete":"http://s/device?code=BCDF-GHJK","expires_in":600,"interval":5})";

Answer problem(int status, const std::string& code) {
  return {.status = status,
          .body = R"({"detail":"the Service says )" + code + R"(","code":")" + code + R"("})",
          .type = "application/problem+json"};
}

class DeviceLoginTest : public CliTest {
 protected:
  DeviceLoginTest() {
    variables.erase("PAASTECH_SERVER");
    variables.erase("PAASTECH_TOKEN");
    server.on("POST /device/code", {.status = 201, .body = kDevice});
  }
  Ran login(std::vector<std::string> more = {}) {
    std::vector<std::string> words{"login", "--server", server.url()};
    words.insert(words.end(), more.begin(), more.end());
    return run(std::move(words));
  }
};

TEST_F(DeviceLoginTest, WaitsUntilItIsApprovedAndKeepsTheToken) {
  server.on("POST /device/token", problem(400, "authorization_pending"));
  server.on("POST /device/token", problem(400, "slow_down"));
  server.on("POST /device/token", {.status = 201, .body = kSession});
  const Ran ran = login();
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(paused, ElementsAre(5s, 5s, 10s)) << "slow_down adds 5 s (RFC 8628 section 3.5)";
  EXPECT_THAT(ran.err, HasSubstr("http://s/device?code=BCDF-GHJK"));
  EXPECT_THAT(ran.err, HasSubstr("BCDF-GHJK"));
  EXPECT_THAT(ran.out + ran.err, Not(HasSubstr("secret-code")));
  EXPECT_EQ(server.requests()[0].body, R"({"name":"paastech CLI on box"})");
  EXPECT_EQ(server.requests()[1].body, R"({"device_code":"secret-code"})");
  server.on("GET /me", {.body = R"({"username":"ann","email":"ann@x.org"})"});
  EXPECT_EQ(run({"whoami"}).exit, 0);
  EXPECT_THAT(server.requests().back().head, HasSubstr("Authorization: Bearer pt_new"));
}

TEST_F(DeviceLoginTest, EndsWhereItIsDenied) {
  server.on("POST /device/token", problem(400, "access_denied"));
  const Ran ran = login();
  EXPECT_NE(ran.exit, 0);
  EXPECT_THAT(ran.err, HasSubstr("access_denied"));
  EXPECT_FALSE(std::filesystem::exists(home / "config" / "credentials.json"));
}

TEST_F(DeviceLoginTest, GivesUpWhenTheTimeIsOver) {
  server.on("POST /device/token", problem(400, "authorization_pending"));
  const Ran ran = login();
  EXPECT_EQ(ran.exit, 1);
  EXPECT_EQ(pauses, 120);  // 600 s by 5 s
  EXPECT_THAT(ran.err, HasSubstr("nobody approved this login in time"));
}

TEST_F(DeviceLoginTest, APasswordWithASecondFactorAsksForTheCode) {
  server.on("POST /sessions", problem(401, "second_factor_required"));
  server.on("POST /sessions", {.status = 201, .body = kSession});
  terminal = true;
  password = "correct horse";
  input = "123456\n";
  const Ran ran = login({"--email", "ann@x.org"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(server.requests()[1].body, HasSubstr(R"("code":"123456")"));
}

TEST_F(DeviceLoginTest, WithoutATerminalTheCodeComesAsAnOption) {
  server.on("POST /sessions", problem(401, "second_factor_required"));
  server.on("POST /sessions", {.status = 201, .body = kSession});
  input = "correct horse\n";
  const Ran refused = login({"--email", "ann@x.org", "--password-stdin"});
  EXPECT_EQ(refused.exit, 2);
  EXPECT_THAT(refused.err, HasSubstr("--code"));
  EXPECT_EQ(login({"--email", "ann@x.org", "--password-stdin", "--code", "123456"}).exit, 0);
}

TEST_F(DeviceLoginTest, ATokenIsTriedBeforeItIsKept) {
  server.on("GET /me", {.body = R"({"username":"ann","email":"ann@x.org"})"});
  input = "ptat_x\n";
  const Ran ran = login({"--token-stdin"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(server.requests()[0].head, HasSubstr("Authorization: Bearer ptat_x"));
  EXPECT_TRUE(std::filesystem::exists(home / "config" / "credentials.json"));
}

TEST_F(DeviceLoginTest, AVoidTokenIsNotKept) {
  server.on("GET /me", problem(401, "unauthenticated"));
  input = "ptat_x\n";
  EXPECT_EQ(login({"--token-stdin"}).exit, 3);
  EXPECT_FALSE(std::filesystem::exists(home / "config" / "credentials.json"));
}

TEST_F(DeviceLoginTest, ShowsWhatIsAnnounced) {
  server.on("POST /device/token", {.status = 201, .body = kSession});
  server.on("GET /me/announcements", {.body = R"({"items":[{"level":"warning","text":"down on Sunday"}]})"});
  EXPECT_THAT(login().err, HasSubstr("down on Sunday"));
}

}  // namespace
}  // namespace paastech::cli
