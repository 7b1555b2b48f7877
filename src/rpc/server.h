#pragma once
// gRPC service methods written as coroutines on one loop. A service implements the generated CallbackService and hands
// each call to one of these:
//
//   grpc::ServerUnaryReactor* Create(grpc::CallbackServerContext* c, const CreateRequest* q, CreateReply* a) override {
//     return rpc::unary(tasks_, c, create(*q), a);                       // Task<Result<CreateReply>>
//   }
//   grpc::ServerWriteReactor<LogLine>* Logs(grpc::CallbackServerContext* c, const LogsRequest* q) override {
//     return rpc::stream<LogLine>(tasks_, c, [this, q = *q](std::shared_ptr<rpc::Writer<LogLine>> w) { return logs(q,
//     w); });
//   }
//
// Each call runs in the TaskGroup it is given; where the peer cancels, Writer::write answers false and
// Writer::cancelled() turns true, and on_cancel is called on the loop. Where the group is cancelled, what waits for a
// peer that neither reads nor writes ends too. Reactions never block and always Finish.
#include <grpcpp/grpcpp.h>

#include "net/task.h"
#include "rpc/client.h"
#include "rpc/status.h"

namespace paastech::rpc {

template <class Reply>
net::Task<void> run_unary(net::Task<Result<Reply>> work, grpc::ServerUnaryReactor* reactor, Reply* out) {
  Result<Reply> reply = fail(Code::kInternal, "the call failed without a reason");
  try {
    reply = co_await std::move(work);
  } catch (const std::exception& e) {
    reply = std::unexpected(from_exception(e));
  }
  if (reply) *out = std::move(*reply);
  reactor->Finish(reply ? grpc::Status::OK : to_grpc(reply.error()));
}

template <class Reply>
grpc::ServerUnaryReactor* unary(net::TaskGroup& tasks, grpc::CallbackServerContext* context,
                                net::Task<Result<Reply>> work, Reply* out) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  // Tasks are spawned on the loop, for a TaskGroup belongs to it.
  auto shared = std::make_shared<net::Task<void>>(run_unary<Reply>(std::move(work), reactor, out));
  net::asio::post(tasks.executor(), [&tasks, shared] { tasks.spawn("rpc", std::move(*shared)); });
  return reactor;
}

template <class Message>
class Writer {
 public:
  virtual ~Writer() = default;
  virtual net::Task<bool> write(Message message) = 0;  // false: the peer is gone
  virtual bool cancelled() const = 0;
  // Called once on the loop when the peer cancels (at once where it has); for closing what the coroutine waits for.
  virtual void on_cancel(std::function<void()> action) = 0;
};

template <class Request, class Message>
class Duplex : public Writer<Message> {
 public:
  virtual net::Task<std::optional<Request>> read() = 0;  // nullopt: the peer has half-closed, or is gone
};

// What the two streaming reactors share: cancellation brought to the loop.
class CancelFlag {
 public:
  void set_action(std::function<void()> action, net::Executor executor) {
    bool fire = false;
    {
      const std::scoped_lock lock(mutex_);
      executor_ = executor;
      fire = cancelled_;
      if (!fire) action_ = action;
    }
    if (fire) net::asio::post(executor, std::move(action));
  }
  void fire() {
    const std::scoped_lock lock(mutex_);
    cancelled_ = true;
    if (action_) net::asio::post(executor_, std::exchange(action_, nullptr));
  }
  bool cancelled() const {
    const std::scoped_lock lock(mutex_);
    return cancelled_;
  }
  void clear() {
    const std::scoped_lock lock(mutex_);
    action_ = nullptr;
  }

 private:
  mutable std::mutex mutex_;
  bool cancelled_ = false;
  std::function<void()> action_;
  net::Executor executor_;
};

template <class Message>
using StreamWork = std::function<net::Task<Status>(std::shared_ptr<Writer<Message>>)>;
template <class Request, class Message>
using DuplexWork = std::function<net::Task<Status>(std::shared_ptr<Duplex<Request, Message>>)>;

template <class Holder, class Work, class Api>
net::Task<void> run_stream(std::shared_ptr<Holder> holder, Work work, std::shared_ptr<Api> api) {
  Status status;
  try {
    status = co_await work(api);
  } catch (const std::exception& e) {
    status = std::unexpected(from_exception(e));
  }
  holder->flag.clear();
  holder->Finish(to_grpc(status));
}

// What the reactors of both kinds of streams share; GrpcReactor: gRPC's own of that kind.
template <class GrpcReactor, class Sent>
struct SendingReactor : GrpcReactor {
  using Message = Sent;
  explicit SendingReactor(grpc::CallbackServerContext* c) : context(c) {}
  void OnWriteDone(bool ok) override { write_done.post(ok); }
  void OnCancel() override { flag.fire(); }
  void OnDone() override { auto keep = std::move(self); }
  grpc::CallbackServerContext* context;  // valid until Finish
  Handoff<bool> write_done;
  CancelFlag flag;
  Message message;
  std::shared_ptr<void> self;
};

// A Writer or Duplex on such a reactor.
template <class Interface, class Reactor>
struct SendingApi : Interface {
  using Message = typename Reactor::Message;
  SendingApi(std::shared_ptr<Reactor> r, net::Executor e) : reactor(std::move(r)), executor(std::move(e)) {}
  net::Task<bool> write(Message message) override {
    reactor->message = std::move(message);
    reactor->StartWrite(&reactor->message);
    std::function<void()> give_up = canceller(reactor);
    bool ok = co_await reactor->write_done.wait(give_up);
    co_return ok;
  }
  bool cancelled() const override { return reactor->flag.cancelled(); }
  void on_cancel(std::function<void()> action) override { reactor->flag.set_action(std::move(action), executor); }
  std::shared_ptr<Reactor> reactor;
  net::Executor executor;
};

template <class Api, class Reactor, class Work>
Reactor* begin_stream(net::TaskGroup& tasks, std::shared_ptr<Reactor> reactor, Work work) {
  reactor->self = reactor;
  auto api = std::make_shared<Api>(reactor, tasks.executor());
  net::asio::post(tasks.executor(), [&tasks, reactor, work = std::move(work), api] {
    tasks.spawn("rpc stream", run_stream(reactor, work, api));
  });
  return reactor.get();
}

template <class Message>
grpc::ServerWriteReactor<Message>* stream(net::TaskGroup& tasks, grpc::CallbackServerContext* context,
                                          StreamWork<Message> work) {
  using Reactor = SendingReactor<grpc::ServerWriteReactor<Message>, Message>;
  using Api = SendingApi<Writer<Message>, Reactor>;
  return begin_stream<Api>(tasks, std::make_shared<Reactor>(context), std::move(work));
}

template <class Request, class Message>
grpc::ServerBidiReactor<Request, Message>* duplex(net::TaskGroup& tasks, grpc::CallbackServerContext* context,
                                                  DuplexWork<Request, Message> work) {
  struct Reactor final : SendingReactor<grpc::ServerBidiReactor<Request, Message>, Message> {
    using SendingReactor<grpc::ServerBidiReactor<Request, Message>, Message>::SendingReactor;
    void OnReadDone(bool ok) override { read_done.post(ok); }
    Handoff<bool> read_done;
    Request request;
  };
  struct Api final : SendingApi<Duplex<Request, Message>, Reactor> {
    using SendingApi<Duplex<Request, Message>, Reactor>::SendingApi;
    net::Task<std::optional<Request>> read() override {
      std::shared_ptr<Reactor> mine = this->reactor;
      mine->StartRead(&mine->request);
      std::function<void()> give_up = canceller(mine);
      bool ok = co_await mine->read_done.wait(give_up);
      if (!ok) co_return std::nullopt;
      co_return std::move(mine->request);
    }
  };
  return begin_stream<Api>(tasks, std::make_shared<Reactor>(context), std::move(work));
}

}  // namespace paastech::rpc
