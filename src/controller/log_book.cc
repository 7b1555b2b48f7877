#include "controller/log_book.h"

#include <spdlog/spdlog.h>

#include "base/text.h"

namespace paastech::controller {
namespace {

constexpr std::size_t kMaxPending = 8 << 20;  // bytes of lines of ours that wait for the disk; beyond, they are dropped

void append_batch(logs::LogStore& store, const engine::LogBatch& batch, std::int64_t now_ms) {
  const engine::Instance& instance = batch.instance();
  const std::shared_ptr<logs::ProjectLog> log = store.project(instance.project());
  if (!log) return;
  std::vector<logs::LogEntry> entries;
  entries.reserve(static_cast<std::size_t>(batch.entries_size()));
  for (const engine::LogEntry& entry : batch.entries())
    entries.push_back({entry.at_ns(), entry.error_stream(), entry.text()});
  log->append({instance.process(), instance.name(), instance.deployment(), instance.id()}, entries, now_ms);
}

}  // namespace

net::Task<void> LogBook::append(engine::LogBatch batch) {
  if (batch.entries().empty()) co_return;
  const std::string project = batch.instance().project();
  auto work = [&store = store_, batch = std::move(batch), now = clock_.now_ms()] {
    append_batch(store, batch, now);
    return true;
  };
  [[maybe_unused]] const bool done = co_await appends_.run(std::move(work));
  tell(project);
}

void LogBook::add(const std::string& project, std::int64_t deployment, std::string_view process,
                  std::string_view lines) {
  if (pending_bytes_ > kMaxPending) {
    spdlog::warn("lines of deployment {} of {} are not kept: the disk is too slow", deployment, project);
    return;
  }
  pending_.push_back({project, deployment, std::string(process), std::string(lines), clock_.now_ms()});
  pending_bytes_ += lines.size() + sizeof(Pending);
  if (!std::exchange(writing_, true)) tasks_.spawn("log lines", write_pending());
}

net::Task<void> LogBook::write_pending() {
  while (!pending_.empty()) {
    pending_bytes_ = 0;
    auto work = [&store = store_, pending = std::exchange(pending_, {})] {
      std::set<std::string> projects;
      for (const Pending& one : pending) {
        const std::shared_ptr<logs::ProjectLog> log = store.project(one.project);
        if (!log) continue;
        const std::vector<std::string> texts = split(one.lines, '\n');
        std::vector<logs::LogEntry> entries;
        entries.reserve(texts.size());
        for (const std::string& text : texts) entries.push_back({one.at_ms * 1'000'000, false, text});
        log->append({one.process, one.process, one.deployment}, entries, one.at_ms);
        projects.insert(one.project);
      }
      return projects;
    };
    const std::set<std::string> projects = co_await appends_.run(std::move(work));
    for (const std::string& project : projects) tell(project);
  }
  writing_ = false;
}

net::Task<std::map<std::string, logs::LogCursor>> LogBook::cursors(Present present) {
  auto work = [&store = store_, present = std::move(present), now = clock_.now_ms()] {
    std::map<std::string, logs::LogCursor> out;
    for (const auto& [project, ids] : present) {
      const std::shared_ptr<logs::ProjectLog> log = store.project(project);
      if (!log) continue;
      for (auto& [id, cursor] : log->cursors())
        if (ids.contains(id)) out.emplace(id, cursor);
      log->keep_cursors(ids, now);
    }
    return out;
  };
  std::map<std::string, logs::LogCursor> found = co_await appends_.run(std::move(work));
  co_return found;
}

net::Task<void> LogBook::keep_house(Present present) {
  auto work = [&store = store_, present = std::move(present), now = clock_.now_ms()] {
    store.expire(now);
    static const std::set<std::string> nobody;
    for (const std::string& project : store.open_projects()) {
      const auto ids = present.find(project);
      if (const auto log = store.project(project)) log->keep_cursors(ids == present.end() ? nobody : ids->second, now);
    }
    return true;
  };
  [[maybe_unused]] const bool done = co_await appends_.run(std::move(work));
}

net::Task<void> LogBook::remove(std::string project) {
  auto work = [&store = store_, project] {
    store.remove(project);
    return true;
  };
  [[maybe_unused]] const bool done = co_await appends_.run(std::move(work));
  tell(project);
}

std::shared_ptr<LogNews> LogBook::news(const std::string& project) {
  std::weak_ptr<LogNews>& slot = news_[project];
  std::shared_ptr<LogNews> news = slot.lock();
  if (news) return news;
  news = std::make_shared<LogNews>(tasks_.executor());
  slot = news;
  if (news_.size() >= purge_at_) {
    std::erase_if(news_, [](const auto& entry) { return entry.second.expired(); });
    purge_at_ = 2 * news_.size() + 64;
  }
  return news;
}

void LogBook::tell(const std::string& project) {
  const auto found = news_.find(project);
  if (found == news_.end()) return;
  const std::shared_ptr<LogNews> news = found->second.lock();
  if (!news) return;
  ++news->version;
  news->changed.notify();
}

}  // namespace paastech::controller
