#include "api/audit.h"

#include <fmt/format.h>

#include <deque>

#include "api/audited.h"
#include "api/text_out.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/rate_limit.h"
#include "rpc/status.h"

namespace paastech::api {
namespace {

constexpr std::int64_t kMinuteMs = 60'000;
constexpr std::size_t kRefusalsOfAClient = 30;
constexpr std::size_t kRefusalsOfNobody = 60;  // about 25 MB a day at most
constexpr std::size_t kWaiting = 256;
constexpr std::size_t kBatch = 64;
constexpr int kSweepRows = 1'000;  // in one transaction, so that others get their turn

// What the path names beside the Project.
std::string object_of(const Call& call) {
  std::string out;
  for (const auto& [name, value] : call.parameters)
    if (name != "project") out += (out.empty() ? "" : " ") + safe_line(value);
  return out;
}

store::AuditRow row_of(const Call& call) {
  store::AuditRow row;
  if (call.identity) {
    row.actor_id = call.identity->client.id;
    row.actor = call.identity->client.username;
    row.token_id = call.identity->token.id;
  } else if (call.tried) {
    row.actor_id = call.tried->id;
    row.actor = call.tried->username;
  }
  row.address = call.address.empty() ? call.request.peer : call.address;
  row.action = call.route->action;
  // A Project's members do not read of strangers who only tried its name.
  const bool inside = call.resource.role != Role::kNone || call.actor.administrator || call.resource.asked_for.empty();
  if (inside) row.project_id = call.project.id;
  // Nor does a stranger read, in its own log, which name a uuid stands for.
  const bool named = inside && !call.project.name.empty();
  row.project = named ? call.project.name : safe_line(call.resource.asked_for);
  row.object = call.object.empty() ? object_of(call) : safe_line(call.object);
  return row;
}

}  // namespace

struct Audit::State {
  explicit State(Context& services)
      : context(services),
        by_client(services.clock, kRefusalsOfAClient, kMinuteMs),
        anonymous(services.clock, kRefusalsOfNobody, kMinuteMs) {}
  void stamp(store::AuditRow& row);
  static void write_later(std::shared_ptr<State> state, store::AuditRow row);
  static net::Task<void> write_waiting(std::shared_ptr<State> state);

  Context& context;
  RateLimit by_client;
  RateLimit anonymous;
  std::deque<store::AuditRow> waiting = {};
  bool writing = false;
  std::int64_t left_out = 0;  // refusals, since one was written
  std::int64_t last_at = 0;
  std::uint32_t count = 0;  // rows of that millisecond
};

Audit::Audit(Context& context) : state_(std::make_shared<State>(context)) {}

void Audit::State::stamp(store::AuditRow& row) {
  row.at = context.clock.now_ms();
  count = row.at == last_at ? count + 1 : 0;
  last_at = row.at;
  row.id = store::audit_key(row.at) + fmt::format("{:06x}", count & 0xffffff) + hex(random_bytes(7));
}

net::Task<void> Audit::made(store::AuditRow row) {
  const std::shared_ptr<State> state = state_;
  row.result = "ok";
  state->stamp(row);
  auto insert = [row](store::Tx& tx) { return store::insert_audit(tx, row); };
  Status written = co_await state->context.database.write(std::move(insert));
  if (written) co_return;
  spdlog::error("audit log: {} by {} ({}) from {} on {} {} is not written yet: {}", row.action, row.actor, row.actor_id,
                row.address, row.project, row.object, written.error().message);
  State::write_later(state, std::move(row));
}

void Audit::refused(store::AuditRow row) {
  State& state = *state_;
  const std::int64_t wait = row.actor_id.empty() ? state.anonymous.admit("") : state.by_client.admit(row.actor_id);
  if (wait > 0 || state.waiting.size() >= kWaiting) {
    ++state.left_out;
    return;
  }
  if (state.left_out > 0) spdlog::warn("audit log: {} refusals were left out, there were too many", state.left_out);
  state.left_out = 0;
  state.stamp(row);
  State::write_later(state_, std::move(row));
}

void Audit::State::write_later(std::shared_ptr<State> state, store::AuditRow row) {
  state->waiting.push_back(std::move(row));
  if (!std::exchange(state->writing, true)) state->context.tasks.spawn("audit log", write_waiting(state));
}

net::Task<void> Audit::State::write_waiting(std::shared_ptr<State> state) {
  while (!state->waiting.empty()) {
    std::vector<store::AuditRow> batch;
    for (; !state->waiting.empty() && batch.size() < kBatch; state->waiting.pop_front())
      batch.push_back(std::move(state->waiting.front()));
    auto insert = [batch](store::Tx& tx) -> Status {
      for (const store::AuditRow& row : batch) TRY(store::insert_audit(tx, row));
      return {};
    };
    Status written = co_await state->context.database.write_at_last(std::move(insert));
    if (!written) spdlog::error("audit log: {} rows are lost: {}", batch.size(), written.error().message);
  }
  state->writing = false;
}

void note_refusal(Call& call, const Error& error) {
  if (call.route == nullptr || call.route->action.empty() || std::exchange(call.audited, true)) return;
  store::AuditRow row = row_of(call);
  const bool policy = error.code == Code::kUnauthenticated || error.code == Code::kPermissionDenied ||
                      (error.code == Code::kNotFound && !call.begun);
  // What nobody in particular sends badly formed, or again and again, was no attempt at anything.
  if (row.actor_id.empty() && !policy) return;
  row.result = policy ? "denied" : "failed";
  row.detail = call.refusal_code.empty() ? std::string(code_name(error.code)) : call.refusal_code;
  call.services.audit.refused(std::move(row));
}

net::Task<Result<Answer>> audited(const Route* route, CallPtr call) {
  call->begun = true;
  Result<Answer> answer = fail(Code::kInternal, "the change ended without an answer");
  try {
    answer = co_await route->handler(call);
  } catch (const std::exception& e) {
    answer = std::unexpected(rpc::from_exception(e));
  }
  if (!answer) {
    note_refusal(*call, answer.error());
  } else if (*answer && (*answer)->status >= 400) {  // a page that says so
    note_refusal(*call, Error{code_from_http((*answer)->status), ""});
  } else if (!route->info.action.empty() && !std::exchange(call->audited, true)) {
    store::AuditRow row = row_of(*call);
    co_await call->services.audit.made(std::move(row));
  }
  co_return answer;
}

net::Task<void> sweep_audit(Context& context, int keep_days) {
  while (true) {
    const std::int64_t before = context.clock.now_ms() - keep_days * kDayMs;
    auto remove = [before](store::Tx& tx) { return store::delete_audit(tx, before, kSweepRows); };
    Result<std::int64_t> removed = co_await context.database.write(std::move(remove));
    if (removed && *removed == kSweepRows) continue;
    if (!removed) spdlog::warn("audit log: taking away what is old: {}", removed.error().message);
    Status slept = co_await net::sleep_for(std::chrono::milliseconds(kDayMs));
    if (!slept) co_return;
  }
}

}  // namespace paastech::api
