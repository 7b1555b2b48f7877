// Several Processes: of paastech.yaml, of a Procfile, of both.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "build/manifest.h"
#include "domain/scale.h"

namespace paastech::build {
namespace {

using testing::HasSubstr;
using testing::Key;
using testing::UnorderedElementsAre;
using Text = std::optional<std::string_view>;

ProcessList run_of(Text yaml, Text procfile = std::nullopt) {
  const Result<Manifest> manifest = manifest_of(yaml, procfile);
  if (!manifest) ADD_FAILURE() << yaml.value_or("") << "\n" << manifest.error().message;
  return manifest ? manifest->run : ProcessList{};
}

std::string refusal(Text yaml, Text procfile = std::nullopt) {
  const Result<Manifest> manifest = manifest_of(yaml, procfile);
  if (manifest) return "accepted";
  EXPECT_EQ(manifest.error().code, Code::kInvalidArgument);
  EXPECT_FALSE(manifest.error().hint.empty()) << manifest.error().message;
  return manifest.error().message;
}
// Of a key of web.
std::string web_refusal(const std::string& keys) { return refusal("processes: {web: {" + keys + "}}"); }
Process web_of(const std::string& keys) { return run_of("processes: {web: {" + keys + "}}").processes["web"]; }

TEST(Processes, AllKeysOfOne) {
  const ProcessList run = run_of(
      "processes:\n"
      "  web:\n    command: node server.js\n    health: {path: /h, host: 'a.example:80', status: 204, timeout: 3, "
      "interval: 2, "
      "successes: 4}\n"
      "    liveness: {path: /live, interval: 20, timeout: 60, failures: 20, status: 200-299}\n"
      "    drain: 0\n    stop_signal: QUIT\n    stop_grace: 300\n"
      "  worker:\n    command: [./work, hard]\n    health: {command: ./well}\n    stop_signal: SIGUSR1\n"
      "strategy: rolling\nrelease: {command: [./migrate], timeout: 3600}\n");
  EXPECT_EQ(run.strategy, Strategy::kRolling);
  EXPECT_EQ(*run.release, (ReleaseCommand{{"./migrate"}, 3600}));
  ASSERT_THAT(run.processes, UnorderedElementsAre(Key("web"), Key("worker")));
  const Probe readiness{.kind = Probe::Kind::kHttp,
                        .path = "/h",
                        .host = "a.example:80",
                        .status_low = 204,
                        .status_high = 204,
                        .interval_s = 2,
                        .timeout_s = 3,
                        .successes = 4};
  const Probe liveness{.kind = Probe::Kind::kHttp,
                       .path = "/live",
                       .status_high = 299,
                       .interval_s = 20,
                       .timeout_s = 60,
                       .failures = 20};
  EXPECT_EQ(run.processes.at("web"), (Process{.command = shell_words("node server.js"),
                                              .readiness = readiness,
                                              .liveness = liveness,
                                              .drain_s = 0,
                                              .stop_signal = "SIGQUIT",
                                              .stop_grace_s = 300}));
  EXPECT_EQ(run.processes.at("worker"),
            (Process{.command = {"./work", "hard"},
                     .readiness = Probe{.kind = Probe::Kind::kCommand, .command = shell_words("./well")},
                     .stop_signal = "SIGUSR1"}));
}

TEST(Processes, ProbesAskInOneWay) {
  EXPECT_EQ(web_of("liveness: {tcp: true}").liveness, Probe{});
  EXPECT_EQ(web_of("liveness: /l").liveness, (Probe{.kind = Probe::Kind::kHttp, .path = "/l"}));
  EXPECT_EQ(web_of("health: {command: [a, b]}").readiness->command, (std::vector<std::string>{"a", "b"}));
  EXPECT_THAT(web_refusal("health: {path: /, tcp: true}"),
              HasSubstr("`processes.web.health.tcp` stands beside `path`"));
  EXPECT_THAT(web_refusal("health: {}"), HasSubstr("`processes.web.health` must say how it asks"));
  EXPECT_THAT(web_refusal("health: {timeout: 2}"), HasSubstr("must say how it asks"));
  EXPECT_THAT(web_refusal("health: {tcp: false}"), HasSubstr("`processes.web.health.tcp` must be `true`"));
  EXPECT_THAT(web_refusal("health: {command: a, host: b}"), HasSubstr("`processes.web.health.host` belongs to `path`"));
  EXPECT_THAT(web_refusal("health: {path: /, failures: 3}"),
              HasSubstr("`processes.web.health.failures` is not a known"));
  EXPECT_THAT(web_refusal("liveness: {path: /, successes: 3}"),
              HasSubstr("`processes.web.liveness.successes` is not a known"));
  EXPECT_THAT(web_refusal("health: {path: /, successes: 21}"), HasSubstr("from 1 to 20"));
  EXPECT_THAT(web_refusal("health: {path: /, interval: 30, successes: 3}"), HasSubstr("takes 60 s for 3 successes"));
  EXPECT_EQ(web_of("health: {path: /, interval: 30, successes: 3}, ready_timeout: 61").ready_timeout_s, 61);
  EXPECT_THAT(web_refusal("liveness: {path: /, host: 'a b'}"), HasSubstr("must be a host name"));
  EXPECT_THAT(web_refusal("liveness: {path: /, failures: 21}"), HasSubstr("must be a number from 1 to 20"));
  EXPECT_THAT(web_refusal("liveness: {path: /, interval: 0}"), HasSubstr("whole seconds from 1 to 300"));
  EXPECT_THAT(web_refusal("liveness: {path: /, timeout: 61}"), HasSubstr("whole seconds from 1 to 60"));
  for (const std::string status : {"199", "600", "299-200", "200-", "-299", "2xx", "200-600", "[200]", "200 299", "''"})
    EXPECT_THAT(web_refusal("health: {path: /, status: " + status + "}"),
                HasSubstr("`processes.web.health.status` must"))
        << status;
}

TEST(Processes, OnlyWebTakesRequests) {
  const auto worker = [](const std::string& keys) {
    return refusal("processes: {worker: {command: x, " + keys + "}}");
  };
  EXPECT_THAT(worker("port: 80"), HasSubstr("`processes.worker.port` is for `web` alone"));
  EXPECT_THAT(worker("drain: 3"), HasSubstr("`processes.worker.drain` is for `web` alone"));
  EXPECT_THAT(worker("health: /h"), HasSubstr("`processes.worker.health` needs a port"));
  EXPECT_THAT(worker("liveness: {tcp: true}"), HasSubstr("`processes.worker.liveness` needs a port"));
  EXPECT_EQ(worker("liveness: {command: y}"), "accepted");
}

TEST(Processes, RefusesWhatIsOutOfRange) {
  EXPECT_THAT(web_refusal("drain: 301"), HasSubstr("`processes.web.drain` must be whole seconds from 0 to 300"));
  EXPECT_THAT(web_refusal("stop_grace: 0"), HasSubstr("whole seconds from 1 to 300"));
  for (const std::string signal : {"TERMINATE", "15", "STOP", "[TERM]", "SIGSIGTERM", "term", ""})
    EXPECT_THAT(web_refusal("stop_signal: " + signal), HasSubstr("`processes.web.stop_signal` must be the name"))
        << signal;
  EXPECT_THAT(refusal("strategy: canary"),
              HasSubstr("line 1: `strategy` must be `blue-green`, `rolling` or `recreate`"));
  EXPECT_THAT(refusal("strategy: 5"), HasSubstr("`strategy` must be text"));
  EXPECT_THAT(refusal("release: {timeout: 3601, command: a}"), HasSubstr("`release.timeout` must be whole seconds"));
  EXPECT_THAT(refusal("release: {command: a, when: now}"), HasSubstr("`release.when` is not a known key"));
  EXPECT_THAT(refusal("release: 5"), HasSubstr("`release` must be text or a list of words"));
  EXPECT_THAT(refusal("\nrelease: {timeout: 5}"), HasSubstr("paastech.yaml line 2: `release` has no command"));
}

TEST(Processes, AtMostTwentyOfThem) {
  std::string yaml = "processes:\n";
  std::string procfile;
  for (int i = 0; i < 20; ++i) {
    yaml += "  y" + std::to_string(i) + ": {command: x}\n";
    procfile += "p" + std::to_string(i) + ": x\n";
  }
  EXPECT_EQ(run_of(yaml).processes.size(), 20u);
  EXPECT_EQ(run_of(std::nullopt, procfile + "release: x\n").processes.size(), 20u);
  EXPECT_THAT(refusal(yaml + "  more: {command: x}\n"), HasSubstr("line 22: `processes.more` is one process too many"));
  EXPECT_THAT(refusal(std::nullopt, procfile + "more: x\n"), HasSubstr("Procfile line 21: `more` is one process too"));
  EXPECT_THAT(refusal(yaml, "one: x\n"), HasSubstr("more than 20 processes together"));
}

TEST(Processes, WithoutAnyNameWebRunsTheImagesCommand) {
  for (const Text procfile : {Text(), Text(""), Text("# nothing\n"), Text("release: ./migrate\n")})
    EXPECT_EQ(run_of(std::nullopt, procfile).processes, ProcessList().processes);
  EXPECT_EQ(run_of(std::nullopt, "release: ./migrate\n").release->command, shell_words("./migrate"));
}

TEST(Processes, ThoseThatAreNamedAreAllThereAre) {
  EXPECT_THAT(run_of(std::nullopt, "worker: x\n").processes, UnorderedElementsAre(Key("worker")));
  EXPECT_THAT(run_of("processes: {worker: }").processes, UnorderedElementsAre(Key("worker")));
  EXPECT_THAT(run_of("processes: {web: }", "worker: x\n").processes, UnorderedElementsAre(Key("web"), Key("worker")));
}

TEST(Processes, TheProcfileGivesCommandsAndTheYamlRefinesThem) {
  const ProcessList run = run_of("processes: {web: {port: 3000}, worker: {command: [mine]}}\nrelease: {timeout: 9}\n",
                                 "web: node a.js\nworker: theirs\nclock: tick\nrelease: ./migrate\n");
  EXPECT_EQ(run.processes.at("web"), (Process{.command = shell_words("node a.js"), .port = 3000}));
  EXPECT_EQ(run.processes.at("worker").command, (std::vector<std::string>{"mine"}));
  EXPECT_EQ(run.processes.at("clock").command, shell_words("tick"));
  EXPECT_EQ(*run.release, (ReleaseCommand{shell_words("./migrate"), 9}));
  EXPECT_EQ(run_of("release: mine", "release: theirs").release->command, shell_words("mine"));
}

TEST(Processes, ASlipInANameDoesNotRunTheImagesCommandTwice) {
  EXPECT_THAT(refusal("processes:\n  web:\n  wroker:\n    stop_grace: 60\n", "worker: x\n"),
              HasSubstr("`processes.wroker` has no command"));
}

TEST(Processes, ErrorsOfTheProcfileAreErrorsOfTheManifest) {
  EXPECT_THAT(refusal("strategy: rolling", "web x\n"), HasSubstr("Procfile line 1: has no colon"));
}

}  // namespace
}  // namespace paastech::build
