#include "rpc/client.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "net/test_support.h"
#include "pomegranate.grpc.pb.h"
#include "rpc/host.h"
#include "rpc/server.h"

namespace paastech::rpc {
namespace {

using namespace std::chrono_literals;
namespace engine = paastech::pomegranate::v1;

// Answers nothing until the caller gives up.
class Silent final : public engine::Pomegranate::Service {
 public:
  grpc::Status List(grpc::ServerContext* call, const engine::ListRequest*, engine::ListReply*) override {
    return wait(call);
  }
  grpc::Status Watch(grpc::ServerContext* call, const engine::WatchRequest*,
                     grpc::ServerWriter<engine::InstanceEvent>*) override {
    return wait(call);
  }
  std::atomic<int> asked = 0;

 private:
  grpc::Status wait(grpc::ServerContext* call) {
    ++asked;
    while (!call->IsCancelled()) std::this_thread::sleep_for(1ms);
    return grpc::Status::CANCELLED;
  }
};

net::Task<void> list(engine::Pomegranate::Stub& stub) {
  const engine::ListRequest request;
  [[maybe_unused]] auto reply =
      co_await call<engine::ListReply>(stub.async(), &engine::Pomegranate::Stub::async::List, request, 10min);
}

net::Task<void> watch(engine::Pomegranate::Stub& stub) {
  const engine::WatchRequest request;
  ReadStream<engine::InstanceEvent> events(stub.async(), &engine::Pomegranate::Stub::async::Watch, request);
  [[maybe_unused]] auto event = co_await events.next();
}

TEST(RpcClient, CancellingATaskEndsTheCallThatItWaitsFor) {
  Silent service;
  const auto host = Host::start({&service}, "");
  ASSERT_TRUE(host);
  const auto stub = engine::Pomegranate::NewStub((*host)->channel());
  net::asio::io_context loop;
  net::TaskGroup tasks(loop.get_executor());
  tasks.spawn("list", list(*stub));
  tasks.spawn("watch", watch(*stub));
  while (service.asked < 2) loop.run_for(1ms);
  const auto began = std::chrono::steady_clock::now();
  tasks.cancel();
  net::testing::run(loop, tasks.join());
  EXPECT_EQ(tasks.size(), 0u);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
}

// Waits for ever, as a Deployment that is followed does.
class Patient final : public engine::Pomegranate::CallbackService {
 public:
  explicit Patient(net::TaskGroup& tasks) : tasks_(tasks) {}
  grpc::ServerUnaryReactor* List(grpc::CallbackServerContext* context, const engine::ListRequest*,
                                 engine::ListReply* reply) override {
    return unary(tasks_, context, work(), reply);
  }
  std::atomic<bool> asked = false;

 private:
  net::Task<Result<engine::ListReply>> work() {
    asked = true;
    [[maybe_unused]] Status slept = co_await net::sleep_for(1h);
    [[maybe_unused]] Status again = co_await net::sleep_for(1h);
    co_return engine::ListReply();
  }
  net::TaskGroup& tasks_;
};

TEST(RpcServer, ACallThatIsCutOffByAStopSaysSo) {
  net::asio::io_context loop;
  net::TaskGroup tasks(loop.get_executor());
  Patient service(tasks);
  const auto host = Host::start({&service}, "");
  ASSERT_TRUE(host);
  const auto stub = engine::Pomegranate::NewStub((*host)->channel());
  std::optional<Result<engine::ListReply>> reply;
  const engine::ListRequest request;
  net::asio::co_spawn(loop, call<engine::ListReply>(stub->async(), &engine::Pomegranate::Stub::async::List, request),
                      [&](const std::exception_ptr&, Result<engine::ListReply> got) { reply.emplace(std::move(got)); });
  while (!service.asked) loop.run_for(1ms);
  tasks.cancel();
  while (!reply) loop.run_for(1ms);
  ASSERT_FALSE(*reply);
  EXPECT_EQ(reply->error().code, Code::kUnavailable);
  EXPECT_EQ(reply->error().message, "the Service is stopping");
}

}  // namespace
}  // namespace paastech::rpc
