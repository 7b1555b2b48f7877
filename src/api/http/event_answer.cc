#include "api/http/event_answer.h"

#include <algorithm>

#include "api/origin.h"
#include "api/problem.h"
#include "store/members.h"

namespace paastech::api {
namespace {

using namespace std::chrono_literals;
// Under the 60 s after which proxies drop a silent connection; and how long a stream outlives its reader's right.
constexpr std::chrono::milliseconds kHeartbeat = 15s;

// What was asked for when the stream began, asked once more of what is stored now.
Status may_still_read(store::Tx& tx, const std::string& token, const Actor& asked, const store::ProjectRow& project,
                      Permission permission, const AccountOptions& options, std::int64_t now) {
  Result<store::TokenRow> row = store::find_token(tx, token);
  if (!row && row.error().code != Code::kNotFound) return std::unexpected(row.error());
  if (!row || has_ended(*row, now)) return fail(Code::kUnauthenticated, "this login has ended", "log in again");
  TRY_ASSIGN(store::ClientRow client, store::find_client(tx, row->client_id));
  Resource resource = Resource::missing_project(project.name);
  Result<store::ProjectRow> stored = store::find_project(tx, project.id);
  if (!stored && stored.error().code != Code::kNotFound) return std::unexpected(stored.error());
  if (stored) {
    TRY_ASSIGN(const Role role, store::role_in(tx, *stored, client.id));
    resource = Resource::project(stored->id, role, project.name);
  }
  Actor actor = actor_of(Identity{std::move(client), std::move(*row)}, options);
  actor.local = asked.local;
  return allow(actor, permission, resource);
}

// Where the database does not answer the stream goes on, until the next time.
net::Task<Status> check_reader(CallPtr call) {
  if (!call->identity) co_return Status{};
  Context& context = call->context();
  auto ask = [call, options = context.accounts, now = context.clock.now_ms()](store::Tx& tx) {
    return may_still_read(tx, call->identity->token.hash, call->actor, call->project, call->route->permission, options,
                          now);
  };
  Status allowed = co_await context.database.read(std::move(ask));
  if (allowed) co_return allowed;
  const Code code = allowed.error().code;
  if (code == Code::kUnauthenticated || code == Code::kPermissionDenied || code == Code::kNotFound) co_return allowed;
  spdlog::warn("asking again who reads a stream: {}", allowed.error().message);
  co_return Status{};
}

// Tells the source, however the answer ends.
class Leave {
 public:
  explicit Leave(std::shared_ptr<EventSource> source) : source_(std::move(source)) {}
  ~Leave() { source_->abandon(); }
  Leave(const Leave&) = delete;
  Leave& operator=(const Leave&) = delete;

 private:
  std::shared_ptr<EventSource> source_;
};

}  // namespace

std::string error_event(const Error& error, const std::string& request_id) {
  return "event: error\ndata: " + problem_json(error, request_id) + "\n\n";
}

Status admit_reader(const Call& call) {
  if (call.request.headers.find("Authorization")) return {};
  return Site(call.services.context.address.api_url).refuse_foreign(call.request);
}

net::Task<Result<Answer>> send_events(CallPtr call, std::shared_ptr<EventSource> source) {
  Leave leave(source);
  net::Headers headers;
  headers.add("Content-Type", "text/event-stream");
  headers.add("X-Accel-Buffering", "no");  // nginx would hold events back
  add_security_headers(headers);
  if (call->request.method == "HEAD") {
    net::HttpResponse head;
    head.headers.add("Content-Type", "text/event-stream");
    co_return head;
  }
  call->streamed_status = 200;
  Status begun = co_await call->writer->start(200, headers);
  const Clock& clock = call->context().clock;
  OpenStreams::Place place(call->services.streams, call->actor.client_id, source);
  std::int64_t checked = clock.steady_ms();
  while (begun) {
    const std::chrono::milliseconds since(clock.steady_ms() - checked);
    std::optional<std::string> events = co_await source->take(std::clamp(kHeartbeat - since, 1ms, kHeartbeat));
    if (!events) break;
    const bool asked = place.take_asked();
    if (asked || events->empty() || clock.steady_ms() - checked >= kHeartbeat.count()) {
      checked = clock.steady_ms();
      Status allowed = co_await check_reader(call);
      if (!allowed) {
        std::string last = error_event(allowed.error(), call->request.id);
        begun = co_await call->writer->write(std::move(last));
        break;
      }
    }
    std::string chunk = events->empty() ? std::string(": still here\n\n") : std::move(*events);
    begun = co_await call->writer->write(std::move(chunk));
  }
  if (begun) begun = co_await call->writer->finish();
  co_return Answer();
}

}  // namespace paastech::api
