#include <gmock/gmock.h>

#include <csignal>

#include "cli/run_fixture.h"

namespace paastech::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kStream = "text/event-stream";
constexpr const char* kLive = R"({"number":5,"state":"live","url":"http://shop.x","duration_ms":1500})";

std::string lines(int from, int to) {
  std::string out = ": beat\n\n";
  for (int i = from; i <= to; ++i) out += "event: line\ndata: {\"text\":\"step " + std::to_string(i) + "\"}\n\n";
  return out;
}
std::string result(const std::string& deployment) { return "event: result\ndata: " + deployment + "\n\n"; }

class FollowTest : public CliTest {
 protected:
  FollowTest() {
    server.on("PATCH /projects/shop/environment",
              {.status = 202, .body = R"({"changed":["A"],"deployment":{"number":5,"state":"queued"}})"});
  }
  const std::string log = "GET /projects/shop/deployments/5/log";
};

TEST_F(FollowTest, AnEnvironmentChangeIsFollowedUntilItIsLive) {
  server.on(log, {.body = lines(1, 2) + result(kLive), .type = kStream});
  const Ran ran = run({"env", "set", "A=b=c", "E=", "-p", "shop"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(ran.out, "Changed A.\nstep 1\nstep 2\nDeployment 5 is live at http://shop.x (1.5 s)\n");
  EXPECT_EQ(server.requests()[0].body, R"({"set":{"A":"b=c","E":""},"unset":[]})");
  EXPECT_THAT(server.requests()[1].head, HasSubstr("Accept: text/event-stream"));
}

TEST_F(FollowTest, AFailedDeploymentFailsTheCommandWithItsReason) {
  server.on(log, {.body = result(R"({"number":5,"state":"failed","reason":"exited","message":"web ended at once"})"),
                  .type = kStream});
  const Ran ran = run({"env", "unset", "A", "-p", "shop"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err, HasSubstr("deployment 5 failed: web ended at once"));
  EXPECT_THAT(ran.err, HasSubstr("paastech deployments logs 5"));
}

TEST_F(FollowTest, WithJsonTheAnswerHoldsTheFinalDeployment) {
  server.on(log, {.body = lines(1, 1) + result(kLive), .type = kStream});
  EXPECT_EQ(run({"env", "set", "A=1", "-p", "shop", "--json"}).out,
            std::string(R"({"changed":["A"],"deployment":)") + kLive + "}\n");
}

TEST_F(FollowTest, NoWaitDoesNotFollow) {
  EXPECT_EQ(run({"env", "set", "A=1", "-p", "shop", "--no-wait"}).exit, 0);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(FollowTest, NothingIsFollowedWhereNothingIsLive) {
  server.on("PATCH /projects/new/environment", {.status = 202, .body = R"({"changed":["A"]})"});
  EXPECT_EQ(run({"env", "set", "A=1", "-p", "new"}).exit, 0);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(FollowTest, ALostConnectionIsTakenUpAgainWithoutRepeatingLines) {
  server.on(log, {.body = lines(1, 2), .type = kStream, .cut = true});
  server.on(log, {.body = lines(1, 3), .type = kStream});  // ended early, for instance by a restart of the server
  server.on(log, {.body = lines(1, 4) + result(kLive), .type = kStream});
  const Ran ran = run({"env", "set", "A=1", "-p", "shop"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("step 1\nstep 2\nstep 3\nstep 4\nDeployment 5"));
  EXPECT_EQ(pauses, 2);
}

TEST_F(FollowTest, GivesUpOnALogThatNeverEndsWell) {
  server.on(log, {.body = lines(1, 1), .type = kStream, .cut = true});
  const Ran ran = run({"env", "set", "A=1", "-p", "shop"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err, HasSubstr("cannot follow deployment 5: the connection to"));
  EXPECT_THAT(ran.err, HasSubstr("paastech deployments show 5"));
  EXPECT_LE(server.requests().size(), 10U);
}

TEST_F(FollowTest, RestartFollows) {
  server.on("POST /projects/shop/restart", {.status = 202, .body = R"({"deployment":{"number":5,"state":"queued"}})"});
  server.on(log, {.body = lines(1, 1) + result(kLive), .type = kStream});
  EXPECT_THAT(run({"restart", "-p", "shop"}).out, HasSubstr("step 1\nDeployment 5 is live"));
}

TEST_F(FollowTest, StartFollowsAndShowsTheProjectAsItIsThen) {
  server.on("POST /projects/shop/start",
            {.status = 202, .body = R"({"name":"shop","state":"deploying","latest":{"number":5,"state":"queued"}})"});
  server.on(log, {.body = lines(1, 1) + result(kLive), .type = kStream});
  server.on("GET /projects/shop", {.body = R"({"name":"shop","state":"live"})"});
  EXPECT_THAT(run({"start", "-p", "shop"}).out, HasSubstr("step 1\nDeployment 5 is live"));
  EXPECT_EQ(run({"start", "-p", "shop", "--json"}).out, "{\"name\":\"shop\",\"state\":\"live\"}\n");
}

TEST_F(FollowTest, AStartThatHasFailedBeforeItsAnswerFails) {
  server.on("POST /projects/shop/start",
            {.status = 202, .body = R"({"state":"stopped","latest":{"number":5,"state":"failed","message":"no"}})"});
  const Ran ran = run({"start", "-p", "shop"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err, HasSubstr("deployment 5 failed: no"));
  EXPECT_THAT(ran.err, Not(HasSubstr("serves")));  // nothing does
}

TEST_F(FollowTest, ACancelledDeploymentSaysWhy) {
  server.on(log, {.body = result(R"({"number":5,"state":"cancelled","message":"it is stopped"})"), .type = kStream});
  const Ran ran = run({"env", "set", "A=1", "-p", "shop"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err, HasSubstr("deployment 5 was cancelled: it is stopped"));
}

TEST_F(FollowTest, WhatIsNotTextIsNamedAndNotSent) {
  write(".env", "NAME=caf\xe9\n");
  for (const Ran& ran :
       {run({"env", "import", ".env", "-p", "shop"}), run({"env", "set", "NAME=\xff", "-p", "shop"})}) {
    EXPECT_EQ(ran.exit, 2);
    EXPECT_THAT(ran.err, HasSubstr("the value of NAME is not UTF-8 text"));
  }
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(FollowTest, TheLogOfAFailedDeploymentIsShownWithSuccess) {
  server.on(log, {.body = lines(1, 2) + result(R"({"number":5,"state":"failed","message":"no Dockerfile"})"),
                  .type = kStream});
  const Ran ran = run({"deployments", "logs", "5", "-p", "shop"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(ran.out, "step 1\nstep 2\ndeployment 5 failed: no Dockerfile\n");
  EXPECT_EQ(run({"deployments", "logs", "5", "-p", "shop", "--json"}).out,
            "{\"text\":\"step 1\"}\n{\"text\":\"step 2\"}\n{\"number\":5,\"state\":\"failed\",\"message\":\"no "
            "Dockerfile\"}\n");
}

TEST_F(FollowTest, AMissingDeploymentIsExit4) {
  server.on(log, {.status = 404, .body = R"({"detail":"there is no deployment 5"})"});
  EXPECT_EQ(run({"deployments", "logs", "5", "-p", "shop"}).exit, 4);
  EXPECT_EQ(pauses, 0);
}

TEST_F(FollowTest, ImportedFilesAreSetAsAWhole) {
  write(".env", "# keys\nexport A='x y'\nB=\"1\\n2\"\n");
  server.on(log, {.body = result(kLive), .type = kStream});
  EXPECT_EQ(run({"env", "import", ".env", "-p", "shop"}).exit, 0);
  EXPECT_EQ(server.requests()[0].body, R"({"set":{"A":"x y","B":"1\n2"},"unset":[]})");
  write("bad.env", "A=1\nB 2\n");
  const Ran ran = run({"env", "import", "bad.env", "-p", "shop"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err, HasSubstr("bad.env, line 2: there is no `=`; nothing was changed"));
  EXPECT_EQ(server.requests().size(), 2U);
}

TEST_F(FollowTest, LogsFollowTheStream) {
  server.on(
      "GET /projects/shop/logs?lines=5&follow=true",
      {.body = "event: log\ndata: {\"instance\":\"web.1\",\"at\":\"2026-01-01T10:00:00.123Z\",\"text\":\"hello\"}\n\n",
       .type = kStream});
  const Ran ran = run({"logs", "-f", "-n", "5", "-p", "shop"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(ran.out, "2026-01-01T10:00:00Z web.1 | hello\n");
}

std::string log_line(int sequence, const std::string& text) {
  const std::string number = std::to_string(sequence);
  return "id: " + number + "\nevent: log\ndata: {\"sequence\":" + number +
         ",\"at\":\"2026-01-01T10:00:00.123Z\",\"instance\":\"web.1\",\"text\":\"" + text + "\"}\n\n";
}

TEST_F(FollowTest, LogsGoOnAfterTheLastLineWhenTheConnectionBreaks) {
  const std::string path = "GET /projects/shop/logs?lines=2&grep=a%20b&follow=true";
  server.on(path, {.body = log_line(7, "one") + log_line(8, "two"), .type = kStream, .cut = true});
  server.on(path + "&cursor=8", {.status = 503, .body = R"({"status":503,"detail":"starting","code":"unavailable"})"});
  server.on(path + "&cursor=8",
            {.body = "event: gap\ndata: {\"missed\":3}\n\n" + log_line(12, "three"), .type = kStream});
  const Ran ran = run({"logs", "-f", "-n", "2", "--grep", "a b", "-p", "shop"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(ran.out,
            "2026-01-01T10:00:00Z web.1 | one\n2026-01-01T10:00:00Z web.1 | two\n2026-01-01T10:00:00Z web.1 | three\n");
  EXPECT_THAT(ran.err, HasSubstr("3 lines that came here are not kept any more"));
  EXPECT_EQ(pauses, 2);
}

TEST_F(FollowTest, LogsOfAServerThatNeverAnsweredAreNotTriedAgain) {
  server.on("GET /projects/shop/logs?lines=100&follow=true",
            {.status = 503, .body = R"({"status":503,"detail":"the database is away","code":"unavailable"})"});
  const Ran ran = run({"logs", "-f", "-p", "shop"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err, HasSubstr("the database is away"));
  EXPECT_EQ(pauses, 0);
}

TEST_F(FollowTest, LogsThatAreFollowedBeforeAnythingWasDeployedSaySo) {
  server.on("GET /projects/shop", {.body = R"({"name":"shop","state":"empty"})"});
  server.on("GET /projects/shop/logs?lines=0&follow=true", {.body = log_line(1, "first"), .type = kStream});
  const Ran ran = run({"logs", "-f", "-n", "0", "-p", "shop"});
  EXPECT_THAT(ran.err, HasSubstr("Nothing was deployed yet"));
  EXPECT_THAT(ran.out, HasSubstr("web.1 | first"));
}

TEST_F(FollowTest, AnErrorInsideTheStreamIsToldAndNotTriedAgain) {
  const std::string broken =
      "event: error\ndata: {\"status\":500,\"detail\":\"the log is damaged\",\"code\":\"internal\"}\n\n";
  server.on(log, {.body = lines(1, 1) + broken, .type = kStream});
  const Ran ran = run({"env", "set", "A=1", "-p", "shop"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err, HasSubstr("error: the log is damaged"));
  EXPECT_EQ(pauses, 0);
  server.on("GET /projects/shop/logs?lines=100&follow=true", {.body = broken, .type = kStream});
  const Ran logs = run({"logs", "-f", "-p", "shop"});
  EXPECT_EQ(logs.exit, 1);
  EXPECT_THAT(logs.err, HasSubstr("error: the log is damaged"));
}

// Presses Ctrl-C as soon as a line has reached the reader.
class InterruptingBuffer : public std::stringbuf {
 protected:
  int sync() override {
    if (!pressed_ && str().find('\n') != std::string::npos) {
      pressed_ = true;
      std::raise(SIGINT);
    }
    return 0;
  }

 private:
  bool pressed_ = false;
};

TEST_F(FollowTest, CtrlCEndsLogsCleanly) {
  server.on(
      "GET /projects/shop/logs?lines=100&follow=true",
      {.body = "event: log\ndata: {\"instance\":\"web.1\",\"text\":\"hello\"}\n\n", .type = kStream, .hold = true});
  InterruptingBuffer buffer;
  std::ostream out(&buffer);
  std::istringstream in;
  std::ostringstream err;
  EXPECT_EQ(run({"logs", "-f", "-p", "shop"}, in, out, err), 130);
  EXPECT_THAT(buffer.str(), HasSubstr("hello"));
  EXPECT_EQ(err.str(), "");
}

TEST_F(FollowTest, CtrlCLeavesTheDeploymentAlone) {
  server.on(log, {.body = lines(1, 1), .type = kStream, .hold = true});
  InterruptingBuffer buffer;
  std::ostream out(&buffer);
  std::istringstream in;
  std::ostringstream err;
  EXPECT_EQ(run({"deployments", "logs", "5", "-p", "shop"}, in, out, err), 130);
  EXPECT_THAT(err.str(), HasSubstr("Deployment 5 goes on"));
  EXPECT_EQ(server.requests().size(), 1U);
}

}  // namespace
}  // namespace paastech::cli
