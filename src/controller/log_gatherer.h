#pragma once
// Brings what Instances print into the log store: one stream from pomegranate for all of them, asked for from where the
// store says each was read to; where it breaks, asked for again a second later. Appends before it takes the next, so
// that a slow disk slows the Engine's stream down and nothing piles up here. Thread: the control-plane loop.
#include <memory>
#include <set>

#include "controller/log_book.h"
#include "controller/ports.h"
#include "net/loop_time.h"
#include "pomegranate.grpc.pb.h"

namespace paastech::controller {

class LogGatherer final : public LastWords {
 public:
  LogGatherer(net::TaskGroup& tasks, engine::Pomegranate::Stub& pomegranate, LogBook& book)
      : tasks_(tasks), pomegranate_(pomegranate), book_(book), changed_(tasks.executor()) {}
  void start();
  // Returns once all that these Instances, which have stopped, have printed is kept. The Engine may be away or know
  // them no more, so that it waits for 10 s at most without a line of them. What one has printed and nobody has read
  // yet may be 50 MB: while lines of it come it waits on, for 5 minutes at most.
  net::Task<void> kept(std::vector<std::string> instance_ids) override;
  void deployment_lines(const std::string& project, std::int64_t number, std::string_view process,
                        std::string_view lines) override;
  net::Task<void> forget(std::string project) override;

 private:
  net::Task<void> run();
  net::Task<Status> gather();
  net::Task<void> keep_house();
  net::Task<Result<LogBook::Present>> present();

  // Of a call of kept().
  struct Awaited {
    std::set<std::string> instances;
    net::LoopClock::time_point heard;  // when lines of them came last
  };
  void heard_of(const std::string& instance);

  net::TaskGroup& tasks_;
  engine::Pomegranate::Stub& pomegranate_;
  LogBook& book_;
  std::set<std::string> ended_;  // Instances that have stopped and were read to their end
  std::vector<std::weak_ptr<Awaited>> awaited_;
  net::Notifier changed_;  // the set
};

}  // namespace paastech::controller
