#pragma once
// What the git role asks api (gateway.proto), as blocking calls with deadlines. Thread: safe from any.
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "gateway.grpc.pb.h"

namespace paastech::git {

class GatewayClient {
 public:
  void connect(std::shared_ptr<gateway::v1::GitGateway::Stub> stub) { stub_ = std::move(stub); }
  // kNotFound: no Client has this key. kPermissionDenied: its Client is suspended. kUnavailable: api does not answer.
  Result<gateway::v1::Identity> identify(const std::string& fingerprint, bool authenticated);
  // kNotFound alike for a missing and a foreign Project, with the message and hint for the Client.
  Result<gateway::v1::Repository> authorize(const gateway::v1::AuthorizeRequest& request);
  // Runs until the Deployment has ended; on_line gets each line as it comes.
  Result<gateway::v1::DeployResult> deploy(const gateway::v1::DeployRequest& request,
                                           const std::function<void(const std::string&)>& on_line);
  void stop();  // ends running calls with kCancelled, and every later one

 private:
  class Call;
  std::shared_ptr<gateway::v1::GitGateway::Stub> stub_;
  std::mutex mutex_;
  bool stopped_ = false;
  std::set<grpc::ClientContext*> running_;
};

}  // namespace paastech::git
