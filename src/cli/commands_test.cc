#include <gmock/gmock.h>

#include <algorithm>

#include "cli/run_fixture.h"

namespace paastech::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class CommandsTest : public CliTest {};

TEST_F(CommandsTest, UsageErrorsNameTheNearestCommand) {
  const Ran ran = run({"deploi"});
  EXPECT_EQ(ran.exit, 2);
  EXPECT_THAT(ran.err, HasSubstr("error: `deploi` is not a command of paastech"));
  EXPECT_THAT(ran.err, HasSubstr("did you mean `paastech deploy`?"));
  EXPECT_THAT(run({"cancel", "3"}).err, HasSubstr("did you mean `paastech deployments cancel`?"));
  EXPECT_THAT(run({"clients", "create"}).err, HasSubstr("did you mean `paastech admin clients`?"));
  const Ran nested = run({"--json", "projects", "craete", "shop"});
  EXPECT_EQ(nested.exit, 2);
  EXPECT_THAT(nested.err, HasSubstr("did you mean `paastech projects create`?"));
  const Ran option = run({"logs", "--folow"});
  EXPECT_EQ(option.exit, 2);
  EXPECT_THAT(option.err, HasSubstr("did you mean `--follow`?"));
}

TEST_F(CommandsTest, WhatIsMissingOrTooMuchIsUsage) {
  for (const std::vector<std::string>& command : {std::vector<std::string>{},
                                                  {"keys"},
                                                  {"keys", "add"},
                                                  {"deployments", "show", "x"},
                                                  {"whoami", "now"},
                                                  {"logs", "-n", "many"},
                                                  {"admin", "clients", "create", "--email", "e@x.org"},
                                                  {"env", "set", "NOVALUE", "-p", "shop"}}) {
    const Ran ran = run(command);
    EXPECT_EQ(ran.exit, 2) << ran.err;
    EXPECT_FALSE(ran.err.empty());
  }
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(CommandsTest, HelpAndVersionAreAnswers) {
  EXPECT_THAT(run({"--version"}).out, HasSubstr("paastech 0."));
  const Ran help = run({"help", "env", "import"});
  EXPECT_EQ(help.exit, 0);
  EXPECT_THAT(help.out, HasSubstr("Usage: paastech env import [OPTIONS] FILE"));
  EXPECT_THAT(help.out, HasSubstr("--no-wait"));
  EXPECT_EQ(run({"env", "import", "--help"}).out, help.out);
  EXPECT_EQ(run({"help", "nothing"}).exit, 2);
}

TEST_F(CommandsTest, NamesThatAreCommandsElsewhereAreStillNames) {
  server.on("POST /projects", {.status = 201, .body = R"({"name":"logs","url":"http://l","git_url":"ssh://g/logs"})"});
  const Ran ran = run({"projects", "create", "logs"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(server.requests()[0].body, R"({"name":"logs"})");
}

TEST_F(CommandsTest, JsonIsTheAnswerOfTheApiWhereverTheOptionStands) {
  const std::string body = R"({"items":[{"name":"shop","state":"live","z":1,"a":[null,true]}]})";
  server.on("GET /projects?limit=100", {.body = body});
  EXPECT_EQ(run({"projects", "list", "--json"}).out, body + "\n");
  EXPECT_EQ(run({"--json", "projects", "list"}).out, body + "\n");
  EXPECT_EQ(run({"projects", "--json", "list"}).out, body + "\n");
}

TEST_F(CommandsTest, AProblemBecomesMessageHintAndExitCode) {
  server.on("GET /projects/shop", {.status = 404,
                                   .body = R"({"title":"Not Found","detail":"there is no project shop","hint":"look"})",
                                   .type = "application/problem+json"});
  const Ran ran = run({"projects", "info", "shop"});
  EXPECT_EQ(ran.exit, 4);
  EXPECT_EQ(ran.err, "error: there is no project shop\nhint:  look\n");
  EXPECT_EQ(ran.out, "");
  const Ran json = run({"projects", "info", "shop", "--json"});
  EXPECT_EQ(json.err, R"({"error":{"code":"not_found","message":"there is no project shop","hint":"look"}})"
                      "\n");
}

TEST_F(CommandsTest, AnAnswerThatIsNoPaasTechIsExplained) {
  server.on("GET /me", {.status = 200, .body = "<html>", .type = "text/html"});
  EXPECT_THAT(run({"whoami"}).err, HasSubstr("does not answer as a PaaSTech API"));
  server.on("GET /keys", {.status = 502, .body = "<html>", .type = "text/html"});
  const Ran ran = run({"keys", "list"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err, HasSubstr("answered 502"));
}

TEST_F(CommandsTest, AnUnreachableServerIsNamedWithTheReason) {
  variables["PAASTECH_SERVER"] = "http://127.0.0.1:1";
  const Ran ran = run({"whoami"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err, HasSubstr("cannot reach http://127.0.0.1:1: Connection refused\nhint:  "));
}

TEST_F(CommandsTest, TextOfTheServerCannotDriveTheTerminal) {
  terminal = true;
  server.on("GET /projects/shop/logs?lines=100", {.body =
                                                      R"({"items":[{"instance":"web.1","at":"2026-01-01T00:00:00.5Z",
                "text":"a\u001b]52;c;ZXZpbA==\u0007b\u001b[2Jc\u009bd"}]})"});
  const Ran ran = run({"logs", "-p", "shop"});
  EXPECT_THAT(ran.out, HasSubstr("abc"));
  EXPECT_THAT(ran.out, HasSubstr("\x1b[36m2026-01-01T00:00:00Z web.1 |"));  // the control: our own colour arrives
  EXPECT_THAT(ran.out, Not(HasSubstr("]52")));
  EXPECT_THAT(ran.out, Not(HasSubstr("[2J")));
}

TEST_F(CommandsTest, LogsWithoutALineSayWhy) {
  const Answer nothing{.body = R"({"items":[]})"};
  server.on("GET /projects/shop/logs?lines=100", nothing);
  server.on("GET /projects/shop/logs?lines=0", nothing);
  server.on("GET /projects/shop/logs?lines=100&since=2h&process=worker&deployment=3", nothing);
  server.on("GET /projects/shop", {.body = R"({"name":"shop","state":"empty"})"});
  server.on("GET /projects/shop", {.body = R"({"name":"shop","state":"live"})"});
  EXPECT_THAT(run({"logs", "-p", "shop"}).err, HasSubstr("Nothing was deployed yet"));
  EXPECT_THAT(run({"logs", "-p", "shop"}).err, HasSubstr("Nothing was logged yet"));
  EXPECT_THAT(run({"logs", "-n", "0", "-p", "shop"}).err, HasSubstr("With `-f` it shows those that come"));
  const Ran ran = run({"logs", "--since", "2h", "--process", "worker", "--deployment", "3", "-p", "shop"});
  EXPECT_THAT(ran.err, HasSubstr("No line that is kept is as you asked for"));
}

TEST_F(CommandsTest, ColourIsOnlyForATerminalWithoutNoColor) {
  server.on("GET /keys", {.body = R"({"items":[{"id":"1","type":"ssh-ed25519"}]})"});
  EXPECT_THAT(run({"keys", "list"}).out, Not(HasSubstr("\x1b")));
  terminal = true;
  EXPECT_THAT(run({"keys", "list"}).out, HasSubstr("\x1b[1m"));
  variables["NO_COLOR"] = "1";
  EXPECT_THAT(run({"keys", "list"}).out, Not(HasSubstr("\x1b")));
}

TEST_F(CommandsTest, KeysAddSendsThePublicKeyAndNeverAPrivateOne) {
  server.on("POST /keys", {.status = 201, .body = R"({"type":"ssh-ed25519","fingerprint":"SHA256:abc"})"});
  write("id.pub", "ssh-ed25519 AAAA ann@box\n");
  EXPECT_EQ(run({"keys", "add", "id.pub"}).out, "Added ssh-ed25519 SHA256:abc\n");
  EXPECT_EQ(server.requests()[0].body, R"({"public_key":"ssh-ed25519 AAAA ann@box"})");
  input = "ssh-ed25519 BBBB\n";
  EXPECT_EQ(run({"keys", "add", "-"}).exit, 0);
  write("id", "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n");
  const Ran ran = run({"keys", "add", "id"});
  EXPECT_EQ(ran.exit, 2);
  EXPECT_THAT(ran.err, HasSubstr("paastech keys add id.pub"));
  EXPECT_EQ(server.requests().size(), 2U);
  EXPECT_EQ(run({"keys", "add", "missing.pub"}).exit, 4);
}

TEST_F(CommandsTest, ClientsCreateShowsThePasswordOnce) {
  server.on("POST /clients",
            {.status = 201, .body = R"({"username":"bob","email":"b@x.org","password":"made-for-bob"})"});
  const Ran ran = run({"admin", "clients", "create", "--email", "b@x.org", "--username", "bob", "--admin"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("Password: made-for-bob"));
  EXPECT_EQ(server.requests()[0].body, R"({"email":"b@x.org","username":"bob","administrator":true})");
}

TEST_F(CommandsTest, DeletingAsksForTheName) {
  const std::string line = "DELETE /projects/shop?confirm=shop";
  server.on(line, {.body = R"({"removed":{"containers":2,"networks":1,"images":3},"leftovers":[]})"});
  EXPECT_EQ(run({"projects", "delete", "shop"}).exit, 2);  // nobody to ask
  terminal = true;
  input = "shopp\n";
  EXPECT_EQ(run({"projects", "delete", "shop"}).exit, 1);
  EXPECT_TRUE(server.requests().empty());
  input = "shop\n";
  EXPECT_THAT(run({"projects", "delete", "shop"}).out, HasSubstr("Deleted shop (containers: 2"));
  terminal = false;
  EXPECT_EQ(run({"projects", "delete", "shop", "--yes"}).exit, 0);
  EXPECT_EQ(server.requests().size(), 2U);
}

TEST_F(CommandsTest, WhatCouldNotBeRemovedIsToldAndFails) {
  server.on("DELETE /projects/shop?confirm=shop",
            {.body = R"({"removed":{},"leftovers":[{"kind":"image","id":"sha256:1","reason":"in use"}]})"});
  const Ran ran = run({"projects", "delete", "shop", "--yes"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.out, HasSubstr("sha256:1"));
  EXPECT_THAT(ran.out, HasSubstr("in use"));
}

TEST_F(CommandsTest, AFileThatIsNotThereIsNamedWithWhatToGiveInstead) {
  for (const std::vector<std::string>& command : {std::vector<std::string>{"keys", "add", "nothing-here.pub"},
                                                  {"env", "import", "nothing-here.env", "-p", "shop"}}) {
    const Ran ran = run(command);
    EXPECT_EQ(ran.exit, 4) << ran.err;
    EXPECT_THAT(ran.err, HasSubstr("nothing-here"));
    EXPECT_THAT(ran.err, HasSubstr("hint:"));
  }
  EXPECT_TRUE(server.requests().empty());
}

constexpr const char* kStats =
    R"({"items":[{"name":"web.1","deployment":1,"cpu_percent":12.34,"memory_bytes":13002342,
        "memory_limit_bytes":536870912,"network_received_bytes":10,"network_sent_bytes":2048,"processes":3}],
        "processes":[{"name":"web","instances":1,"cpu_percent":12.34,"memory_bytes":13002342,
        "memory_limit_bytes":536870912,"requests_per_second":20.04,"errors_per_second":0.5,"latency_p50_ms":3.25,
        "latency_p99_ms":120,"restarts":2},{"name":"worker","instances":0,"cpu_percent":null,"memory_bytes":0,
        "memory_limit_bytes":0,"requests_per_second":null,"errors_per_second":null,"latency_p50_ms":null,
        "latency_p99_ms":null,"restarts":0}]})";

TEST_F(CommandsTest, StatsHaveHumanUnits) {
  server.on("GET /projects/shop/stats", {.body = kStats});
  const std::string shown = run({"stats", "-p", "shop"}).out;
  EXPECT_THAT(shown, HasSubstr("web.1  1           12.3 %  12.4 MiB  512 MiB  10 B      2 KiB  3\n"));
  EXPECT_THAT(shown,
              HasSubstr("web      1          12.3 %  12.4 MiB  512 MiB  20.0        0.5    3.2 ms  120.0 ms  2\n"));
  EXPECT_THAT(shown,
              HasSubstr("worker   0          -       0 B       0 B      -           -      -       -         0\n"))
      << "not known is not zero";
}

TEST_F(CommandsTest, StatsAreWatchedUntilTheyCannotBeHad) {
  for (const std::string project : {"shop", "till"}) {
    server.on("GET /projects/" + project + "/stats", {.body = kStats});
    server.on("GET /projects/" + project + "/stats", {.body = R"({"items":[],"processes":[]})"});
    server.on("GET /projects/" + project + "/stats",
              {.status = 404, .body = R"({"code":"not_found","detail":"it is gone"})"});
  }
  const Ran piped = run({"stats", "--watch", "--json", "-p", "shop"});
  EXPECT_EQ(piped.exit, 4);
  EXPECT_EQ(std::ranges::count(piped.out, '\n'), 2) << "a line each: " << piped.out;
  EXPECT_EQ(pauses, 2);
  terminal = true;
  const Ran watched = run({"stats", "-p", "till", "-w"});
  EXPECT_TRUE(watched.out.starts_with("\x1b[H\x1b[2J")) << watched.out;
  EXPECT_THAT(watched.err, HasSubstr("Nothing runs"));
  EXPECT_THAT(watched.err, HasSubstr("it is gone"));
}

TEST_F(CommandsTest, StopAndStartAnswerTheProject) {
  server.on("POST /projects/shop/stop", {.body = R"({"name":"shop","stopped":true})"});
  server.on("POST /projects/shop/start",
            {.status = 202, .body = R"({"name":"shop","state":"live","url":"http://shop.x"})"});
  EXPECT_EQ(run({"stop", "-p", "shop"}).exit, 0);
  EXPECT_THAT(server.requests()[0].head, Not(HasSubstr("Content-Type")));
  EXPECT_THAT(run({"start", "-p", "shop"}).out, HasSubstr("http://shop.x"));
  server.on("GET /projects/shop", {.body = R"({"name":"shop","state":"live","url":"http://shop.x"})"});
  EXPECT_EQ(run({"open", "-p", "shop"}).out, "http://shop.x\n");
}

TEST_F(CommandsTest, DeploymentsListShowAndCancel) {
  server.on("GET /projects/shop/deployments?limit=20",
            {.body = R"({"items":[{"number":2,"state":"failed","reason":"exited","cause":"push","commit":"0123456789ab",
                "commit_subject":"Break it","actor":"ann","created_at":"2025-12-31T23:59:00Z","duration_ms":4200}]})"});
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"deployments", "-p", "shop"}, {"deployments", "list", "-p", "shop"}}) {
    const Ran ran = run(command);
    EXPECT_THAT(ran.out, HasSubstr("2  failed (exited)  push   0123456  Break it  ann  60 s  4.2 s\n"));
  }
  server.on("GET /projects/shop/deployments/2", {.body = R"({"number":2,"state":"failed",
                "message":"it ended at once"})"});
  EXPECT_THAT(run({"deployments", "show", "2", "-p", "shop"}).out, HasSubstr("it ended at once"));
  server.on("POST /projects/shop/deployments/2/cancel",
            {.status = 409, .body = R"({"detail":"deployment 2 has ended","code":"aborted"})"});
  const Ran cancelled = run({"deployments", "cancel", "2", "-p", "shop", "--json"});
  EXPECT_EQ(cancelled.exit, 1);
  EXPECT_THAT(cancelled.err, HasSubstr(R"("code":"aborted")"));
}

TEST_F(CommandsTest, EnvironmentValuesAreHiddenUnlessAskedFor) {
  server.on("GET /projects/shop/environment",
            {.body = R"({"items":[{"name":"KEY","updated_at":"2025-12-31T00:00:00Z"}]})"});
  server.on("GET /projects/shop/environment?reveal=true", {.body = R"({"items":[{"name":"KEY","value":"s3cret"}]})"});
  EXPECT_THAT(run({"env", "list", "-p", "shop"}).out, HasSubstr("(hidden)"));
  EXPECT_THAT(run({"env", "list", "--reveal", "-p", "shop"}).out, HasSubstr("s3cret"));
}

TEST_F(CommandsTest, ProjectNamesCannotLeaveTheirPlaceInThePath) {
  EXPECT_EQ(run({"ps", "-p", ".."}).exit, 2);
  run({"ps", "-p", "a/../../clients?x"});
  EXPECT_EQ(server.requests()[0].line, "GET /api/v1/projects/a%2F..%2F..%2Fclients%3Fx/instances");
}

}  // namespace
}  // namespace paastech::cli
