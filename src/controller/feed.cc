#include "controller/feed.h"

#include <algorithm>

#include "base/text.h"
#include "controller/ports.h"

namespace paastech::controller {
namespace {
constexpr std::size_t kMaxBytes = 2 << 20;    // in memory while the Deployment runs, two builds at a time
constexpr std::size_t kMaxLineBytes = 4'096;  // a longer line is cut
// Handed out at once, so that no reader holds up the loop: by the cost of its lines a thousand of them at the most.
constexpr std::size_t kBatchBytes = 64 << 10;

std::size_t cost_of(std::string_view line) { return line.size() + static_cast<std::size_t>(logs::kLineCost); }

// The next lines of a text; takes them off. The last may lack its newline.
std::vector<std::string> take_batch(std::string_view& text) {
  std::vector<std::string> lines;
  for (std::size_t bytes = 0; bytes < kBatchBytes && !text.empty();) {
    const std::string_view line = text.substr(0, text.find('\n'));
    lines.emplace_back(line);
    bytes += cost_of(line);
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return lines;
}
}  // namespace

Feed::Feed(net::Executor executor, const logs::DeploymentLog& log, std::string project, std::int64_t number,
           LastWords* lines)
    : log_(log), project_(std::move(project)), number_(number), kept_lines_(lines), changed_(std::move(executor)) {}

void Feed::add(std::string_view text, std::string_view process) {
  const std::string safe = sanitize_terminal(text);
  std::string text_kept;
  const std::int64_t before = appended_;
  for (std::string& line : split(safe, '\n')) {
    line.resize(first_bytes(line, kMaxLineBytes).size());
    if (appended_++ > before) text_kept.push_back('\n');
    text_kept += line;
    bytes_ += cost_of(line);
    lines_.push_back(std::move(line));
  }
  const Status kept = log_.append(project_, number_, text_kept, before);
  if (!kept && !std::exchange(complained_, true)) spdlog::warn("{}", kept.error().message);
  if (kept_lines_ != nullptr) kept_lines_->deployment_lines(project_, number_, process, text_kept);
  for (; bytes_ > kMaxBytes; ++first_) {
    bytes_ -= cost_of(lines_.front());
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
  const std::size_t end = feed.first_ + feed.lines_.size();
  for (std::size_t bytes = 0; at_ < end && bytes < kBatchBytes; ++at_) {
    fresh.push_back(feed.lines_[at_ - feed.first_]);
    bytes += cost_of(fresh.back());
  }
  co_return fresh;
}

net::Task<std::vector<std::string>> EndedFollower::next() {
  using Part = std::pair<std::vector<std::string>, std::int64_t>;
  auto read = [&log = log_, project = project_, number = number_, at = at_]() -> Part {
    const std::string part = log.part(project, number, at, kBatchBytes);
    // Up to the last whole line; a file without one, which we did not write so, as it is.
    const std::size_t end = part.rfind('\n');
    const std::string_view whole = std::string_view(part).substr(0, end == std::string::npos ? end : end + 1);
    std::string_view rest = whole;
    std::vector<std::string> lines = take_batch(rest);
    return {std::move(lines), static_cast<std::int64_t>(whole.size() - rest.size())};
  };
  Part part = co_await access_.beside(std::move(read));
  at_ += part.second;
  co_return std::move(part.first);
}

}  // namespace paastech::controller
