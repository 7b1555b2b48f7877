#pragma once
// Answers the pre-receive hooks on a unix socket of mode 0600. A hook proves by its one-time token which push it
// belongs to. A thread accepts, and one thread a hook carries out the decision. Thread: start and stop by the owner,
// the rest by any.
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/result.h"
#include "git/pre_receive.h"
#include "git/process.h"
#include "git/worker_threads.h"

namespace paastech::git {

class HookServer {
 public:
  explicit HookServer(PreReceive& decider) : decider_(decider) {}
  ~HookServer() { stop(); }
  HookServer(const HookServer&) = delete;
  HookServer& operator=(const HookServer&) = delete;

  // kFailedPrecondition: the path is too long for a unix socket, or the folder does not exist.
  Status start(const std::filesystem::path& socket);
  void stop();  // the decisions must have been told to stop before
  void expect(std::shared_ptr<Push> push);
  void forget(const Push& push);

 private:
  void accept_loop();
  void serve(Descriptor connection);
  std::shared_ptr<Push> take(const std::string& token);

  PreReceive& decider_;
  std::filesystem::path path_;
  Descriptor listener_, wake_reader_, wake_writer_;
  std::thread acceptor_;
  WorkerThreads workers_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Push>> expected_;
};

}  // namespace paastech::git
