// Attempts to find out whether an Instance is well, by its port, a path, or a command run in it.
#include "base/clock.h"
#include "docker/deadline.h"
#include "docker/exec.h"
#include "docker/logs.h"
#include "pomegranate/container_process.h"
#include "pomegranate/docker_engine.h"
#include "pomegranate/utf8.h"

namespace paastech::pomegranate {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kMaxShown = 200;  // of a command, and of its last line, in a detail
constexpr auto kExitPause = 5ms;        // the Engine notes the exit code a moment after the output has ended
constexpr int kExitAttempts = 200;      // together a second
constexpr std::size_t kMaxHung = 1024;  // of those that are remembered
constexpr auto kLongestProbe = 10min;   // of one attempt

std::string shown(const v1::Probe& probe) {
  std::string text;
  for (const std::string& word : probe.command()) text += (text.empty() ? "" : " ") + word;
  return "`" + valid_utf8(text.substr(0, kMaxShown)) + "`";
}

struct LastLine final : docker::LineTaker {
  void take(bool, std::int64_t, std::string_view text) override {
    if (!text.empty()) line = text.substr(0, kMaxShown);
  }
  std::string line;
};

}  // namespace

net::Task<Result<ProbeAttempt>> DockerEngine::attempt(ProbeTarget target, v1::Probe probe,
                                                      std::chrono::milliseconds limit,
                                                      std::shared_ptr<ProbeAbort> abort) {
  if (probe.command_size() > 0) {
    Result<ProbeAttempt> ran = co_await attempt_command(target.id, probe, limit, abort);
    co_return ran;
  }
  ProbeAttempt asked =
      co_await probe_once(target.address, static_cast<std::uint16_t>(target.port), probe, limit, abort);
  co_return asked;
}

// A command that outlives its time is killed where that can be, and no other is started beside it, so that hanging ones
// do not pile up in the Instance.
net::Task<Result<ProbeAttempt>> DockerEngine::attempt_command(std::string container, v1::Probe probe,
                                                              std::chrono::milliseconds limit,
                                                              std::shared_ptr<ProbeAbort> abort) {
  ProbeAttempt attempt;
  if (const auto hung = hung_probes_.find(container); hung != hung_probes_.end()) {
    const std::string earlier = hung->second;
    const auto state = co_await docker::inspect_exec(client_, earlier);
    if (!state && state.error().code == Code::kUnavailable) co_return std::unexpected(state.error());
    if (state && state->running) {
      attempt.detail = shown(probe) + " of an earlier attempt still runs";
      co_return attempt;
    }
    hung_probes_.erase(container);
  }
  const std::vector<std::string> command(probe.command().begin(), probe.command().end());
  CO_TRY_ASSIGN(const std::string id, co_await docker::create_exec(client_, container, command));
  CO_TRY_ASSIGN(auto opened, co_await docker::open_exec(client_, id));
  const std::shared_ptr<net::HttpExchange> exchange = std::move(opened);
  const docker::Deadline deadline(tasks_.executor(), limit, [exchange] { exchange->close(); });
  abort->now = [weak = std::weak_ptr(exchange)] {
    if (const auto alive = weak.lock()) alive->close();
  };
  docker::LogParser parser;
  LastLine last;
  bool ended = false;
  while (!ended) {
    const Result<std::string> piece = co_await exchange->read();
    if (!piece) break;
    ended = piece->empty();
    if (!parser.add(*piece, last)) break;
  }
  parser.finish(last);
  if (!ended) {
    co_await end_command(container, id);
    attempt.late = true;
    const double seconds = std::chrono::duration<double>(limit).count();
    attempt.detail = fmt::format("{} did not end within {:g} s", shown(probe), seconds);
    co_return attempt;
  }
  CO_TRY_ASSIGN(const int code, co_await exit_code_of(id));
  attempt.well = code == 0;
  attempt.detail = fmt::format("{} ended with {}", shown(probe), code);
  if (!last.line.empty()) attempt.detail += ": " + valid_utf8(last.line);
  co_return attempt;
}

net::Task<Result<int>> DockerEngine::exit_code_of(std::string exec) {
  for (int tries = 0; tries < kExitAttempts; ++tries) {
    CO_TRY_ASSIGN(const docker::ExecState state, co_await docker::inspect_exec(client_, exec));
    if (!state.running) co_return state.exit_code;
    CO_TRY(co_await net::sleep_for(kExitPause));
  }
  co_return fail(Code::kDeadlineExceeded, "a command closed its output but does not end");
}

net::Task<void> DockerEngine::end_command(std::string container, std::string exec) {
  const auto state = co_await docker::inspect_exec(client_, exec);
  if (!state || !state->running) co_return;
  if (hung_probes_.size() >= kMaxHung) hung_probes_.clear();
  hung_probes_[container] = exec;
  if (!kill_container_process(state->process, container))
    spdlog::debug("container {}: a probe's command outlives its time and cannot be killed from here", container);
}

net::Task<Result<v1::ProbeReply>> DockerEngine::probe_instance(v1::ProbeRequest request) {
  CO_TRY_ASSIGN(const docker::ContainerDetails details, co_await instance_details(request.instance()));
  CO_TRY(check_probe(request.probe(), port_of(details.labels)));
  const InstanceKey key = key_of(request.instance());
  const v1::Instance instance = to_instance(details, key);
  if (instance.state() != "running")
    co_return fail(Code::kNotFound, fmt::format("{} does not run: it is {}", short_name(key), instance.state()));
  const std::int64_t seconds = request.probe().timeout_seconds();
  std::chrono::milliseconds limit = kProbeAttempt;
  if (seconds > 0) limit = std::min<std::chrono::milliseconds>(std::chrono::seconds(seconds), kLongestProbe);
  const ProbeTarget target{details.id, instance.address(), instance.port()};
  const auto abort = std::make_shared<ProbeAbort>();
  const Result<ProbeAttempt> made = co_await attempt(target, request.probe(), limit, abort);
  // It ended in between.
  if (!made && (made.error().code == Code::kAborted || made.error().code == Code::kNotFound))
    co_return fail(Code::kNotFound, short_name(key) + " does not run any more");
  if (!made) co_return std::unexpected(made.error());
  v1::ProbeReply reply;
  reply.set_well(made->well);
  reply.set_detail(made->detail);
  reply.set_running_ms(std::max<std::int64_t>(SystemClock().now_ms() - details.started_at_ms, 0));
  co_return reply;
}

}  // namespace paastech::pomegranate
