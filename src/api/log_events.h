#pragma once
// A Project's lines for an answer: those that are there, and as events for as long as somebody reads. A reader holds a
// place in the store and nothing of the store: while nothing comes it waits for the Project's news, and one that is
// slower than the lines is behind in the store only. Thread: the control-plane loop.
#include "api/events.h"
#include "api/log_text.h"
#include "controller/log_book.h"
#include "logs/log_reader.h"

namespace paastech::api {

inline constexpr std::size_t kMaxLogBytes = 4 << 20;  // of lines that are there already, in one answer

struct LogQuery {
  std::string project = {};  // uuid
  logs::LogFilter filter = {};
  std::size_t lines = 100;                  // at most, of those that are there already
  std::optional<std::uint64_t> after = {};  // a sequence: not the newest ones but those that come after it
};

struct LogsSoFar {
  std::string text = {};  // JSON objects with commas between them
  std::uint64_t missed = 0;
};
// kNotFound where the Project is being deleted.
net::Task<Result<LogsSoFar>> logs_so_far(controller::LogBook* book, LogQuery query);

// With `after` all that come after it, else the newest ones first; then what comes. A stretch that the store has not
// any more is told by an event `gap`; the end of the Project by an event `error`.
class LogEvents final : public EventSource, public std::enable_shared_from_this<LogEvents> {
 public:
  LogEvents(controller::LogBook& book, LogQuery query, std::string request_id);
  net::Task<std::optional<std::string>> take(std::chrono::milliseconds timeout) override;
  void wake() override;
  void abandon() override { ended_ = true; }

 private:
  struct Read {
    std::string events = {};
    bool more = true;
    bool deleted = false;
  };
  net::Task<Read> begin();
  net::Task<Read> go_on();

  controller::LogBook& book_;
  LogQuery query_;
  std::string request_id_;
  std::shared_ptr<controller::LogNews> news_;
  std::optional<logs::LogFollower> follower_;
  bool ended_ = false;
  bool woken_ = false;
};

}  // namespace paastech::api
