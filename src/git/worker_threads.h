#pragma once
// Threads that come and go, all joined in the end; SIGPIPE is blocked in them, so a write to a program or peer that has
// gone answers EPIPE. Thread: used by its owner's one thread.
#include <signal.h>

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <thread>

namespace paastech::git {

class WorkerThreads {
 public:
  ~WorkerThreads() { join(); }

  // May throw std::system_error where the system gives no more threads.
  void run(std::function<void()> work) {
    std::erase_if(workers_, [](Worker& worker) {
      if (!*worker.done) return false;
      worker.thread.join();
      return true;
    });
    auto done = std::make_shared<std::atomic<bool>>(false);
    workers_.push_back({std::thread([work = std::move(work), done] {
                          sigset_t pipe;
                          ::sigemptyset(&pipe);
                          ::sigaddset(&pipe, SIGPIPE);
                          ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
                          work();
                          *done = true;
                        }),
                        done});
  }
  void join() {
    for (Worker& worker : workers_) worker.thread.join();
    workers_.clear();
  }

 private:
  struct Worker {
    std::thread thread;
    std::shared_ptr<std::atomic<bool>> done;
  };
  std::list<Worker> workers_;
};

}  // namespace paastech::git
