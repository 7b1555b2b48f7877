#pragma once
// Brings what Instances print into the log store: one stream from pomegranate for all of them, asked for from where the
// store says each was read to; where it breaks, asked for again a second later. Appends before it takes the next, so
// that a slow disk slows the Engine's stream down and nothing piles up here. Thread: the control-plane loop.
#include <set>

#include "controller/log_book.h"
#include "controller/ports.h"
#include "pomegranate.grpc.pb.h"

namespace paastech::controller {

class LogGatherer final : public LastWords {
 public:
  LogGatherer(net::TaskGroup& tasks, engine::Pomegranate::Stub& pomegranate, LogBook& book)
      : tasks_(tasks), pomegranate_(pomegranate), book_(book), changed_(tasks.executor()) {}
  void start();
  // Returns once all that these Instances, which have stopped, have printed is kept; after 10 s in any case, for the
  // Engine may be away or know them no more.
  net::Task<void> kept(std::vector<std::string> instance_ids) override;
  void deployment_lines(const std::string& project, std::int64_t number, std::string_view process,
                        std::string_view lines) override;
  net::Task<void> forget(std::string project) override;

 private:
  net::Task<void> run();
  net::Task<Status> gather();
  net::Task<void> keep_house();
  net::Task<Result<LogBook::Present>> present();

  net::TaskGroup& tasks_;
  engine::Pomegranate::Stub& pomegranate_;
  LogBook& book_;
  std::set<std::string> ended_;  // Instances that have stopped and were read to their end
  net::Notifier changed_;        // the set
};

}  // namespace paastech::controller
