// The output of all Instances in one stream. Each is read by a task of its own into a batch; one task sends the
// batches, the one that has waited longest first. While a batch is being sent the next one fills, so that batches grow
// with the load by themselves, and a task whose batch is full reads no further: the Engine keeps the rest.
#include "pomegranate/docker_engine.h"
#include "pomegranate/gathering.h"

namespace paastech::pomegranate {

using namespace std::chrono_literals;

namespace {

constexpr int kOpenedAtOnce = 32;       // the Engine reads through all that an Instance has written
constexpr auto kMissedInterval = 1min;  // the Engine drops events for whoever is slow
constexpr auto kReopenPause = 200ms;    // of one that runs although its output has ended

}  // namespace

void DockerEngine::gather_from(const std::shared_ptr<Gathering>& run, const Known& known) {
  if (const auto reading = run->sources.find(known.id); reading != run->sources.end()) {
    reading->second->started_again = true;
    return;
  }
  auto source = std::make_shared<GatherSource>(tasks_.executor());
  source->id = known.id;
  source->running = known.state == "running" || known.state == "restarting";
  v1::Instance& instance = source->instance;
  instance.set_id(known.id);
  instance.set_project(known.key.project);
  instance.set_deployment(known.key.deployment);
  instance.set_process(known.key.process);
  instance.set_index(known.key.index);
  instance.set_name(short_name(known.key));
  if (const auto position = run->positions.find(known.id); position != run->positions.end()) {
    source->resume = position->second;
    source->begins = source->running;
  }
  run->sources[known.id] = source;
  tasks_.spawn("gather", gather_one(run, source));
}

// Until the Instance has stopped and all that it wrote was given out, and again where it is started anew.
net::Task<void> DockerEngine::gather_one(std::shared_ptr<Gathering> run, std::shared_ptr<GatherSource> source) {
  while (!run->stopped) {
    source->started_again = false;
    run->offer(source);
    Status read;
    if (source->running) read = co_await gather_output(run, source, GatherMode::kFollow);
    if (source->flooding && !run->stopped) {
      source->flooding = false;
      read = co_await gather_flood(run, source);
      if (read) continue;
    }
    Result<bool> running = false;
    if (read && !run->stopped) running = co_await still_runs(source->id);
    // A followed stream that ends with its program may leave out the last lines: the Engine does not look again.
    if (read && running && !*running && !run->stopped)
      read = co_await gather_output(run, source, GatherMode::kToTheEnd);
    if (run->stopped) co_return;
    const bool gone = !read && (read.error().code == Code::kNotFound || read.error().code == Code::kAborted);
    if (!read && !gone) co_return run->lose(read.error());
    if (!running) co_return run->lose(running.error());
    source->running = *running || source->started_again;
    if (source->running) {
      co_await run->over.wait(kReopenPause);
      continue;
    }
    source->batch.set_end(true);
    run->offer(source);
    while (source->batch.end() && !run->stopped) co_await source->sent.wait(1s);
    source->running = true;
    if (!source->started_again) break;
    source->begins = true;
  }
  run->positions[source->id] = source->resume;
  run->sources.erase(source->id);
}

net::Task<Result<bool>> DockerEngine::still_runs(std::string id) {
  const auto details = co_await docker::inspect_container(client_, id);
  if (!details && details.error().code == Code::kNotFound) co_return false;
  if (!details) co_return std::unexpected(details.error());
  co_return details->state == "running";
}

net::Task<Status> DockerEngine::gather_output(std::shared_ptr<Gathering> run, std::shared_ptr<GatherSource> source,
                                              GatherMode mode) {
  docker::LogQuery query;
  query.follow = mode == GatherMode::kFollow;
  query.whole_lines = mode != GatherMode::kToTheEnd;
  source->resume.again();
  query.since_ns = source->resume.since_ns();
  while (run->opening >= kOpenedAtOnce && !run->stopped) co_await run->opened.wait(1s);
  ++run->opening;
  auto opened = co_await docker::LogStream::open(client_, source->id, query);
  --run->opening;
  run->opened.notify();
  if (!opened) co_return std::unexpected(opened.error());
  const std::shared_ptr<docker::LogStream> stream = std::move(*opened);
  source->stream = stream;
  bool more = true;
  while (more && !run->stopped) {
    const std::int64_t given = source->given;
    const auto read = co_await stream->read(source.get());
    if (!read) co_return std::unexpected(read.error());
    more = *read;
    run->offer(source);
    source->progress.notify();
    while (run->full(*source) && !run->stopped) co_await source->sent.wait(1s);
    if (more && mode == GatherMode::kUpToNow && static_cast<std::size_t>(source->given - given) < kLittle) {
      CO_TRY(co_await net::sleep_for(kLetCome));
    }
    source->flooding = query.follow && source->floods(std::chrono::steady_clock::now());
    if (source->flooding) co_return Status{};
  }
  if (run->stopped) co_return Status{};
  source->finish();
  run->offer(source);
  if (!source->trouble.empty()) spdlog::warn("the Engine about the output of {}: {}", source->id, source->trouble);
  source->trouble.clear();
  co_return Status{};
}

net::Task<void> DockerEngine::gather_started(std::shared_ptr<Gathering> run) {
  while (!run->stopped) {
    const auto event = co_await run->events->next();
    if (!event) co_return run->lose(event.error());
    if (event->action == "destroy") run->positions.erase(event->id);
    if (event->action != "start") continue;
    const auto name = event->attributes.find("name");
    if (name == event->attributes.end()) continue;
    const std::optional<InstanceKey> key = trusted_key(options_.instance, name->second, event->attributes);
    if (key) gather_from(run, Known{event->id, *key, port_of(event->attributes), "running"});
  }
}

net::Task<void> DockerEngine::gather_missed(std::shared_ptr<Gathering> run) {
  while (!run->stopped) {
    co_await run->over.wait(kMissedInterval);
    if (run->stopped) co_return;
    const auto instances = co_await known("", 0, "");
    if (!instances) co_return run->lose(instances.error());
    for (const Known& one : *instances)
      if (one.state == "running" && !run->sources.contains(one.id)) gather_from(run, one);
  }
}

net::Task<Status> DockerEngine::gather(v1::GatherRequest request, SinkPtr<v1::LogBatch> sink) {
  auto run = std::make_shared<Gathering>(tasks_.executor());
  run->sink = sink;
  for (const v1::LogCursor& cursor : request.cursors())
    run->positions[cursor.instance_id()] = LogResume(cursor.at_ns(), cursor.lines_at());
  sink->on_gone([weak = std::weak_ptr(run)] {
    if (const auto alive = weak.lock()) alive->stop();
  });
  // Events first, so that no Instance that starts in between is missed.
  std::vector<std::string> labels{label_filter(kLabelInstance, options_.instance),
                                  label_filter(kLabelKind, "instance")};
  std::vector<std::string> actions{"start", "destroy"};
  CO_TRY_ASSIGN(run->events, co_await docker::EventStream::open(client_, std::move(labels), std::move(actions)));
  CO_TRY_ASSIGN(const std::vector<Known> instances, co_await known("", 0, ""));
  std::map<std::string, LogResume> there;  // a cursor of what is gone is of no use
  for (const Known& one : instances)
    if (const auto position = run->positions.find(one.id); position != run->positions.end()) there.insert(*position);
  run->positions = std::move(there);
  for (const Known& one : instances) gather_from(run, one);
  tasks_.spawn("gather started", gather_started(run));
  tasks_.spawn("gather missed", gather_missed(run));
  while (!sink->gone() && (!run->stopped || !run->ready.empty())) {
    if (run->ready.empty()) {
      co_await run->changed.wait(1min);
      continue;
    }
    v1::LogBatch batch = run->take_first();
    const bool told = co_await sink->put(std::move(batch));
    if (!told) break;
  }
  run->stop();
  if (run->lost) co_return std::unexpected(*run->lost);
  co_return Status{};
}

}  // namespace paastech::pomegranate
