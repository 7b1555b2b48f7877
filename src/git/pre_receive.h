#pragma once
// The decision about one push, taken while its objects are in quarantine and before any ref moves: rules, the Project's
// gate, and the Deployment itself. Thread: that of the hook's connection; blocks until the Deployment has ended.
#include <atomic>
#include <functional>
#include <string>
#include <string_view>

#include "git/gate.h"
#include "git/gateway_client.h"
#include "git/push.h"
#include "git/repository_store.h"

namespace paastech::git {

using Speaker = std::function<void(std::string_view line)>;  // one line for the Client's terminal

class PreReceive {
 public:
  PreReceive(RepositoryStore& store, DeployGate& gate, GatewayClient& gateway, const std::atomic<bool>& stopping)
      : store_(store), gate_(gate), gateway_(gateway), stopping_(stopping) {}
  // True: git may move the refs. The gate, where taken, is held until the push's session calls release.
  bool decide(Push& push, const std::string& quarantine, std::string_view lines, const Speaker& say);
  void release(Push& push);

 private:
  Status authorize_again(const Push& push);
  Status take_turn(Push& push, const Speaker& say);
  Status deploy(Push& push, const std::string& commit, const std::string& ref, const Speaker& say);
  Status judge(Push& push, const std::string& quarantine, std::string_view lines, const Speaker& say);

  RepositoryStore& store_;
  DeployGate& gate_;
  GatewayClient& gateway_;
  const std::atomic<bool>& stopping_;
};

}  // namespace paastech::git
