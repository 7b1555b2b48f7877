// Waits until an Instance that was started is ready: probed beside a watch for its end, so that neither hides the
// other.
#include <algorithm>

#include "base/human_bytes.h"
#include "docker/deadline.h"
#include "docker/logs.h"
#include "pomegranate/docker_engine.h"
#include "pomegranate/group_start.h"
#include "pomegranate/utf8.h"

namespace paastech::pomegranate {

using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kDefaultReadySeconds = 60;
constexpr int kLastLines = 20;
constexpr auto kLastLinesTime = 10s;  // an Engine that hangs must not keep the reason back
// A start costs hundreds of milliseconds: a few more attempts on a port cost nothing, a program of its own each does.
struct Pauses {
  std::chrono::milliseconds first;
  std::chrono::milliseconds longest;
};
constexpr Pauses kPortPauses{5ms, 100ms};
constexpr Pauses kCommandPauses{50ms, 1000ms};

Pauses pauses_of(const v1::Probe& probe) {
  const std::chrono::seconds asked(probe.interval_seconds());
  if (asked > 0s) return {asked, asked};
  return probe.command_size() > 0 ? kCommandPauses : kPortPauses;
}

// What the last attempt that got anywhere says of an Instance that never was well.
v1::GroupEvent never_well(const BringUp& run, const ProbeAttempt& last, bool listened, std::int64_t seconds,
                          std::vector<std::string> lines) {
  const std::string name = short_name(run.key);
  if (run.probe.command_size() == 0 && !listened)
    return start_failed(
        "not_listening",
        fmt::format("nothing accepts connections on port {0} of {1} after {2} s; the program must listen on "
                    "0.0.0.0 (not only 127.0.0.1), on the port that $PORT names",
                    run.port, name, seconds),
        std::move(lines));
  const std::string often = run.probe.successes() > 1 ? fmt::format(", {} times in a row", run.probe.successes()) : "";
  return start_failed(
      "unhealthy",
      fmt::format("{} is not well after {} s: {}; {}{}", name, seconds, last.detail, wanted_answer(run.probe), often),
      std::move(lines));
}

}  // namespace

net::Task<void> DockerEngine::watch_exit(std::shared_ptr<BringUp> run) {
  auto opened = co_await docker::open_wait(client_, run->id);
  if (!opened) co_return;
  if (run->decided) {
    (*opened)->close();
    co_return;
  }
  run->wait = std::move(*opened);
  const std::shared_ptr<net::HttpExchange> exchange = run->wait;
  const Result<int> code = co_await docker::read_wait(client_, exchange.get());
  if (!code) co_return;
  run->exited = true;
  run->wake();
}

net::Task<Result<v1::GroupEvent>> DockerEngine::wait_ready(std::shared_ptr<BringUp> run) {
  using Clock = std::chrono::steady_clock;
  v1::GroupEvent ready;
  *ready.mutable_ready()->add_instances() = to_instance(run->details, run->key);
  const v1::Instance& instance = ready.ready().instances(0);
  if (run->details.state != "running") {
    Result<v1::GroupEvent> ended = co_await ended_early(run);
    co_return ended;
  }
  if (!run->probed) co_return ready;
  tasks_.spawn("watch exit", watch_exit(run));
  const ProbeTarget target{run->id, instance.address(), run->port};
  const std::int64_t seconds = run->probe.timeout_seconds() > 0 ? run->probe.timeout_seconds() : kDefaultReadySeconds;
  const std::chrono::milliseconds longest =
      run->probe.attempt_seconds() > 0 ? std::chrono::seconds(run->probe.attempt_seconds()) : kProbeAttempt;
  const auto deadline = Clock::now() + std::chrono::seconds(seconds);
  const auto until_deadline = [deadline] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()) + 1ms;
  };
  const Pauses pauses = pauses_of(run->probe);
  std::chrono::milliseconds pause = pauses.first;
  bool listened = false;
  int in_row = 0;
  ProbeAttempt last;
  while (!run->exited && !run->sink->gone() && Clock::now() < deadline) {
    const std::chrono::milliseconds left = until_deadline();
    Result<ProbeAttempt> made = co_await attempt(target, run->probe, std::min(left, longest), run->attempt);
    // Not there any more, or not running: the watch for its end tells in a moment.
    const bool gone = !made && (made.error().code == Code::kNotFound || made.error().code == Code::kAborted);
    if (!made && !gone) {
      run->decide();
      co_return std::unexpected(made.error());
    }
    in_row = made && made->well ? in_row + 1 : 0;
    if (in_row > 0 && in_row >= run->probe.successes()) {
      run->decide();
      co_return ready;
    }
    if (made) listened = listened || made->connected;
    // One that was cut short by the end of the time says less than one before it.
    const bool cut_short = made && made->late && left < longest && !last.detail.empty();
    if (made && !cut_short && (made->connected || !last.connected)) last = std::move(*made);
    if (run->exited) break;
    co_await run->changed.wait(std::clamp(until_deadline(), 0ms, pause));
    pause = std::min<std::chrono::milliseconds>(pause * 3 / 2, pauses.longest);
  }
  run->decide();
  if (run->exited) {
    Result<v1::GroupEvent> ended = co_await ended_early(run);
    co_return ended;
  }
  if (run->sink->gone()) co_return fail(Code::kCancelled, "cancelled");
  std::vector<std::string> lines = co_await last_lines(run->id);
  v1::GroupEvent failure = never_well(*run, last, listened, seconds, std::move(lines));
  co_return failure;
}

net::Task<Result<v1::GroupEvent>> DockerEngine::ended_early(std::shared_ptr<BringUp> run) {
  CO_TRY_ASSIGN(const docker::ContainerDetails details, co_await docker::inspect_container(client_, run->id));
  std::vector<std::string> lines = co_await last_lines(run->id);
  const std::string name = short_name(run->key);
  if (details.out_of_memory)
    co_return start_failed(
        "out_of_memory",
        fmt::format("{} ran out of memory (limit {}) before it was ready", name, human_bytes(run->spec.memory_bytes)),
        std::move(lines));
  if (overfull_bytes(run->id) > 0)
    co_return start_failed("out_of_disk", fmt::format("{} {} before it was ready", name, overfull_text(run->id)),
                           std::move(lines));
  // A statement of its own: of two arguments, the one that moves `lines` may be made first.
  std::string message = fmt::format("{} ended with exit code {} before it was ready{}", name, details.exit_code,
                                    lines.empty() ? "; it printed nothing" : "");
  co_return start_failed("exited", std::move(message), std::move(lines));
}

net::Task<std::vector<std::string>> DockerEngine::last_lines(std::string id) {
  std::vector<std::string> lines;
  docker::LogQuery query;
  query.tail = kLastLines;
  auto opened = co_await docker::LogStream::open(client_, id, query);
  if (!opened) co_return lines;
  const std::shared_ptr<docker::LogStream> stream = std::move(*opened);
  const docker::Deadline deadline(tasks_.executor(), kLastLinesTime, [stream] { stream->close(); });
  while (lines.size() < kLastLines) {
    auto entry = co_await stream->next();
    if (!entry || !*entry) break;
    lines.push_back(valid_utf8((*entry)->text));
  }
  co_return lines;
}

}  // namespace paastech::pomegranate
