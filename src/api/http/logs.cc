// The output of a Project's Instances, from pomegranate.
#include <deque>

#include "api/events.h"
#include "api/http/event_answer.h"
#include "api/text_out.h"
#include "api/views.h"
#include "rpc/client.h"

namespace paastech::api {
namespace {

using namespace std::chrono_literals;
using LogStream = rpc::ReadStream<engine::LogLine>;

constexpr std::int64_t kMaxLines = 10'000;
constexpr std::size_t kMaxBytes = 4 << 20;  // of an answer that is not followed: older lines go first

boost::json::object to_json(const engine::LogLine& line) {
  return {{"instance", safe_line(line.instance())},
          {"deployment", line.deployment()},
          {"stream", line.stream()},
          {"at", rfc3339(line.at_ns() / 1'000'000)},
          {"text", safe_text(line.text())}};
}

engine::LogsRequest request_of(const std::string& project, std::int64_t lines, bool follow) {
  engine::LogsRequest request;
  request.set_project(project);
  request.set_follow(follow);
  request.set_tail(lines == 0 ? -1 : static_cast<std::int32_t>(lines));
  return request;
}

net::Task<void> produce_logs(std::string request_id, std::shared_ptr<LogStream> stream,
                             std::shared_ptr<EventQueue> queue) {
  FinishAtEnd finish(queue);
  while (!queue->abandoned()) {
    Result<std::optional<engine::LogLine>> line = co_await stream->next();
    if (line && !*line) co_return;
    std::string event = line ? event_text("log", to_json(**line)) : error_event(line.error(), request_id);
    bool wanted = co_await queue->push(std::move(event));
    if (!wanted || !line) co_return;
  }
}

net::Task<Result<Answer>> follow_logs(CallPtr call, std::int64_t lines) {
  CO_TRY(admit_reader(*call));
  Context& context = call->context();
  auto queue = std::make_shared<EventQueue>(context.tasks.executor());
  const engine::LogsRequest request = request_of(call->project.id, lines, true);
  auto stream =
      std::make_shared<LogStream>(context.pomegranate.async(), &engine::Pomegranate::Stub::async::Logs, request);
  context.tasks.spawn("logs", produce_logs(call->request.id, stream, queue));
  // Waiting for a line ends by cancelling the call, not by cancelling the task.
  std::function<void()> stop = [stream] { stream->cancel(); };
  Result<Answer> sent = co_await send_events(call, queue, std::move(stop));
  co_return sent;
}

net::Task<Result<Answer>> show_logs(CallPtr call) {
  CO_TRY_ASSIGN(std::int64_t lines, call->query.number("lines", 100, 0, kMaxLines));
  CO_TRY_ASSIGN(bool follow, call->query.flag("follow"));
  if (follow) {
    Result<Answer> followed = co_await follow_logs(call, lines);
    co_return followed;
  }
  const engine::LogsRequest request = request_of(call->project.id, lines, false);
  LogStream stream(call->context().pomegranate.async(), &engine::Pomegranate::Stub::async::Logs, request, 30s);
  std::deque<boost::json::object> newest;
  std::size_t bytes = 0;
  while (true) {
    CO_TRY_ASSIGN(std::optional<engine::LogLine> line, co_await stream.next());
    if (!line) break;
    newest.push_back(to_json(*line));
    bytes += newest.back().at("text").get_string().size();
    while (static_cast<std::int64_t>(newest.size()) > lines || bytes > kMaxBytes) {
      bytes -= newest.front().at("text").get_string().size();
      newest.pop_front();
    }
  }
  boost::json::array list;
  for (boost::json::object& line : newest) list.push_back(std::move(line));
  co_return json_answer(200, items(std::move(list)));
}

}  // namespace

void add_log_routes(std::vector<Route>& routes) {
  routes.push_back({{"GET", "/api/v1/projects/{project}/logs", Permission::kProjectRead},
                    show_logs,
                    BodyKind::kNone,
                    {"follow", "lines"}});
}

}  // namespace paastech::api
