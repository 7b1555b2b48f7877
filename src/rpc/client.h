#pragma once
// gRPC client calls as coroutines. gRPC's callback API is used nowhere else on the client side.
// Thread: called on, and resumed on, the caller's executor. Errors: see rpc/status.h. Cancelling the coroutine (asio
// terminal cancellation) cancels the call that it waits for, so that a stop never waits for a peer.
#include <grpcpp/grpcpp.h>
#include <grpcpp/support/client_callback.h>

#include <deque>
#include <mutex>
#include <optional>

#include "net/task.h"
#include "rpc/status.h"

namespace paastech::rpc {

// One value handed from gRPC's threads to one waiting coroutine. post() may come before or after wait().
template <class T>
class Handoff {
 public:
  using Handler = std::function<void(T)>;
  void post(T value) {
    std::shared_ptr<Handler> handler;
    {
      const std::scoped_lock lock(mutex_);
      if (!handler_) {
        values_.push_back(std::move(value));
        return;
      }
      handler = std::exchange(handler_, nullptr);
    }
    (*handler)(std::move(value));
  }
  // on_cancel runs where the waiting coroutine is cancelled; the wait itself ends with the value that this brings
  // about.
  net::Task<T> wait(std::function<void()> on_cancel = nullptr) {
    net::Executor executor = co_await net::asio::this_coro::executor;
    auto start = [this, executor, on_cancel](auto completion) {
      auto slot = net::asio::get_associated_cancellation_slot(completion);
      if (on_cancel && slot.is_connected()) slot.assign([on_cancel](net::asio::cancellation_type) { on_cancel(); });
      auto shared = std::make_shared<decltype(completion)>(std::move(completion));
      auto deliver = [shared, executor](T value) {
        net::asio::post(executor,
                        [shared, value = std::move(value)]() mutable { std::move (*shared)(std::move(value)); });
      };
      std::optional<T> ready;
      {
        const std::scoped_lock lock(mutex_);
        if (values_.empty()) {
          handler_ = std::make_shared<Handler>(std::move(deliver));
          return;
        }
        ready = std::move(values_.front());
        values_.pop_front();
      }
      deliver(std::move(*ready));
    };
    T value = co_await net::asio::async_initiate<const net::asio::use_awaitable_t<>, void(T)>(std::move(start),
                                                                                              net::asio::use_awaitable);
    co_return value;
  }

 private:
  std::mutex mutex_;
  std::deque<T> values_;
  std::shared_ptr<Handler> handler_;
};

inline grpc::ClientContext& context_of(grpc::ClientContext& own) { return own; }
inline grpc::ServerContextBase& context_of(grpc::ServerContextBase* lent) { return *lent; }

// Cancels the call of a State or Reactor that may be gone by then.
template <class Owner>
std::function<void()> canceller(const std::shared_ptr<Owner>& owner) {
  return [weak = std::weak_ptr<Owner>(owner)] {
    if (auto kept = weak.lock()) context_of(kept->context).TryCancel();
  };
}

inline void set_deadline(grpc::ClientContext& context, std::chrono::milliseconds timeout) {
  if (timeout.count() > 0) context.set_deadline(std::chrono::system_clock::now() + timeout);
}

// Reply reply = co_await rpc::call<Reply>(&Stub::async::Method, stub->async(), request, 10s)
template <class Reply, class Async, class Base, class Request>
net::Task<Result<Reply>> call(Async* async,
                              void (Base::*method)(grpc::ClientContext*, const Request*, Reply*,
                                                   std::function<void(grpc::Status)>),
                              Request request, std::chrono::milliseconds timeout = std::chrono::seconds(30)) {
  struct State {
    grpc::ClientContext context;
    Request request;
    Reply reply;
    Handoff<grpc::Status> done;
  };
  auto state = std::make_shared<State>();
  state->request = std::move(request);
  set_deadline(state->context, timeout);
  (async->*method)(&state->context, &state->request, &state->reply,
                   [state](grpc::Status status) { state->done.post(std::move(status)); });
  std::function<void()> give_up = canceller(state);
  grpc::Status status = co_await state->done.wait(give_up);
  if (!status.ok()) co_return std::unexpected(from_grpc(status));
  co_return std::move(state->reply);
}

// What the reactors of both kinds of streams share; GrpcReactor: gRPC's own of that kind.
template <class GrpcReactor, class Received>
struct ReceivingReactor : GrpcReactor {
  using Message = Received;
  void OnReadDone(bool ok) override { read_done.post(ok); }
  void OnDone(const grpc::Status& status) override {
    auto keep = std::move(self);
    done.post(status);
  }
  grpc::ClientContext context;
  Message message;
  std::shared_ptr<void> self;  // until OnDone
  Handoff<bool> read_done;
  Handoff<grpc::Status> done;
  bool held = true;
};

// A stream that is read message by message: next() gives nullopt at a clean end. Destroying it cancels the call.
template <class Reactor>
class ReceivingStream {
 public:
  using Message = typename Reactor::Message;
  ReceivingStream(ReceivingStream&&) = default;
  ReceivingStream& operator=(ReceivingStream&&) = delete;
  ~ReceivingStream() {
    if (!reactor_) return;
    cancel();
    release();
  }
  net::Task<Result<std::optional<Message>>> next() {
    auto reactor = reactor_;
    reactor->StartRead(&reactor->message);
    std::function<void()> give_up = canceller(reactor);
    bool ok = co_await reactor->read_done.wait(give_up);
    if (ok) co_return std::optional<Message>(std::move(reactor->message));
    release();
    grpc::Status status = co_await reactor->done.wait(give_up);
    if (!status.ok()) co_return std::unexpected(from_grpc(status));
    co_return std::optional<Message>();
  }
  void cancel() { reactor_->context.TryCancel(); }

 protected:
  // start: calls the stub's method with the reactor.
  template <class Start>
  ReceivingStream(std::chrono::milliseconds timeout, Start start) : reactor_(std::make_shared<Reactor>()) {
    reactor_->self = reactor_;
    set_deadline(reactor_->context, timeout);
    start(*reactor_);
    reactor_->AddHold();
    reactor_->StartCall();
  }
  std::shared_ptr<Reactor> reactor_;

 private:
  void release() {
    if (std::exchange(reactor_->held, false)) reactor_->RemoveHold();
  }
};

template <class Message>
struct ReadReactor final : ReceivingReactor<grpc::ClientReadReactor<Message>, Message> {
  std::shared_ptr<void> request;
};

// What a server streams.
template <class Message>
class ReadStream : public ReceivingStream<ReadReactor<Message>> {
 public:
  template <class Async, class Base, class Request>
  ReadStream(Async* async,
             void (Base::*method)(grpc::ClientContext*, const Request*, grpc::ClientReadReactor<Message>*),
             Request request, std::chrono::milliseconds timeout = {})
      : ReceivingStream<ReadReactor<Message>>(timeout, [&](ReadReactor<Message>& reactor) {
          auto kept = std::make_shared<Request>(std::move(request));
          reactor.request = kept;
          (async->*method)(&reactor.context, kept.get(), &reactor);
        }) {}
};

template <class Request, class Message>
struct DuplexReactor final : ReceivingReactor<grpc::ClientBidiReactor<Request, Message>, Message> {
  void OnWriteDone(bool ok) override { write_done.post(ok); }
  void OnWritesDoneDone(bool ok) override { write_done.post(ok); }
  Request request;
  Handoff<bool> write_done;
};

// A stream both ways. write() waits for the transport. One writer and one reader at a time.
template <class Request, class Message>
class DuplexStream : public ReceivingStream<DuplexReactor<Request, Message>> {
 public:
  template <class Async, class Base>
  DuplexStream(Async* async, void (Base::*method)(grpc::ClientContext*, grpc::ClientBidiReactor<Request, Message>*),
               std::chrono::milliseconds timeout = {})
      : ReceivingStream<DuplexReactor<Request, Message>>(
            timeout, [&](DuplexReactor<Request, Message>& reactor) { (async->*method)(&reactor.context, &reactor); }) {}
  net::Task<bool> write(Request request) {  // false: the call has ended; next() says how
    auto reactor = this->reactor_;
    if (!reactor->held) co_return false;  // next() has seen the end: starting an operation now is not allowed
    reactor->request = std::move(request);
    reactor->StartWrite(&reactor->request);
    std::function<void()> give_up = canceller(reactor);
    bool ok = co_await reactor->write_done.wait(give_up);
    co_return ok;
  }
  net::Task<bool> writes_done() {
    auto reactor = this->reactor_;
    if (!reactor->held) co_return false;
    reactor->StartWritesDone();
    std::function<void()> give_up = canceller(reactor);
    bool ok = co_await reactor->write_done.wait(give_up);
    co_return ok;
  }
};

}  // namespace paastech::rpc
