#include "controller/feed.h"

#include "base/text.h"

namespace paastech::controller {
namespace {
constexpr std::size_t kMaxBytes = 2 << 20;    // in memory while the Deployment runs, two builds at a time
constexpr std::size_t kMaxLineBytes = 4'096;  // a longer line is cut
}  // namespace

Feed::Feed(net::Executor executor, const logs::DeploymentLog& log, std::string project, std::int64_t number)
    : log_(log), project_(std::move(project)), number_(number), changed_(std::move(executor)) {}

void Feed::add(std::string_view text) {
  const std::string safe = sanitize_terminal(text);
  for (std::string& line : split(safe, '\n')) {
    line.resize(logs::first_bytes(line, kMaxLineBytes).size());
    const Status kept = log_.append(project_, number_, line);
    if (!kept && !std::exchange(complained_, true)) spdlog::warn("{}", kept.error().message);
    bytes_ += line.size();
    lines_.push_back(std::move(line));
  }
  for (; bytes_ > kMaxBytes; ++first_) {
    bytes_ -= lines_.front().size();
    lines_.pop_front();
  }
  changed_.notify();
}

void Feed::end() {
  ended_ = true;
  changed_.notify();
}

net::Task<std::vector<std::string>> FeedFollower::next() {
  Feed& feed = *feed_;
  while (at_ == feed.first_ + feed.lines_.size() && !feed.ended_) co_await feed.changed_.wait(std::chrono::hours(1));
  std::vector<std::string> fresh;
  if (at_ < feed.first_) fresh.push_back(fmt::format("… {} lines came too fast and are left out", feed.first_ - at_));
  at_ = std::max(at_, feed.first_);
  fresh.insert(fresh.end(), feed.lines_.begin() + static_cast<std::ptrdiff_t>(at_ - feed.first_), feed.lines_.end());
  at_ = feed.first_ + feed.lines_.size();
  co_return fresh;
}

net::Task<std::vector<std::string>> EndedFollower::next() { co_return std::exchange(lines_, {}); }

}  // namespace paastech::controller
