#include "rpc/wind_down.h"

#include <gtest/gtest.h>

#include <thread>

#include "net/test_support.h"
#include "pomegranate.grpc.pb.h"
#include "rpc/client.h"
#include "rpc/server.h"

namespace paastech::rpc {
namespace {

using namespace std::chrono_literals;
namespace engine = paastech::pomegranate::v1;

// Tells of events for as long as somebody reads.
class Talkative final : public engine::Pomegranate::CallbackService {
 public:
  explicit Talkative(net::TaskGroup& tasks) : tasks_(tasks) {}
  grpc::ServerUnaryReactor* List(grpc::CallbackServerContext* context, const engine::ListRequest*,
                                 engine::ListReply* reply) override {
    return unary(tasks_, context, nothing(), reply);
  }
  grpc::ServerWriteReactor<engine::InstanceEvent>* Watch(grpc::CallbackServerContext* context,
                                                         const engine::WatchRequest*) override {
    return stream<engine::InstanceEvent>(
        tasks_, context, [this](std::shared_ptr<Writer<engine::InstanceEvent>> writer) { return talk(writer); });
  }
  int told = 0;

 private:
  static net::Task<Result<engine::ListReply>> nothing() { co_return engine::ListReply(); }
  net::Task<Status> talk(std::shared_ptr<Writer<engine::InstanceEvent>> writer) {
    while (true) {
      engine::InstanceEvent event;
      event.set_kind(std::string(100'000, 'x'));
      const bool ok = co_await writer->write(std::move(event));
      if (!ok) co_return Status{};
      ++told;
    }
  }
  net::TaskGroup& tasks_;
};

struct WindDown : ::testing::Test {
  net::asio::io_context loop;
  net::TaskGroup tasks{loop.get_executor()};
  net::BlockingPool aside{1};
  Talkative service{tasks};
  std::unique_ptr<Host> host = Host::start({&service}, "").value_or(nullptr);
  std::unique_ptr<engine::Pomegranate::Stub> stub = engine::Pomegranate::NewStub(host->channel());
};

net::Task<void> list(engine::Pomegranate::Stub& stub, bool& ended) {
  const engine::ListRequest request;
  [[maybe_unused]] auto reply = co_await call<engine::ListReply>(stub.async(), &engine::Pomegranate::Stub::async::List,
                                                                 request, std::chrono::minutes(1));
  ended = true;
}

// Is in the middle of something that cannot be cut off, as a statement of SQL, and asks for one thing more after it.
net::Task<void> ask_late(WindDown& f, net::BlockingPool& pool, bool& ended) {
  auto work = [] {
    std::this_thread::sleep_for(300ms);
    return true;
  };
  [[maybe_unused]] const bool done = co_await pool.run(std::move(work));
  f.tasks.spawn("late", list(*f.stub, ended));
}

TEST_F(WindDown, ATaskThatBeginsOnTheWayToTheEndStillFindsTheHost) {
  net::BlockingPool pool(1);
  bool ended = false;
  tasks.spawn("ask late", ask_late(*this, pool, ended));
  loop.run_for(50ms);
  net::testing::run(loop, wind_down(tasks, aside, {nullptr, host.get()}));
  EXPECT_TRUE(ended);
  EXPECT_EQ(tasks.size(), 0u);
}

TEST_F(WindDown, AStreamWhosePeerDoesNotReadHoldsUpNothing) {
  grpc::ClientContext context;
  const auto reader = stub->Watch(&context, {});
  const auto stuck = [this] {
    const int before = service.told;
    loop.run_for(100ms);
    return tasks.size() == 1 && service.told == before;
  };
  while (!stuck()) loop.restart();
  net::testing::run(loop, wind_down(tasks, aside, {host.get()}));
  EXPECT_EQ(tasks.size(), 0u);
}

}  // namespace
}  // namespace paastech::rpc
