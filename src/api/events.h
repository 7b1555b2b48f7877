#pragma once
// Server-sent events (HTML Standard, section 9.2), and a queue between a task that makes them and the answer that sends
// them. While nothing comes, a comment every 15 s shows that both ends live. Thread: the control-plane loop.
#include <memory>
#include <optional>
#include <string>

#include <boost/json.hpp>

#include "net/task.h"

namespace paastech::api {

std::string event_text(std::string_view event, const boost::json::object& data);

// Where the events of an answer come from.
class EventSource {
 public:
  virtual ~EventSource() = default;
  // Those that lie ready, joined; empty after the timeout; nullopt once no more will come.
  virtual net::Task<std::optional<std::string>> take(std::chrono::milliseconds timeout) = 0;
  virtual void wake() = 0;     // a take() that waits comes back, with nothing if nothing is there
  virtual void abandon() = 0;  // nobody reads any more
};

class EventQueue final : public EventSource {
 public:
  explicit EventQueue(net::Executor executor) : changed_(executor), space_(executor) {}
  // Waits while 256 KiB lie unsent. False: nobody reads any more.
  net::Task<bool> push(std::string event);
  void finish();  // no more will come
  void wake() override { changed_.notify(); }
  void abandon() override;
  bool abandoned() const { return abandoned_; }
  net::Task<std::optional<std::string>> take(std::chrono::milliseconds timeout) override;

 private:
  std::string ready_;
  bool finished_ = false;
  bool abandoned_ = false;
  net::Notifier changed_;
  net::Notifier space_;
};

// Finishes the queue however its producer ends.
class FinishAtEnd {
 public:
  explicit FinishAtEnd(std::shared_ptr<EventQueue> queue) : queue_(std::move(queue)) {}
  ~FinishAtEnd() { queue_->finish(); }
  FinishAtEnd(const FinishAtEnd&) = delete;
  FinishAtEnd& operator=(const FinishAtEnd&) = delete;

 private:
  std::shared_ptr<EventQueue> queue_;
};

}  // namespace paastech::api
