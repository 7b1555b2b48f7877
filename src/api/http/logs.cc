// What a Project's Instances and Deployments print, from the log store.
#include <charconv>

#include "api/http/event_answer.h"
#include "api/log_events.h"
#include "base/rfc3339.h"

namespace paastech::api {
namespace {

constexpr std::int64_t kMaxLines = 10'000;

// "15m" before now, or a time; 0 where nothing is asked. The contract has held the text to either form.
Result<std::int64_t> since_ns(const std::string& text, std::int64_t now_ms) {
  if (text.empty()) return 0;
  if (const std::optional<std::int64_t> time = parse_rfc3339_ns(text)) return *time;
  std::int64_t count = 0;
  const auto [unit, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view rest(unit, static_cast<std::size_t>(text.data() + text.size() - unit));
  const std::int64_t seconds = rest == "s" ? 1 : rest == "m" ? 60 : rest == "h" ? 3'600 : rest == "d" ? 86'400 : 0;
  if (error != std::errc() || seconds == 0 || count > 1'000'000)
    return fail(Code::kInvalidArgument, "query parameter `since` is neither a time nor a duration",
                "write 2026-01-31T12:00:00Z, or 90s, 15m, 2h, 7d for so long before now");
  return std::max<std::int64_t>(now_ms - count * seconds * 1'000, 0) * 1'000'000;
}

// An EventSource of a browser that lost its connection sends the id of the last event it had.
Result<std::optional<std::uint64_t>> cursor_of(const Call& call) {
  std::optional<std::string> text = call.request.headers.find("Last-Event-ID");
  if (!text && call.query.has("cursor")) text = call.query.text("cursor");
  if (!text) return std::nullopt;
  std::uint64_t sequence = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), sequence);
  if (error != std::errc() || end != text->data() + text->size())
    return fail(Code::kInvalidArgument, "the cursor must be the sequence of a line");
  return sequence;
}

Result<LogQuery> query_of(Call& call) {
  const Query& asked = call.query;
  LogQuery query;
  query.project = call.project.id;
  TRY_ASSIGN(const std::int64_t lines, asked.number("lines", 100, 0, kMaxLines));
  query.lines = static_cast<std::size_t>(lines);
  TRY_ASSIGN(const std::int64_t deployment, asked.number("deployment", 0, 1, INT64_MAX));
  TRY_ASSIGN(const std::int64_t since, since_ns(asked.text("since"), call.context().clock.now_ms()));
  TRY_ASSIGN(query.filter, logs::LogFilter::make(since, asked.text("process"), deployment, asked.text("grep")));
  TRY_ASSIGN(query.after, cursor_of(call));
  return query;
}

net::Task<Result<Answer>> show_logs(CallPtr call) {
  CO_TRY_ASSIGN(const bool follow, call->query.flag("follow"));
  CO_TRY_ASSIGN(LogQuery query, query_of(*call));
  controller::LogBook& book = call->context().book;
  if (follow) {
    CO_TRY(admit_reader(*call));
    auto events = std::make_shared<LogEvents>(book, std::move(query), call->request.id);
    Result<Answer> sent = co_await send_events(call, std::move(events));
    co_return sent;
  }
  CO_TRY_ASSIGN(LogsSoFar so_far, co_await logs_so_far(&book, std::move(query)));
  net::HttpResponse response;
  response.headers.add("Content-Type", "application/json");
  response.body = "{\"items\":[" + so_far.text + "]";
  if (so_far.missed > 0) response.body += ",\"missed\":" + std::to_string(so_far.missed);
  response.body += '}';
  co_return response;
}

}  // namespace

void add_log_routes(std::vector<Route>& routes) {
  routes.push_back({{"GET", "/api/v1/projects/{project}/logs", Permission::kProjectRead},
                    show_logs,
                    BodyKind::kNone,
                    {"cursor", "deployment", "follow", "grep", "lines", "process", "since"}});
}

}  // namespace paastech::api
