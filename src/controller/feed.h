#pragma once
// The terminal output of a running Deployment: kept in the log file as it comes, and handed to whoever follows. In
// memory are the last 2 MiB, where each line counts 64 bytes more than it has; a follower that is further behind misses
// what is older and is told so. Thread: the control-plane loop.
#include <deque>

#include "controller/controller.h"
#include "controller/database_access.h"
#include "logs/deployment_log.h"

namespace paastech::controller {

class LastWords;

class Feed {
 public:
  // lines: where they are kept beside the output of Instances; none: nowhere.
  Feed(net::Executor executor, const logs::DeploymentLog& log, std::string project, std::int64_t number,
       LastWords* lines = nullptr);
  // One or several lines of ours or of a Client's; made safe for a terminal here. process: what the log store calls
  // their writer: build, release or platform.
  void add(std::string_view text, std::string_view process = "platform");
  void end();
  bool ended() const { return ended_; }

 private:
  friend class FeedFollower;
  const logs::DeploymentLog& log_;
  std::string project_;
  std::int64_t number_;
  LastWords* kept_lines_;
  std::deque<std::string> lines_;
  std::size_t first_ = 0;  // the number of the first of them
  std::size_t bytes_ = 0;
  std::int64_t appended_ = 0;  // lines
  bool ended_ = false;
  bool complained_ = false;  // of a file that cannot be written: once
  net::Notifier changed_;
};

class FeedFollower final : public Follower {
 public:
  explicit FeedFollower(std::shared_ptr<Feed> feed) : feed_(std::move(feed)) {}
  net::Task<std::vector<std::string>> next() override;

 private:
  std::shared_ptr<Feed> feed_;
  std::size_t at_ = 0;  // the number of the next line to hand out
};

// Of a Deployment that has ended: what the log file holds, read piece by piece beside the loop.
class EndedFollower final : public Follower {
 public:
  EndedFollower(DatabaseAccess& access, const logs::DeploymentLog& log, std::string project, std::int64_t number)
      : access_(access), log_(log), project_(std::move(project)), number_(number) {}
  net::Task<std::vector<std::string>> next() override;

 private:
  DatabaseAccess& access_;
  const logs::DeploymentLog& log_;
  std::string project_;
  std::int64_t number_;
  std::int64_t at_ = 0;  // the first byte that was not handed out
};

}  // namespace paastech::controller
