#include "api/http/event_answer.h"

#include "api/problem.h"

namespace paastech::api {
namespace {

using namespace std::chrono_literals;
constexpr auto kHeartbeat = 15s;  // under the 60 s after which proxies drop a silent connection

// Tells the producer, however the answer ends.
class Leave {
 public:
  Leave(std::shared_ptr<EventQueue> queue, std::function<void()> action)
      : queue_(std::move(queue)), action_(std::move(action)) {}
  ~Leave() {
    queue_->abandon();
    if (action_) action_();
  }
  Leave(const Leave&) = delete;
  Leave& operator=(const Leave&) = delete;

 private:
  std::shared_ptr<EventQueue> queue_;
  std::function<void()> action_;
};

}  // namespace

std::string error_event(const Error& error, const std::string& request_id) {
  return "event: error\ndata: " + problem_json(error, request_id) + "\n\n";
}

net::Task<Result<Answer>> send_events(CallPtr call, std::shared_ptr<EventQueue> queue, std::function<void()> on_leave) {
  Leave leave(queue, std::move(on_leave));
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
  while (begun) {
    std::optional<std::string> events = co_await queue->take(kHeartbeat);
    if (!events) break;
    std::string chunk = events->empty() ? std::string(": still here\n\n") : std::move(*events);
    begun = co_await call->writer->write(std::move(chunk));
  }
  if (begun) begun = co_await call->writer->finish();
  co_return Answer();
}

}  // namespace paastech::api
