// What every Engine must do with single Instances: probe, hold, start, stop, remove some.
#include "pomegranate/contract_support.h"

namespace paastech::pomegranate {
namespace {

using EngineInstance = Contract;

// Answers 204 where the Host header is shop.example, else 404.
const std::string kByHost = R"(
use IO::Socket::INET;
my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 16, ReuseAddr => 1) or die;
while (my $c = $s->accept) {
  my $st = "404 No";
  while (my $l = <$c>) { $st = "204 Fine" if $l =~ /^host: shop\.example\r/i; last if $l =~ /^\r/; }
  print $c "HTTP/1.1 $st\r\nConnection: close\r\n\r\n"; close $c;
}
)";

// Answers with the status that the path names. What it sends elsewhere is sent to an answer that is none.
const std::string kByPath = R"(
use IO::Socket::INET;
my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 16, ReuseAddr => 1) or die;
while (my $c = $s->accept) {
  my ($st) = <$c> =~ m{ /(\d+) };
  while (my $l = <$c>) { last if $l =~ /^\r/; }
  print $c "HTTP/1.1 $st As Asked\r\nLocation: /500\r\nConnection: close\r\n\r\n"; close $c;
}
)";

v1::RemoveGroupRequest removal(const std::string& project) {
  v1::RemoveGroupRequest request;
  request.set_project(project);
  request.set_deployment(1);
  return request;
}

TEST_F(EngineInstance, AProbeAsksByHostAndForTheStatusesItIsTold) {
  const std::string id = project();
  built(id);
  v1::InstanceGroup wanted = group(id, {"perl", "-e", kByHost});
  wanted.mutable_probe()->set_http_path("/");
  wanted.mutable_probe()->set_host("shop.example");
  ASSERT_TRUE(ensure(wanted).has_ready());
  wanted.mutable_probe()->set_host("other.example");
  wanted.mutable_probe()->set_timeout_seconds(1);
  const v1::GroupEvent refused = ensure(wanted);
  ASSERT_TRUE(refused.has_failed());
  EXPECT_EQ(refused.failed().reason(), "unhealthy");
  EXPECT_NE(refused.failed().message().find("GET / answered 404; it must answer 2xx or 3xx"), std::string::npos)
      << refused.failed().message();
  wanted.mutable_probe()->set_status_low(404);
  wanted.mutable_probe()->set_status_high(404);
  EXPECT_TRUE(ensure(wanted).has_ready());
}

TEST_F(EngineInstance, ARedirectIsReadyAndWhatIsNotFoundIsNot) {
  const std::string id = project();
  built(id);
  v1::InstanceGroup wanted = group(id, {"perl", "-e", kByPath});
  wanted.mutable_probe()->set_http_path("/302");
  ASSERT_TRUE(ensure(wanted).has_ready());
  v1::ProbeRequest probe;
  *probe.mutable_instance() = instance(id);
  for (const int status : {200, 299, 300, 301, 304, 399, 400, 403, 404, 499, 500, 503}) {
    probe.mutable_probe()->set_http_path("/" + std::to_string(status));
    const auto found = run(engine_->probe_instance(probe));
    ASSERT_TRUE(found) << status << found.error().message;
    EXPECT_EQ(found->well(), status < 400) << status << found->detail();
  }
  wanted.mutable_probe()->set_http_path("/404");
  wanted.mutable_probe()->set_timeout_seconds(1);
  const v1::GroupEvent refused = ensure(wanted);
  ASSERT_TRUE(refused.has_failed());
  EXPECT_EQ(refused.failed().reason(), "unhealthy");
}

TEST_F(EngineInstance, IsReadyOnlyAfterAsManyInARowAsItIsTold) {
  const std::string id = project();
  built(id);
  v1::InstanceGroup wanted = worker(group(id, {"sleep", "600"}));
  constexpr const char* kEverySecond = "n=$(cat /tmp/n || echo 0); echo $((n+1)) > /tmp/n; test $((n%2)) = 1";
  for (const char* word : {"sh", "-c", kEverySecond}) wanted.mutable_probe()->add_command(word);
  wanted.mutable_probe()->set_timeout_seconds(2);
  wanted.mutable_probe()->set_successes(2);
  const v1::GroupEvent refused = ensure(wanted);
  ASSERT_TRUE(refused.has_failed());
  EXPECT_EQ(refused.failed().reason(), "unhealthy");
  EXPECT_NE(refused.failed().message().find(", 2 times in a row"), std::string::npos) << refused.failed().message();
  wanted.set_deployment(2);
  wanted.mutable_probe()->set_successes(1);
  EXPECT_TRUE(ensure(wanted).has_ready());
  wanted.set_deployment(3);
  wanted.mutable_probe()->clear_command();
  // Well from the third attempt on; at one a second the third and fourth are within the time, at one an hour not.
  for (const char* word : {"sh", "-c", "echo >> /tmp/n; test $(wc -l < /tmp/n) -ge 3"})
    wanted.mutable_probe()->add_command(word);
  wanted.mutable_probe()->set_successes(2);
  wanted.mutable_probe()->set_interval_seconds(1);
  wanted.mutable_probe()->set_timeout_seconds(30);
  EXPECT_TRUE(ensure(wanted).has_ready());
  wanted.set_deployment(4);
  wanted.mutable_probe()->set_interval_seconds(300);
  wanted.mutable_probe()->set_timeout_seconds(2);
  EXPECT_TRUE(ensure(wanted).has_failed());
}

TEST_F(EngineInstance, ACommandProbesWhatTakesNoRequests) {
  const std::string id = project();
  built(id);
  v1::InstanceGroup wanted = worker(group(id, {"sh", "-c", "sleep 0.3; touch /tmp/ready; exec sleep 600"}));
  for (const char* word : {"test", "-f", "/tmp/ready"}) wanted.mutable_probe()->add_command(word);
  ASSERT_TRUE(ensure(wanted).has_ready());
  wanted.set_deployment(2);
  wanted.mutable_probe()->clear_command();
  for (const char* word : {"sh", "-c", "echo the database is not there; exit 3"})
    wanted.mutable_probe()->add_command(word);
  wanted.mutable_probe()->set_timeout_seconds(1);
  const v1::GroupEvent failure = ensure(wanted);
  ASSERT_TRUE(failure.has_failed());
  EXPECT_EQ(failure.failed().reason(), "unhealthy");
  EXPECT_NE(failure.failed().message().find("ended with 3: the database is not there"), std::string::npos)
      << failure.failed().message();
  wanted.mutable_probe()->clear_command();
  auto sink = std::make_shared<Collector<v1::GroupEvent>>();
  const Status nothing_to_ask = run(engine_->ensure_group(wanted, sink));
  ASSERT_FALSE(nothing_to_ask);
  EXPECT_EQ(nothing_to_ask.error().code, Code::kInvalidArgument);
}

TEST_F(EngineInstance, AProbeThatHangsIsEndedAndNoSecondOneIsStartedBesideIt) {
  const std::string id = project();
  built(id);
  const std::string mark = sleep_mark();
  ASSERT_TRUE(ensure(worker(group(id, {"sleep", "600"}))).has_ready());
  v1::ProbeRequest probe;
  *probe.mutable_instance() = instance(id, "worker");
  for (const std::string& word : {std::string("sleep"), mark}) probe.mutable_probe()->add_command(word);
  probe.mutable_probe()->set_timeout_seconds(1);
  const auto hung = run(engine_->probe_instance(probe));
  ASSERT_TRUE(hung) << hung.error().message;
  EXPECT_FALSE(hung->well());
  EXPECT_NE(hung->detail().find("did not end within 1 s"), std::string::npos) << hung->detail();
  EXPECT_TRUE(until([&] { return !runs_on_host(mark); }));
  probe.mutable_probe()->clear_command();
  probe.mutable_probe()->add_command("true");
  EXPECT_TRUE(until([&] {
    const auto well = run(engine_->probe_instance(probe));
    return well && well->well();
  }));
}

TEST_F(EngineInstance, OneAttemptSaysWhatWasTriedAndWhatAnswered) {
  const std::string id = project();
  built(id);
  ASSERT_TRUE(ensure(group(id)).has_ready());
  v1::ProbeRequest probe;
  *probe.mutable_instance() = instance(id);
  probe.mutable_probe();
  EXPECT_TRUE(run(engine_->probe_instance(probe))->well());
  probe.mutable_probe()->set_http_path("/bad");
  const auto bad = run(engine_->probe_instance(probe));
  ASSERT_TRUE(bad);
  EXPECT_FALSE(bad->well());
  EXPECT_EQ(bad->detail(), "GET /bad answered 500");
  *probe.mutable_instance() = instance(id, "web", 7);
  EXPECT_EQ(run(engine_->probe_instance(probe)).error().code, Code::kNotFound);
  ASSERT_TRUE(run(engine_->stop_instance(instance(id))));
  *probe.mutable_instance() = instance(id);
  EXPECT_EQ(run(engine_->probe_instance(probe)).error().code, Code::kNotFound);
}

TEST_F(EngineInstance, OneThatCrashesComesBackUntilItIsHeld) {
  const std::string id = project();
  built(id);
  ASSERT_TRUE(ensure(worker(group(id, {"sh", "-c", "sleep 0.3; exit 5"}))).has_ready());
  ASSERT_TRUE(until([&] { return list(id)[0].restarts() > 0; }));
  const auto held = run(engine_->hold_instance(instance(id, "worker")));
  ASSERT_TRUE(held) << held.error().message;
  ASSERT_TRUE(until([&] { return list(id)[0].state() == "exited"; }));
  const v1::Instance down = list(id)[0];
  EXPECT_EQ(down.exit_code(), 5);
  EXPECT_GT(down.restarts(), 0);
  EXPECT_FALSE(down.out_of_memory());
  until([] { return false; }, 1500ms);  // too short only makes the test weaker
  EXPECT_EQ(list(id)[0].state(), "exited");
  EXPECT_EQ(list(id)[0].started_at_ms(), down.started_at_ms());
  v1::StartInstanceRequest start;
  *start.mutable_instance() = instance(id, "worker");
  ASSERT_TRUE(run(engine_->start_instance(start)));
  EXPECT_EQ(run(docker::inspect_container(client_, down.id()))->restart_policy, "no");
  start.set_keep(true);
  const auto kept = run(engine_->start_instance(start));
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->instance().id(), down.id());
  EXPECT_EQ(run(docker::inspect_container(client_, down.id()))->restart_policy, "unless-stopped");
  EXPECT_TRUE(until([&] { return list(id)[0].started_at_ms() > kept->instance().started_at_ms(); }));
  const auto stopped = run(engine_->stop_instance(instance(id, "worker")));
  ASSERT_TRUE(stopped);
  EXPECT_EQ(stopped->instance().state(), "exited");
  EXPECT_EQ(run(docker::inspect_container(client_, down.id()))->restart_policy, "no");
}

TEST_F(EngineInstance, StopsBySignalAndGraceOfItsOwn) {
  const std::string id = project();
  built(id);
  v1::InstanceGroup wanted = worker(
      group(id, {"perl", "-e", "$| = 1; $SIG{INT} = sub { print \"told\\n\"; exit 7 }; print \"up\\n\"; sleep 600"}));
  wanted.set_stop_signal("SIGINT");
  wanted.set_stop_grace_seconds(33);
  for (const char* word : {"test", "-d", "/proc/1"}) wanted.mutable_probe()->add_command(word);
  ASSERT_TRUE(ensure(wanted).has_ready());
  v1::LogsRequest logs;
  logs.set_project(id);
  const auto printed = [&](const std::string& text) {
    auto sink = std::make_shared<Collector<v1::LogLine>>();
    EXPECT_TRUE(run(engine_->logs(logs, sink)));
    return std::ranges::any_of(sink->got, [&](const v1::LogLine& line) { return line.text() == text; });
  };
  ASSERT_TRUE(until([&] { return printed("up"); }));
  EXPECT_EQ(run(docker::inspect_container(client_, list(id)[0].id()))->stop_seconds, 33);
  v1::RemoveGroupRequest stop = removal(id);
  stop.set_only_stop(true);
  ASSERT_TRUE(run(engine_->remove_group(stop)));
  const std::vector<v1::Instance> left = list(id);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].state(), "exited");
  EXPECT_EQ(left[0].exit_code(), 7);
  EXPECT_TRUE(printed("told"));
  for (const char* signal : {"INT", "SIG", "SIGINT;", "SIGINTERRUPTED"}) {
    wanted.set_stop_signal(signal);
    auto sink = std::make_shared<Collector<v1::GroupEvent>>();
    EXPECT_EQ(run(engine_->ensure_group(wanted, sink)).error().code, Code::kInvalidArgument) << signal;
  }
}

TEST_F(EngineInstance, RemovesThoseThatAreNamedAndNoOthers) {
  const std::string id = project();
  built(id);
  v1::InstanceGroup wanted = worker(group(id, {"sleep", "600"}));
  wanted.set_count(4);
  ASSERT_TRUE(ensure(wanted).has_ready());
  ASSERT_TRUE(ensure(group(id)).has_ready());
  const auto left = [&] {
    std::string names;
    for (const v1::Instance& one : list(id)) names += one.name() + ":" + one.state() + " ";
    return names;
  };
  v1::RemoveGroupRequest remove = removal(id);
  remove.set_process("worker");
  remove.set_from_index(3);
  EXPECT_EQ(run(engine_->remove_group(remove))->removed(), 1);
  EXPECT_EQ(left(), "web.1:running worker.1:running worker.2:running worker.3:running ");
  remove.set_from_index(0);
  remove.add_index(1);
  remove.add_index(9);
  remove.set_only_stop(true);
  EXPECT_EQ(run(engine_->remove_group(remove))->removed(), 1);
  EXPECT_EQ(left(), "web.1:running worker.1:running worker.2:exited worker.3:running ");
  remove.set_only_stop(false);
  EXPECT_EQ(run(engine_->remove_group(remove))->removed(), 1);
  EXPECT_EQ(left(), "web.1:running worker.1:running worker.3:running ");
}

TEST_F(EngineInstance, TheDiskIsMeasuredWhereTheEngineIsOnThisMachine) {
  const auto told = run(engine_->describe());
  ASSERT_TRUE(told);
  EXPECT_GT(told->disk_total_bytes(), 0);
  EXPECT_GT(told->disk_free_bytes(), 0);
  EXPECT_LT(told->disk_free_bytes(), told->disk_total_bytes());
}

}  // namespace
}  // namespace paastech::pomegranate
