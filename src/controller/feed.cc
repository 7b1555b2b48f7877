#include "controller/feed.h"

#include "base/text.h"

namespace paastech::controller {
namespace {
constexpr std::size_t kMaxLines = 50'000;     // in memory while the Deployment runs
constexpr std::size_t kMaxLineBytes = 4'096;  // a longer line is cut
}  // namespace

Feed::Feed(net::Executor executor, const logs::DeploymentLog& log, std::string project, std::int64_t number)
    : log_(log), project_(std::move(project)), number_(number), changed_(std::move(executor)) {}

void Feed::add(std::string_view text) {
  const std::string safe = sanitize_terminal(text);
  for (std::string& line : split(safe, '\n')) {
    if (line.size() > kMaxLineBytes) line.resize(kMaxLineBytes);
    if (Status kept = log_.append(project_, number_, line); !kept) spdlog::warn("{}", kept.error().message);
    if (lines_.size() < kMaxLines) lines_.push_back(std::move(line));
  }
  changed_.notify();
}

void Feed::end() {
  ended_ = true;
  changed_.notify();
}

net::Task<std::vector<std::string>> FeedFollower::next() {
  while (at_ == feed_->lines_.size() && !feed_->ended_) co_await feed_->changed_.wait(std::chrono::hours(1));
  std::vector<std::string> fresh(feed_->lines_.begin() + static_cast<std::ptrdiff_t>(at_), feed_->lines_.end());
  at_ = feed_->lines_.size();
  co_return fresh;
}

net::Task<std::vector<std::string>> EndedFollower::next() { co_return std::exchange(lines_, {}); }

}  // namespace paastech::controller
