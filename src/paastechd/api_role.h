#pragma once
// The api role put together: database, secrets, controller, REST API and the gateway that the git role calls.
// Thread: the control-plane loop, but for create(), which runs before it.
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "net/task.h"
#include "paastechd/config.h"

namespace paastech {

class ApiRole {
 public:
  struct Peers {
    std::shared_ptr<grpc::Channel> pomegranate;
    std::shared_ptr<grpc::Channel> git;
    std::shared_ptr<grpc::Channel> router;
  };
  // Opens the database and the keys that its values are sealed with (paastechd/keys.h).
  static Result<std::unique_ptr<ApiRole>> create(const Config& config, net::asio::io_context& io, net::TaskGroup& tasks,
                                                 Peers peers, std::string ssh_fingerprint);
  ~ApiRole();
  grpc::Service& gateway();
  // Makes the first Client where there is none, then listens and lets the controller begin. A failure is the outcome().
  net::Task<void> first_steps();
  const Status& outcome() const;
  net::Task<void> stop();  // closes the API's listener and its connections

 private:
  struct State;
  Status listen();
  explicit ApiRole(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace paastech
