// Output, state changes and use of resources of running Instances.
#include <deque>
#include <set>

#include "docker/events.h"
#include "docker/logs.h"
#include "pomegranate/docker_engine.h"
#include "pomegranate/parallel.h"
#include "pomegranate/utf8.h"

namespace paastech::pomegranate {

using namespace std::chrono_literals;

namespace {

// Of a follower that reads slower than its Instances write; those wait.
constexpr std::size_t kQueuedLines = 1000;
constexpr std::size_t kQueuedBytes = 256 << 10;  // a line may have 64 KiB
constexpr auto kStatsInterval = 250ms;           // between the two samples that a share of a core is computed from

v1::LogLine to_line(const docker::LogEntry& entry, const InstanceKey& key) {
  v1::LogLine line;
  line.set_instance(short_name(key));
  line.set_deployment(key.deployment);
  line.set_stream(entry.error_stream ? "stderr" : "stdout");
  line.set_at_ns(entry.at_ns);
  line.set_text(valid_utf8(entry.text));
  return line;
}

}  // namespace

struct LogFollow {
  explicit LogFollow(net::Executor executor) : changed(executor) {}
  v1::LogsRequest request;
  SinkPtr<v1::LogLine> sink;
  net::Notifier changed;
  std::deque<v1::LogLine> queue;
  std::size_t queued_bytes = 0;
  bool full() const { return queue.size() >= kQueuedLines || queued_bytes >= kQueuedBytes; }
  std::map<std::string, std::int64_t> seen_ns;  // container → the time of its last line that was sent
  std::set<std::string> followed;
  std::vector<std::weak_ptr<docker::LogStream>> streams;
  std::shared_ptr<docker::EventStream> events;
  std::optional<Error> lost;
  bool stopped = false;
  void stop() {
    stopped = true;
    for (const auto& weak : streams)
      if (const auto stream = weak.lock()) stream->close();
    if (events) events->close();
    changed.notify();
  }
};

// What was written so far, of all Instances in the order of time: the earliest of each one's next line goes first.
net::Task<Status> DockerEngine::past_logs(std::shared_ptr<LogFollow> run, std::vector<Known> instances) {
  struct Source {
    Known known;
    std::shared_ptr<docker::LogStream> stream;
    std::optional<docker::LogEntry> entry;
  };
  std::vector<Source> sources;
  docker::LogQuery query;
  query.tail = run->request.tail();
  query.since_ns = run->request.since_ms() * 1'000'000;
  for (const Known& one : instances) {
    auto stream = co_await docker::LogStream::open(client_, one.id, query);
    // Gone, or just being removed (409), as an Instance is that a rollout has replaced.
    if (!stream && (stream.error().code == Code::kNotFound || stream.error().code == Code::kAborted)) continue;
    if (!stream) co_return std::unexpected(stream.error());
    Source source{one, std::move(*stream), std::nullopt};
    run->streams.push_back(source.stream);  // closed where the reader goes away, also while the Engine hangs
    CO_TRY_ASSIGN(source.entry, co_await source.stream->next());
    sources.push_back(std::move(source));
  }
  while (true) {
    Source* first = nullptr;
    for (Source& source : sources)
      if (source.entry && (!first || source.entry->at_ns < first->entry->at_ns)) first = &source;
    if (!first) co_return Status{};
    run->seen_ns[first->known.id] = first->entry->at_ns;
    v1::LogLine line = to_line(*first->entry, first->known.key);
    const bool told = co_await run->sink->put(std::move(line));
    if (!told) co_return fail(Code::kCancelled, "cancelled");
    CO_TRY_ASSIGN(first->entry, co_await first->stream->next());
  }
}

net::Task<void> DockerEngine::follow_one(std::shared_ptr<LogFollow> run, Known one) {
  docker::LogQuery query;
  query.follow = true;
  const auto seen = run->seen_ns.find(one.id);
  if (seen != run->seen_ns.end())
    query.since_ns = seen->second + 1;
  else
    query.since_ns = run->request.since_ms() * 1'000'000;
  auto opened = co_await docker::LogStream::open(client_, one.id, query);
  if (!opened) {
    run->followed.erase(one.id);
    co_return;
  }
  const std::shared_ptr<docker::LogStream> stream = std::move(*opened);
  run->streams.push_back(stream);
  while (!run->stopped) {
    const auto entry = co_await stream->next();
    if (!entry || !*entry) break;
    run->seen_ns[one.id] = (*entry)->at_ns;
    while (run->full() && !run->stopped) co_await run->changed.wait(1s);
    run->queue.push_back(to_line(**entry, one.key));
    run->queued_bytes += run->queue.back().text().size();
    run->changed.notify();
  }
  run->followed.erase(one.id);  // when it starts again it is followed again
}

net::Task<void> DockerEngine::follow_new(std::shared_ptr<LogFollow> run) {
  while (!run->stopped) {
    const auto event = co_await run->events->next();
    if (!event) {
      if (!run->stopped) run->lost = event.error();
      run->stopped = true;
      run->changed.notify();
      co_return;
    }
    if (event->action != "start") continue;
    const auto name = event->attributes.find("name");
    if (name == event->attributes.end()) continue;
    const std::optional<InstanceKey> key = trusted_key(options_.instance, name->second, event->attributes);
    const bool wanted = key && key->project == run->request.project() &&
                        (run->request.deployment() == 0 || key->deployment == run->request.deployment()) &&
                        (run->request.process().empty() || key->process == run->request.process());
    if (!wanted || !run->followed.insert(event->id).second) continue;
    std::erase_if(run->streams, [](const auto& weak) { return weak.expired(); });
    const Known fresh{event->id, *key, port_of(event->attributes), "running"};
    tasks_.spawn("follow", follow_one(run, fresh));
  }
}

net::Task<Status> DockerEngine::logs(v1::LogsRequest request, SinkPtr<v1::LogLine> sink) {
  CO_TRY(check_project(request.project()));
  auto run = std::make_shared<LogFollow>(tasks_.executor());
  run->request = request;
  run->sink = sink;
  sink->on_gone([weak = std::weak_ptr(run)] {
    if (const auto alive = weak.lock()) alive->stop();
  });
  if (request.follow()) {
    // Events first, so that no Instance that starts in between is missed.
    std::vector<std::string> labels{label_filter(kLabelInstance, options_.instance),
                                    label_filter(kLabelProject, request.project())};
    std::vector<std::string> actions(1, "start");
    CO_TRY_ASSIGN(run->events, co_await docker::EventStream::open(client_, std::move(labels), std::move(actions)));
  }
  CO_TRY_ASSIGN(std::vector<Known> instances,
                co_await known(request.project(), request.deployment(), request.process()));
  const std::int64_t now_ns =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  if (request.tail() >= 0) {
    CO_TRY(co_await past_logs(run, instances));
  } else {
    for (const Known& one : instances) run->seen_ns[one.id] = now_ns;
  }
  if (!request.follow()) co_return Status{};
  for (const Known& one : instances) {
    run->followed.insert(one.id);
    tasks_.spawn("follow", follow_one(run, one));
  }
  tasks_.spawn("follow new", follow_new(run));
  while (!run->stopped || !run->queue.empty()) {
    if (run->queue.empty()) {
      co_await run->changed.wait(1min);
      continue;
    }
    const bool was_full = run->full();
    v1::LogLine line = std::move(run->queue.front());
    run->queue.pop_front();
    run->queued_bytes -= line.text().size();
    if (was_full) run->changed.notify();
    const bool told = co_await sink->put(std::move(line));
    if (!told) break;
  }
  run->stop();
  if (run->lost) co_return std::unexpected(*run->lost);
  co_return Status{};
}

net::Task<Status> DockerEngine::watch(SinkPtr<v1::InstanceEvent> sink) {
  std::vector<std::string> labels{label_filter(kLabelInstance, options_.instance),
                                  label_filter(kLabelKind, "instance")};
  std::vector<std::string> actions{"start", "die", "oom", "destroy"};
  CO_TRY_ASSIGN(auto opened, co_await docker::EventStream::open(client_, std::move(labels), std::move(actions)));
  const std::shared_ptr<docker::EventStream> events = std::move(opened);
  sink->on_gone([weak = std::weak_ptr(events)] {
    if (const auto alive = weak.lock()) alive->close();
  });
  while (true) {
    const auto event = co_await events->next();
    if (sink->gone()) co_return Status{};
    if (!event) co_return std::unexpected(event.error());
    const auto name = event->attributes.find("name");
    if (name == event->attributes.end()) continue;
    const std::optional<InstanceKey> key = trusted_key(options_.instance, name->second, event->attributes);
    if (!key) continue;
    v1::InstanceEvent out;
    out.set_kind(event->action);
    out.set_at_ms(event->at_ns / 1'000'000);
    v1::Instance& instance = *out.mutable_instance();
    instance.set_id(event->id);
    instance.set_project(key->project);
    instance.set_deployment(key->deployment);
    instance.set_process(key->process);
    instance.set_index(key->index);
    instance.set_name(short_name(*key));
    instance.set_port(port_of(event->attributes));
    instance.set_state(event->action == "start" ? "running" : event->action == "oom" ? "" : "exited");
    instance.set_out_of_memory(event->action == "oom");
    tell_overfull(event->id, instance);
    const auto code = event->attributes.find("exitCode");
    if (code != event->attributes.end()) instance.set_exit_code(std::atoi(code->second.c_str()));
    const auto image = event->attributes.find("image");
    if (image != event->attributes.end()) instance.set_image(image->second);
    const bool told = co_await sink->put(std::move(out));
    if (!told) co_return Status{};
  }
}

net::Task<Result<v1::StatsReply>> DockerEngine::stats(v1::StatsRequest request) {
  if (!request.project().empty()) {
    CO_TRY(check_project(request.project()));
  }
  CO_TRY_ASSIGN(std::vector<Known> instances, co_await known(request.project(), 0, ""));
  std::erase_if(instances, [](const Known& one) { return one.state != "running"; });
  std::vector<net::Task<Result<docker::ContainerStats>>> work;
  work.reserve(instances.size());
  for (const Known& one : instances) work.push_back(docker::container_stats(client_, one.id));
  const auto before = co_await run_all(tasks_, std::move(work));
  v1::StatsReply reply;
  if (instances.empty()) co_return reply;
  CO_TRY(co_await net::sleep_for(kStatsInterval));
  std::vector<net::Task<Result<docker::ContainerStats>>> again;
  again.reserve(instances.size());
  for (const Known& one : instances) again.push_back(docker::container_stats(client_, one.id));
  const auto after = co_await run_all(tasks_, std::move(again));
  for (std::size_t i = 0; i < instances.size(); ++i) {
    const auto& then = before[i];
    const auto& now = after[i];
    const Error* error = !then ? &then.error() : !now ? &now.error() : nullptr;
    if (error && error->code == Code::kUnavailable) co_return std::unexpected(*error);
    if (error) continue;  // it ended in between
    v1::InstanceStats& out = *reply.add_instances();
    out.set_name(short_name(instances[i].key));
    out.set_deployment(instances[i].key.deployment);
    out.set_project(instances[i].key.project);
    out.set_process(instances[i].key.process);
    out.set_index(instances[i].key.index);
    out.set_cpu_ns(now->cpu_ns);
    const double wall = static_cast<double>(now->at_ns - then->at_ns);
    if (wall > 0) out.set_cpu_percent(std::max(0.0, static_cast<double>(now->cpu_ns - then->cpu_ns) / wall * 100.0));
    out.set_memory_bytes(now->memory_bytes);
    out.set_memory_limit_bytes(now->memory_limit_bytes);
    out.set_network_received_bytes(now->received_bytes);
    out.set_network_sent_bytes(now->sent_bytes);
    out.set_processes(now->processes);
  }
  co_return reply;
}

}  // namespace paastech::pomegranate
