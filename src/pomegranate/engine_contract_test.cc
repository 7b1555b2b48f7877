// What every Engine must do, on the real thing.
#include "pomegranate/contract_support.h"

namespace paastech::pomegranate {
namespace {

using EngineContract = Contract;

TEST_F(EngineContract, BuildsStartsAdoptsAndRemoves) {
  const std::string id = project();
  const v1::BuildResult result =
      build(build_spec(id), "FROM debian:bookworm\nCOPY app.pl /\nEXPOSE 8080\nCMD perl /app.pl\n");
  ASSERT_TRUE(result.ok()) << result.message();
  EXPECT_EQ(result.image(), image_reference(id, 1));
  EXPECT_EQ(result.exposed_port(), 8080);
  EXPECT_NE(build_lines_.find("Step 1/"), std::string::npos);

  const v1::GroupEvent first = ensure(group(id));
  ASSERT_TRUE(first.has_ready()) << first.failed().message();
  const v1::Instance instance = first.ready().instances(0);
  EXPECT_EQ(instance.state(), "running");
  EXPECT_EQ(instance.port(), 8080);
  EXPECT_TRUE(instance.address().starts_with("10.")) << instance.address();
  const v1::GroupEvent again = ensure(group(id));
  ASSERT_TRUE(again.has_ready());
  EXPECT_EQ(again.ready().instances(0).id(), instance.id());
  // Once ready, the Engine brings it back by itself.
  EXPECT_TRUE(until(
      [&] { return run(docker::inspect_container(client_, instance.id()))->restart_policy == "unless-stopped"; }));

  v1::RemoveGroupRequest stop;
  stop.set_project(id);
  stop.set_deployment(1);
  EXPECT_EQ(run(engine_->remove_group(stop))->removed(), 1);
  EXPECT_TRUE(list(id).empty());
  EXPECT_EQ(run(engine_->remove_group(stop))->removed(), 0);
  v1::RemoveProjectRequest remove;
  remove.set_project(id);
  const auto removed = run(engine_->remove_project(remove));
  ASSERT_TRUE(removed);
  EXPECT_EQ(removed->networks(), 1);
  EXPECT_EQ(removed->images(), 1);
  EXPECT_EQ(removed->leftovers_size(), 0);
}

TEST_F(EngineContract, StartsSeveralAndAddsMissingOnes) {
  const std::string id = project();
  built(id);
  v1::InstanceGroup wanted = group(id);
  wanted.set_count(3);
  wanted.mutable_probe()->set_http_path("/");
  ASSERT_TRUE(ensure(wanted).has_ready());
  std::vector<v1::Instance> before = list(id);
  ASSERT_EQ(before.size(), 3u);
  ASSERT_TRUE(run(docker::remove_container(client_, before[1].id())));
  ASSERT_TRUE(run(docker::stop_container(client_, before[2].id(), 1)));
  ASSERT_TRUE(ensure(wanted).has_ready());
  const std::vector<v1::Instance> after = list(id);
  ASSERT_EQ(after.size(), 3u);
  EXPECT_EQ(after[0].id(), before[0].id());
  EXPECT_NE(after[1].id(), before[1].id());
  EXPECT_EQ(after[2].id(), before[2].id());
  for (const v1::Instance& instance : after) EXPECT_EQ(instance.state(), "running");
}

TEST_F(EngineContract, AProgramThatEndsAtOnceFailsWithItsLastLines) {
  const std::string id = project();
  built(id);
  const v1::GroupEvent event = ensure(group(id, {"perl", "-e", "print \"boom $_\\n\" for 1..30; exit 3"}));
  ASSERT_TRUE(event.has_failed());
  EXPECT_EQ(event.failed().reason(), "exited");
  EXPECT_NE(event.failed().message().find("exit code 3"), std::string::npos) << event.failed().message();
  ASSERT_EQ(event.failed().last_lines_size(), 20);
  EXPECT_EQ(event.failed().last_lines(19), "boom 30");
  EXPECT_EQ(list(id).size(), 1u);  // nothing is removed: the caller decides
}

TEST_F(EngineContract, ACommandThatIsNotThereIsTheClientsFault) {
  const std::string id = project();
  built(id);
  const v1::GroupEvent event = ensure(group(id, {"/no/such/program"}));
  ASSERT_TRUE(event.has_failed());
  EXPECT_EQ(event.failed().reason(), "exited") << event.failed().message();
}

TEST_F(EngineContract, OneThatNeverListensOrNeverIsWellFailsAtItsLimit) {
  const std::string id = project();
  built(id);
  v1::InstanceGroup silent = group(id, {"sleep", "60"});
  silent.mutable_probe()->set_timeout_seconds(1);
  const v1::GroupEvent event = ensure(silent);
  ASSERT_TRUE(event.has_failed());
  EXPECT_EQ(event.failed().reason(), "not_listening") << event.failed().message();
  v1::InstanceGroup ill = group(id);
  ill.set_deployment(2);
  ill.mutable_probe()->set_timeout_seconds(1);
  ill.mutable_probe()->set_http_path("/bad");
  const v1::GroupEvent other = ensure(ill);
  ASSERT_TRUE(other.has_failed());
  EXPECT_EQ(other.failed().reason(), "unhealthy");
  EXPECT_NE(other.failed().message().find("500"), std::string::npos) << other.failed().message();
}

TEST_F(EngineContract, OutOfMemoryIsNamed) {
  const std::string id = project();
  built(id);
  v1::InstanceGroup hungry = group(id, {"perl", "-e", "my $x = 'a' x (300 << 20); sleep 60"});
  hungry.mutable_limits()->set_memory_bytes(64 << 20);
  const v1::GroupEvent event = ensure(hungry);
  ASSERT_TRUE(event.has_failed());
  EXPECT_EQ(event.failed().reason(), "out_of_memory") << event.failed().message();
  EXPECT_NE(event.failed().message().find("64 MiB"), std::string::npos);
  const std::vector<v1::Instance> left = list(id);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].state(), "exited");
  EXPECT_EQ(left[0].exit_code(), 137);
  EXPECT_TRUE(left[0].out_of_memory());
}

TEST_F(EngineContract, AMissingImageAndAMissingRuntimeAreClear) {
  const std::string id = project();
  const v1::GroupEvent event = ensure(group(id));
  ASSERT_TRUE(event.has_failed());
  EXPECT_EQ(event.failed().reason(), "image_missing");
  v1::InstanceGroup isolated = group(id);
  isolated.set_isolation("microvm");
  auto sink = std::make_shared<Collector<v1::GroupEvent>>();
  const Status status = run(engine_->ensure_group(isolated, sink));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kFailedPrecondition);
}

TEST_F(EngineContract, BuildFailuresSayWhatFailed) {
  const std::string id = project();
  const v1::BuildResult broken = build(build_spec(id), "FROM debian:bookworm\nRUN echo before; exit 7\nCMD x\n");
  EXPECT_EQ(broken.reason(), "build_failed");
  EXPECT_NE(broken.message().find("7"), std::string::npos) << broken.message();
  EXPECT_NE(build_lines_.find("before\n"), std::string::npos);
  EXPECT_EQ(build(build_spec(id), "FROM debian:bookworm\nNONSENSE x\n").reason(), "invalid_dockerfile");
  EXPECT_EQ(build(build_spec(id), "# syntax=evil/frontend\nFROM debian:bookworm\nCMD x\n").reason(),
            "invalid_dockerfile");
  EXPECT_EQ(build(build_spec(id), "FROM paastech/550e8400-e29b-41d4-a716-446655440000:1\n").reason(),
            "invalid_dockerfile");
  v1::BuildSpec elsewhere = build_spec(id);
  elsewhere.set_dockerfile("other/Dockerfile");
  EXPECT_EQ(build(elsewhere, "FROM debian:bookworm\n").reason(), "invalid_dockerfile");
}

TEST_F(EngineContract, ABuildOverItsMemoryIsNamed) {
  v1::BuildSpec spec = build_spec(project());
  spec.mutable_limits()->set_memory_bytes(64 << 20);
  const v1::BuildResult result =
      build(spec, "FROM debian:bookworm\nRUN perl -e 'my $x = \"a\" x (300 << 20)'\nCMD x\n");
  EXPECT_EQ(result.reason(), "out_of_memory") << result.message();
}

TEST_F(EngineContract, ABuildOverItsTimeIsDead) {
  v1::BuildSpec spec = build_spec(project());
  spec.set_timeout_seconds(2);
  const std::string mark = sleep_mark();
  const v1::BuildResult result = build(spec, "FROM debian:bookworm\nRUN sleep " + mark + "\nCMD x\n");
  EXPECT_EQ(result.reason(), "timeout");
  EXPECT_TRUE(until([&] { return !runs_on_host(mark); }, 2s));
}

// Its place is free only once the call has ended.
TEST_F(EngineContract, ACancelledBuildIsDeadWithinTwoSecondsAlsoUnderMemoryPressure) {
  // The second one fills its memory with pages of a file, and goes through the rest again and again.
  for (const char* busy : {"",
                           "(while :; do head -c 200000000 /dev/zero > /fill; done &) ; (perl -e 'my $x = \"a\" x (40 "
                           "<< 20); while (1) { substr($x, "
                           "rand(40 << 20), 1) = 1 }' &) ; "}) {
    auto sink = std::make_shared<Collector<v1::BuildEvent>>();
    const std::string mark = sleep_mark();
    const std::string tar =
        TestTar()
            .file("Dockerfile", std::string("FROM debian:bookworm\nRUN ") + busy + "sleep " + mark + "\nCMD x\n")
            .end();
    v1::BuildSpec spec = build_spec(project());
    spec.mutable_limits()->set_memory_bytes(64 << 20);
    const Outcome outcome = beside(engine_->build(spec, std::make_shared<OneTar>(tar), sink));
    ASSERT_TRUE(until([&] { return runs_on_host(mark); }));
    if (*busy) until([] { return false; }, 1s);  // too short only makes the test weaker
    const auto began = std::chrono::steady_clock::now();
    sink->leave();
    EXPECT_TRUE(until([&] { return !runs_on_host(mark) && outcome->has_value(); }, 2s)) << busy;
    const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    std::printf("a cancelled build ended in %.2f s%s\n", took, *busy ? ", under memory pressure" : "");
    ASSERT_TRUE(until([&] { return outcome->has_value(); }));
    EXPECT_EQ((*outcome)->error().code, Code::kCancelled);
  }
}

TEST_F(EngineContract, StagesThatAreOnlyCopiedFromDoNotStayOnTheDisk) {
  const std::string mark = "mark-" + options_.instance;
  const std::string stage = "FROM debian:bookworm AS made\nRUN echo " + mark + " > /made\nFROM debian:bookworm\n";
  ASSERT_TRUE(build(build_spec(project()), stage + "COPY --from=made /made /made\nCMD x\n").ok());
  EXPECT_TRUE(until([&] { return nameless(mark) == 0; }));
  EXPECT_FALSE(build(build_spec(project()), stage + "RUN exit 3\nCMD x\n").ok());
  EXPECT_TRUE(until([&] { return nameless(mark) == 0; }));
}

TEST_F(EngineContract, WhatAKilledProcessLeftIsRemovedAndNothingElse) {
  const std::string id = project();
  built(id);
  ASSERT_TRUE(ensure(group(id)).has_ready());
  const auto create = [&](const std::string& name, const std::string& labels, const std::string& hosts) {
    const std::string body = "{\"Image\":\"debian:bookworm\",\"Cmd\":[\"sleep\",\"600\"],\"Labels\":{" + labels +
                             "},\"HostConfig\":{\"NetworkMode\":\"" + network_name(options_.instance, id) +
                             "\",\"ExtraHosts\":[" + hosts + "]}}";
    const auto made = run(client_->call("POST", "/containers/create?name=" + name, body));
    EXPECT_TRUE(made) << made.error().message;
    const auto details = run(docker::inspect_container(client_, name));
    EXPECT_TRUE(run(docker::start_container(client_, details->id)));
    return details->id;
  };
  const auto there = [this](const std::string& it) { return run(docker::inspect_container(client_, it)).has_value(); };
  const std::string build = create(options_.instance + "-x", "", "\"build-0123456789ab:127.0.0.1\"");
  const std::string other = create(options_.instance + "-y", "", "\"other:127.0.0.1\"");
  const std::string prefix = options_.instance + "." + id + ".1.run-";
  const std::string command = create(prefix + "0123456789ab",
                                     "\"paastech.kind\":\"run\",\"paastech.instance\":\"" + options_.instance +
                                         "\",\"paastech.project\":\"" + id + "\"",
                                     "");
  ASSERT_TRUE(run(engine_->remove_forsaken()));
  EXPECT_FALSE(there(build));
  EXPECT_FALSE(there(command));
  EXPECT_TRUE(there(other));
  ASSERT_EQ(list(id).size(), 1u);
  EXPECT_EQ(list(id)[0].state(), "running");
}

TEST_F(EngineContract, ABuildUnderWayIsNoLeftover) {
  auto sink = std::make_shared<Collector<v1::BuildEvent>>();
  const std::string mark = sleep_mark();
  const std::string tar = TestTar().file("Dockerfile", "FROM debian:bookworm\nRUN sleep " + mark + "\nCMD x\n").end();
  const Outcome outcome = beside(engine_->build(build_spec(project()), std::make_shared<OneTar>(tar), sink));
  ASSERT_TRUE(until([&] { return runs_on_host(mark); }));
  ASSERT_TRUE(run(engine_->remove_forsaken()));
  EXPECT_TRUE(runs_on_host(mark));
  EXPECT_FALSE(outcome->has_value());
  sink->leave();
  ASSERT_TRUE(until([&] { return outcome->has_value(); }));
}

TEST_F(EngineContract, ABuildUsesTheCacheOfItsOwnProjectOnly) {
  const std::string mine = project();
  const std::string text = "FROM debian:bookworm\nRUN cat /proc/sys/kernel/random/uuid > /made\nCMD cat /made\n";
  ASSERT_TRUE(build(build_spec(mine), text).ok());
  v1::BuildSpec next = build_spec(mine, 2);
  next.add_cache_from(image_reference(mine, 1));
  ASSERT_TRUE(build(next, text).ok());
  EXPECT_NE(build_lines_.find("Using cache"), std::string::npos);
  ASSERT_TRUE(build(build_spec(project()), text).ok());
  EXPECT_EQ(build_lines_.find("Using cache"), std::string::npos);
  v1::BuildSpec thief = build_spec(project());
  thief.add_cache_from(image_reference(mine, 1));
  auto sink = std::make_shared<Collector<v1::BuildEvent>>();
  EXPECT_FALSE(run(engine_->build(thief, std::make_shared<OneTar>(""), sink)));
}

TEST_F(EngineContract, LogsCarryStreamTimeAndFollowNewInstances) {
  const std::string id = project();
  built(id);
  ASSERT_TRUE(ensure(group(id)).has_ready());
  v1::LogsRequest request;
  request.set_project(id);
  auto past = std::make_shared<Collector<v1::LogLine>>();
  ASSERT_TRUE(until([&] {
    past->got.clear();
    return run(engine_->logs(request, past)).has_value() && past->got.size() >= 2;
  }));
  for (const v1::LogLine& line : past->got) {
    EXPECT_EQ(line.instance(), "web.1");
    EXPECT_GT(line.at_ns(), 0);
    EXPECT_EQ(line.stream(), line.text() == "to stderr" ? "stderr" : "stdout");
  }
  request.set_follow(true);
  request.set_tail(-1);
  auto follow = std::make_shared<Collector<v1::LogLine>>();
  const Outcome outcome = beside(engine_->logs(request, follow));
  until([] { return false; }, 300ms);  // lets the follower subscribe; too early only makes the test weaker
  v1::InstanceGroup second = group(id);
  second.set_deployment(2);
  ASSERT_TRUE(ensure(second).has_ready());
  ASSERT_TRUE(until([&] { return follow->got.size() >= 2; }));
  EXPECT_EQ(follow->got[0].deployment(), 2);
  follow->leave();
  EXPECT_TRUE(until([&] { return outcome->has_value(); }));
  EXPECT_TRUE(**outcome);
}

TEST_F(EngineContract, WatchTellsOfStartAndDeath) {
  const std::string id = project();
  built(id);
  auto sink = std::make_shared<Collector<v1::InstanceEvent>>();
  beside(engine_->watch(sink));
  until([] { return false; }, 300ms);
  ensure(group(id, {"perl", "-e", "exit 9"}));
  ASSERT_TRUE(until([&] { return sink->got.size() >= 2; }));
  EXPECT_EQ(sink->got[0].kind(), "start");
  EXPECT_EQ(sink->got[0].instance().project(), id);
  EXPECT_EQ(sink->got[1].kind(), "die");
  EXPECT_EQ(sink->got[1].instance().exit_code(), 9);
  sink->leave();
}

TEST_F(EngineContract, StatsMeasureWorkAndMemory) {
  const std::string id = project();
  built(id);
  ASSERT_TRUE(ensure(group(id, {"sh", "-c", "while :; do :; done & exec perl /app.pl"})).has_ready());
  v1::StatsRequest request;
  request.set_project(id);
  const auto reply = run(engine_->stats(request));
  ASSERT_TRUE(reply);
  ASSERT_EQ(reply->instances_size(), 1);
  EXPECT_GT(reply->instances(0).cpu_percent(), 1.0);
  EXPECT_GT(reply->instances(0).memory_bytes(), 100'000);
  EXPECT_EQ(reply->instances(0).memory_limit_bytes(), 512 << 20);
  EXPECT_GE(reply->instances(0).processes(), 2);
  EXPECT_GT(reply->instances(0).cpu_ns(), 1'000'000);
  EXPECT_EQ(reply->instances(0).project(), id);
  EXPECT_EQ(reply->instances(0).process(), "web");
  EXPECT_EQ(reply->instances(0).index(), 0);
  const auto all = run(engine_->stats({}));
  ASSERT_TRUE(all);
  EXPECT_GE(all->instances_size(), 1);
}

TEST_F(EngineContract, RunsACommandToItsEndOrItsLimit) {
  const std::string id = project();
  built(id);
  const Ran ran = run_once(id, {"sh", "-c", "echo one; echo two >&2; exit 7"});
  ASSERT_TRUE(ran.status) << ran.status.error().message;
  EXPECT_EQ(ran.exit_code, 7);
  EXPECT_NE(ran.output.find("one\n"), std::string::npos);
  EXPECT_NE(ran.output.find("two\n"), std::string::npos);
  for (int i = 0; i < 5; ++i) {  // what ends at once is shown to its last word
    const Ran brief = run_once(id, {"sh", "-c", "echo first; printf last"});
    ASSERT_TRUE(brief.status) << brief.status.error().message;
    EXPECT_EQ(brief.output, "first\nlast\n");
  }
  const Ran late = run_once(id, {"sleep", "60"}, {}, 1);
  ASSERT_FALSE(late.status);
  EXPECT_EQ(late.status.error().code, Code::kDeadlineExceeded);
  EXPECT_TRUE(list(id).empty());
}

TEST_F(EngineContract, VolumesAreKeptUntilAskedFor) {
  v1::VolumeRequest request;
  request.set_project(project());
  request.set_name("data");
  ASSERT_TRUE(run(engine_->ensure_volume(request)));
  ASSERT_TRUE(run(engine_->ensure_volume(request)));
  v1::ListVolumesRequest which;
  which.set_project(request.project());
  EXPECT_EQ(run(engine_->list_volumes(which))->volumes_size(), 1);
  v1::RemoveProjectRequest remove;
  remove.set_project(request.project());
  ASSERT_TRUE(run(engine_->remove_project(remove)));
  EXPECT_EQ(run(engine_->list_volumes(which))->volumes_size(), 1);
  ASSERT_TRUE(run(engine_->remove_volume(request)));
  EXPECT_EQ(run(engine_->list_volumes(which))->volumes_size(), 0);
}

TEST(EngineDown, EveryCallSaysSo) {
  boost::asio::io_context loop;
  net::TaskGroup tasks(loop.get_executor());
  Options options;
  options.docker_socket = "/nonexistent/docker.sock";
  auto engine = *DockerEngine::make(tasks, options);
  std::optional<Result<v1::ListReply>> reply;
  boost::asio::co_spawn(loop, engine->list({}),
                        [&](std::exception_ptr, Result<v1::ListReply> got) { reply = std::move(got); });
  loop.run();
  ASSERT_TRUE(reply && !*reply);
  EXPECT_EQ(reply->error().code, Code::kUnavailable);
  EXPECT_NE(reply->error().message.find("does not answer at /nonexistent/docker.sock"), std::string::npos);
}

}  // namespace
}  // namespace paastech::pomegranate
