#include "api/log_events.h"

#include "api/http/event_answer.h"

namespace paastech::api {
namespace {

using std::chrono::steady_clock;

logs::LogRender as_events() {
  return [text = LogText()](const logs::LogLine& line, std::string& out) mutable { text.event(line, out); };
}

logs::LogRender as_items() {
  return [text = LogText()](const logs::LogLine& line, std::string& out) mutable {
    if (!out.empty()) out += ',';
    text.json(line, out);
  };
}

std::string gap_event(std::uint64_t missed) {
  return event_text("gap", {{"missed", static_cast<std::int64_t>(missed)}});
}

// The newest lines, read piece by piece; null: the Project is being deleted.
using Tail = std::shared_ptr<std::optional<logs::TailReader>>;
net::Task<Tail> read_tail(controller::LogBook* book, LogQuery query, logs::LogRender render) {
  const auto tail = std::make_shared<std::optional<logs::TailReader>>();
  const std::string project = query.project;
  while (true) {
    auto step = [tail, query, render](logs::ProjectLog* log) -> std::optional<bool> {
      if (log == nullptr) return std::nullopt;
      if (!*tail) tail->emplace(*log, query.filter, render, query.lines, kMaxLogBytes);
      return (*tail)->step(*log);
    };
    const std::optional<bool> more = co_await book->read(project, std::move(step));
    if (!more) co_return nullptr;
    if (!*more) co_return tail;
  }
}

net::Task<Result<LogsSoFar>> logs_after(controller::LogBook* book, LogQuery query) {
  const auto follower = std::make_shared<logs::LogFollower>(query.filter, as_items(), logs::LogPosition{*query.after});
  LogsSoFar out;
  std::size_t left = query.lines;
  for (bool more = true; more && left > 0 && out.text.size() < kMaxLogBytes;) {
    auto step = [follower, left](logs::ProjectLog* log) {
      return log == nullptr ? std::nullopt : std::optional(follower->step(*log, left));
    };
    const std::optional<logs::LogFollower::Piece> piece = co_await book->read(query.project, std::move(step));
    if (!piece) co_return fail(Code::kNotFound, "the project has been deleted");
    if (!out.text.empty() && !piece->text.empty()) out.text += ',';
    out.text += piece->text;
    out.missed += piece->missed;
    left -= piece->lines;
    more = piece->more;
  }
  co_return out;
}

}  // namespace

net::Task<Result<LogsSoFar>> logs_so_far(controller::LogBook* book, LogQuery query) {
  if (query.after) {
    Result<LogsSoFar> after = co_await logs_after(book, std::move(query));
    co_return after;
  }
  const Tail tail = co_await read_tail(book, std::move(query), as_items());
  if (!tail) co_return fail(Code::kNotFound, "the project has been deleted");
  LogsSoFar out;
  for (const std::string& item : (*tail)->lines()) {
    if (!out.text.empty()) out.text += ',';
    out.text += item;
  }
  co_return out;
}

LogEvents::LogEvents(controller::LogBook& book, LogQuery query, std::string request_id)
    : book_(book), query_(std::move(query)), request_id_(std::move(request_id)), news_(book.news(query_.project)) {}

net::Task<LogEvents::Read> LogEvents::begin() {
  Read out;
  logs::LogPosition from;
  if (query_.after) {
    from.sequence = *query_.after;
  } else {
    const Tail tail = co_await read_tail(&book_, query_, as_events());
    if (!tail) co_return Read{.deleted = true};
    for (const std::string& event : (*tail)->lines()) out.events += event;
    from = (*tail)->end();
  }
  follower_.emplace(std::move(query_.filter), as_events(), from);
  co_return out;
}

net::Task<LogEvents::Read> LogEvents::go_on() {
  // Held by the job too, which may outlive a coroutine that is destroyed.
  auto step = [self = shared_from_this()](logs::ProjectLog* log) {
    return log == nullptr ? std::nullopt : std::optional(self->follower_->step(*log));
  };
  std::optional<logs::LogFollower::Piece> piece = co_await book_.read(query_.project, std::move(step));
  if (!piece) co_return Read{.deleted = true};
  Read out{.events = std::move(piece->text), .more = piece->more};
  if (piece->missed > 0) out.events.insert(0, gap_event(piece->missed));
  co_return out;
}

void LogEvents::wake() {
  woken_ = true;
  news_->changed.notify();
}

net::Task<std::optional<std::string>> LogEvents::take(std::chrono::milliseconds timeout) {
  const steady_clock::time_point limit = steady_clock::now() + timeout;
  while (!ended_) {
    const std::uint64_t version = news_->version;
    Read read;
    if (follower_)
      read = co_await go_on();
    else
      read = co_await begin();
    if (read.deleted) {
      ended_ = true;
      co_return error_event({Code::kNotFound, "the project has been deleted"}, request_id_);
    }
    if (!read.events.empty()) co_return std::move(read.events);
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(limit - steady_clock::now());
    if (left.count() <= 0 || std::exchange(woken_, false)) co_return std::string();
    if (!read.more && version == news_->version) co_await news_->changed.wait(left);
  }
  co_return std::nullopt;
}

}  // namespace paastech::api
