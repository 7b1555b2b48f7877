// The terminal output of a Deployment: followed as server-sent events, or the text so far.
#include "api/events.h"
#include "api/http/deployment_number.h"
#include "api/http/event_answer.h"
#include "api/problem.h"
#include "api/text_out.h"

namespace paastech::api {
namespace {

constexpr std::size_t kMaxEvents = 64 << 10;  // handed on at once; the queue waits between them where nobody reads

// Event `line` for each line from the first, then `result` once the Deployment is live or final.
net::Task<Status> follow_lines(CallPtr call, std::int64_t number, std::shared_ptr<EventQueue> queue) {
  controller::Controller& controller = call->context().controller;
  const std::string project = call->project.id;
  CO_TRY_ASSIGN(std::unique_ptr<controller::Follower> follower, co_await controller.follow(project, number));
  while (true) {
    std::vector<std::string> lines = co_await follower->next();
    if (lines.empty()) break;
    std::string events;
    for (const std::string& line : lines) {
      boost::json::object data;
      data["text"] = valid_utf8(line);
      events += event_text("line", data);
      if (events.size() < kMaxEvents) continue;
      std::string full = std::exchange(events, {});
      bool read = co_await queue->push(std::move(full));
      if (!read) co_return Status{};
    }
    bool wanted = co_await queue->push(std::move(events));
    if (!wanted) co_return Status{};
  }
  CO_TRY(co_await controller.wait(project, number));
  CO_TRY_ASSIGN(DeploymentView view, co_await read_deployment(call, number));
  std::string result = event_text("result", to_json(view, call->project, call->context().address));
  [[maybe_unused]] bool wanted = co_await queue->push(std::move(result));
  co_return Status{};
}

net::Task<void> produce_lines(CallPtr call, std::int64_t number, std::shared_ptr<EventQueue> queue) {
  FinishAtEnd finish(queue);
  Status done = co_await follow_lines(call, number, queue);
  if (done) co_return;
  std::string event = error_event(done.error(), call->request.id);
  [[maybe_unused]] bool wanted = co_await queue->push(std::move(event));
}

net::Task<Result<Answer>> show_log(CallPtr call) {
  CO_TRY_ASSIGN(std::int64_t number, deployment_number(*call));
  CO_TRY(co_await read_deployment(call, number));
  const std::string accept = call->request.headers.find("Accept").value_or("");
  const bool plain =
      accept.find("text/plain") != std::string::npos && accept.find("text/event-stream") == std::string::npos;
  if (plain) {
    net::HttpResponse response;
    response.headers.add("Content-Type", "text/plain; charset=utf-8");
    auto read = [&log = call->context().log, project = call->project.id, number] {
      return valid_utf8(log.text(project, number));
    };
    std::string text = co_await call->context().database.beside(std::move(read));
    response.body = std::move(text);
    co_return response;
  }
  CO_TRY(admit_reader(*call));
  auto queue = std::make_shared<EventQueue>(call->context().tasks.executor());
  call->context().tasks.spawn("deployment log", produce_lines(call, number, queue));
  Result<Answer> sent = co_await send_events(call, queue);
  co_return sent;
}

}  // namespace

void add_deployment_log_routes(std::vector<Route>& routes) {
  routes.push_back(
      {{"GET", "/api/v1/projects/{project}/deployments/{number}/log", Permission::kProjectRead}, show_log});
}

}  // namespace paastech::api
