// ps, ps scale, ps size: whole commands against the FakeServer.
#include <gmock/gmock.h>

#include "cli/run_fixture.h"

namespace paastech::cli {
namespace {

using testing::HasSubstr;

class ProcessesTest : public CliTest {
 protected:
  // What the one PATCH asked for.
  std::string asked() {
    std::string body;
    for (const Request& request : server.requests())
      if (request.line.starts_with("PATCH")) body = request.body;
    return body;
  }
};

TEST_F(ProcessesTest, PsTellsAnInstanceThatRunsAgainFromOneThatEndedForWantOfMemory) {
  server.on("GET /projects/shop/processes", {.body = R"({"items":[]})"});
  server.on("GET /projects/shop/instances",
            {.body = R"({"items":[{"name":"web.1","state":"running","restarts":1,"out_of_memory":true},
                                  {"name":"web.2","state":"exited","restarts":1,"out_of_memory":true}]})"});
  const Ran ran = run({"ps", "-p", "shop"});
  EXPECT_THAT(ran.out, HasSubstr("web.1  running (was out of memory)"));
  EXPECT_THAT(ran.out, HasSubstr("web.2  exited (out of memory)"));
}

TEST_F(ProcessesTest, PsShowsWhatAPersonNeeds) {
  server.on("GET /projects/shop/instances",
            {.body = R"({"items":[{"name":"web.1","state":"running","deployment":4,"started_at":"2025-12-31T21:00:00Z",
                "restarts":0,"exit_code":null,"out_of_memory":false},{"name":"web.2","state":"exited","deployment":4,
                "started_at":null,"restarts":7,"exit_code":137,"out_of_memory":true}]})"});
  server.on("GET /projects/shop/processes",
            {.body = R"({"items":[{"name":"web","command":"node server.js","count":3,"ready":1,"restarts":7,
                "memory_bytes":536870912,"milli_cpus":1000,"deployment":4},{"name":"worker","command":"","count":0,
                "ready":0,"restarts":0,"memory_bytes":67108864,"milli_cpus":250,"deployment":4}]})"});
  EXPECT_EQ(run({"ps", "-p", "shop"}).out,
            "NAME   STATE                   DEPLOYMENT  UP   RESTARTS\n"
            "web.1  running                 4           3 h  0\n"
            "web.2  exited (out of memory)  4           -    7\n"
            "\n"
            "PROCESS  RUNNING  MEMORY   CPUS  COMMAND\n"
            "web      1 of 3   512 MiB  1     node server.js\n"
            "worker   0 of 0   64 MiB   0.25  (the image's)\n");
  const Ran json = run({"ps", "--json", "-p", "shop"});
  EXPECT_THAT(json.out, HasSubstr(R"("name":"web.1")"));
  EXPECT_THAT(json.out, HasSubstr(R"("processes":[{"name":"web")"));
}

TEST_F(ProcessesTest, NothingThatRunsIsSaidBesideWhatShould) {
  server.on("GET /projects/shop/instances", {.body = R"({"items":[]})"});
  server.on(
      "GET /projects/shop/processes",
      {.body = R"({"items":[{"name":"web","command":"x","count":0,"ready":0,"memory_bytes":1,"milli_cpus":10}]})"});
  const Ran ran = run({"ps", "-p", "shop"});
  EXPECT_EQ(ran.exit, 0);
  EXPECT_THAT(ran.err, HasSubstr("Nothing runs"));
  EXPECT_THAT(ran.out, HasSubstr("web      0 of 0"));
}

TEST_F(ProcessesTest, ScaleSendsEveryCountAndNotesThatNothingRuns) {
  server.on("PATCH /projects/shop/processes", {.status = 202, .body = "{}"});
  const Ran ran = run({"ps", "scale", "web=3", "worker=0", "-p", "shop"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(asked(), R"({"processes":{"web":{"count":3},"worker":{"count":0}}})");
  EXPECT_THAT(ran.out, HasSubstr("Scaled web to 3, worker to 0."));
  EXPECT_THAT(ran.err, HasSubstr("the next deployment uses it"));
}

TEST_F(ProcessesTest, SizeReadsUnitsAndDefaults) {
  server.on("PATCH /projects/shop/processes", {.status = 202, .body = "{}"});
  EXPECT_EQ(run({"ps", "size", "web", "--memory", "512M", "--cpus", "0.5", "-p", "shop"}).exit, 0);
  EXPECT_EQ(asked(), R"({"processes":{"web":{"memory_bytes":536870912,"milli_cpus":500}}})");
  EXPECT_EQ(run({"ps", "size", "web", "--memory", "2GiB", "-p", "shop"}).exit, 0);
  EXPECT_EQ(asked(), R"({"processes":{"web":{"memory_bytes":2147483648}}})");
  EXPECT_EQ(run({"ps", "size", "web", "--memory", "default", "--cpus", "default", "-p", "shop"}).exit, 0);
  EXPECT_EQ(asked(), R"({"processes":{"web":{"memory_bytes":0,"milli_cpus":0}}})");
}

TEST_F(ProcessesTest, ADeploymentThatThisCausesIsFollowedToItsEnd) {
  server.on("PATCH /projects/shop/processes",
            {.status = 202, .body = R"({"deployment":{"number":5,"state":"queued","cause":"scale"}})"});
  server.on("GET /projects/shop/deployments/5/log",
            {.body = "event: line\ndata: {\"text\":\"==> Starting\"}\n\n"
                     "event: result\ndata: {\"number\":5,\"state\":\"failed\",\"message\":\"it ended at once\"}\n\n",
             .type = "text/event-stream"});
  const Ran ran = run({"ps", "scale", "web=2", "-p", "shop"});
  EXPECT_EQ(ran.exit, 1) << ran.out << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("it ended at once"));
  EXPECT_EQ(run({"ps", "scale", "web=2", "--no-wait", "-p", "shop"}).exit, 0);
}

TEST_F(ProcessesTest, WhatIsWrittenWronglyIsNotSent) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"scale", "web"},
                                                {"scale", "=3"},
                                                {"scale", "web="},
                                                {"scale", "web=-1"},
                                                {"scale", "web=2x"},
                                                {"scale", "web=1", "web=2"},
                                                {"scale"},
                                                {"size", "web"},
                                                {"size"},
                                                {"size", "web", "--memory", "much"},
                                                {"size", "web", "--memory", "-1"},
                                                {"size", "web", "--cpus", "-1"},
                                                {"size", "web", "--cpus", "1e3"},
                                                {"size", "web", "--cpus", "nan"}}) {
    std::vector<std::string> all{"ps"};
    all.insert(all.end(), words.begin(), words.end());
    all.insert(all.end(), {"-p", "shop"});
    const Ran ran = run(all);
    EXPECT_EQ(ran.exit, 2) << testing::PrintToString(words) << ran.err;
  }
  EXPECT_TRUE(server.requests().empty());
}

}  // namespace
}  // namespace paastech::cli
