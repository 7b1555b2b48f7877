#include "ingress/loop.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <system_error>

namespace paastech::ingress {
namespace {

constexpr int kTurns = 16;  // steps of one connection before others have their turn

std::int64_t monotonic_us() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

}  // namespace

Loop::Loop(LoopOptions options)
    : options_(std::move(options)),
      limits_(options_.limits),
      now_us_(monotonic_us()),
      now_(now_us_ / 1000),
      wheel_(now_),
      table_(options_.index),
      composed_(pool_),
      scratch_(new char[kReadSize]) {
  listener_.kind = Peer::Kind::kListener;
  listener_.fd = options_.listener;
  wake_.kind = Peer::Kind::kWake;
}

Result<std::unique_ptr<Loop>> Loop::create(LoopOptions options) {
  std::unique_ptr<Loop> loop(new Loop(std::move(options)));
  loop->epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  loop->wake_.fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (loop->epoll_ < 0 || loop->wake_.fd < 0 || ::getrandom(loop->random_.data(), sizeof loop->random_, 0) < 0)
    return fail(Code::kResourceExhausted,
                fmt::format("the router cannot start a loop: {}", std::generic_category().message(errno)),
                "raise the limit of open files (ulimit -n)");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &loop->wake_;
  ::epoll_ctl(loop->epoll_, EPOLL_CTL_ADD, loop->wake_.fd, &event);
  loop->watch_listener(true);
  return loop;
}

Loop::~Loop() {
  join();
  for (const auto& [client, owned] : clients_) ::close(client->fd);
  for (const auto& [upstream, owned] : upstreams_) ::close(upstream->fd);
  for (const int fd : {listener_.fd, wake_.fd, epoll_})
    if (fd >= 0) ::close(fd);
}

void Loop::start() {
  thread_ = std::thread([this] { run(); });
}

void Loop::join() {
  if (thread_.joinable()) thread_.join();
}

void Loop::post(std::function<void()> work) {
  {
    const std::scoped_lock lock(mutex_);
    posted_.push_back(std::move(work));
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(wake_.fd, &one, sizeof one);
}

void Loop::stop() {
  post([this] { begin_stop(); });
}

void Loop::apply(const TableChange& change) {
  for (Upstream* upstream : table_.apply(change)) close_upstream(*upstream);
}

void Loop::run() {
  std::array<epoll_event, 256> events;
  while (!stopping_ || (!clients_.empty() && now_ < stop_at_)) {
    const int n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), wait_ms());
    now_us_ = monotonic_us();
    now_ = now_us_ / 1000;
    for (int i = 0; i < n; ++i) dispatch(events[static_cast<std::size_t>(i)]);
    drive_queued();
    wheel_.advance(now_, [this](TimerNode& node) { on_timer(node); });
    sweep();
  }
  for (const auto& [client, owned] : clients_) kill(*owned);
  sweep();
}

int Loop::wait_ms() const {
  if (queue_ != nullptr) return 0;
  if (wheel_.empty() && !stopping_ && accept_after_ == 0) return -1;
  return static_cast<int>(TimerWheel::kTickMs - now_ % TimerWheel::kTickMs);
}

void Loop::dispatch(const epoll_event& event) {
  Peer& peer = *static_cast<Peer*>(event.data.ptr);
  if (peer.dead) return;
  switch (peer.kind) {
    case Peer::Kind::kClient: on_client(static_cast<Client&>(peer), event.events); break;
    case Peer::Kind::kUpstream: on_upstream(static_cast<Upstream&>(peer), event.events); break;
    case Peer::Kind::kListener: accept_all(); break;
    case Peer::Kind::kWake: on_wake(); break;
  }
}

void Loop::on_wake() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t n = ::read(wake_.fd, &count, sizeof count);
  std::vector<std::function<void()>> work;
  {
    const std::scoped_lock lock(mutex_);
    work.swap(posted_);
  }
  for (const std::function<void()>& item : work) item();
}

void Loop::watch_listener(bool on) {
  if (listening_ == on || listener_.fd < 0) return;
  epoll_event event{};
  event.events = EPOLLIN;  // level-triggered: what is not accepted now is told again
  event.data.ptr = &listener_;
  ::epoll_ctl(epoll_, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, listener_.fd, &event);
  listening_ = on;
}

void Loop::accept_all() {
  for (int i = 0; i < 64 && listener_.fd >= 0; ++i) {
    if (clients_.size() >= static_cast<std::size_t>(limits_.max_connections)) {
      watch_listener(false);
      return;
    }
    Address address;
    address.length = sizeof address.storage;
    const int fd = ::accept4(listener_.fd, reinterpret_cast<sockaddr*>(&address.storage), &address.length,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      add_client(fd, address);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      accept_after_ = now_ + 100;
      watch_listener(false);
      return;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return;
    }
  }
}

bool Loop::watch(Peer& peer) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &peer;
  return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, peer.fd, &event) == 0;
}

void Loop::add_client(int fd, const Address& address) {
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  auto owned = std::make_unique<Client>(pool_);
  Client& client = *owned;
  client.kind = Peer::Kind::kClient;
  client.fd = fd;
  client.writable = true;
  const std::string text = address_text(address);
  client.peer_length = static_cast<std::uint8_t>(text.copy(client.peer_text.data(), client.peer_text.size()));
  client.trusted = options_.trusted.contains(address);
  clients_.emplace(&client, std::move(owned));
  connections_.store(static_cast<std::int64_t>(clients_.size()), std::memory_order_relaxed);
  // A connection that never says anything has no more time than one that is slow to say it.
  deadline(client, limits_.head_timeout_ms);
  if (!watch(client)) kill(client);
}

void Loop::on_client(Client& client, std::uint32_t events) {
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
    kill(client);
    return;
  }
  if ((events & EPOLLRDHUP) != 0) client.hangup = true;
  if ((events & (EPOLLIN | EPOLLRDHUP)) != 0) client.readable = true;
  if ((events & EPOLLOUT) != 0) client.writable = true;
  drive(client);
}

void Loop::on_upstream(Upstream& upstream, std::uint32_t events) {
  const bool failed = (events & (EPOLLERR | EPOLLHUP)) != 0;
  if (upstream.client == nullptr) {
    if ((events & EPOLLIN) != 0 || (events & EPOLLRDHUP) != 0 || failed) close_upstream(upstream);
    return;
  }
  Client& client = *upstream.client;
  if (upstream.connecting) {
    if (failed) {
      upstream_failed(client, true, 502);
      drive(client);
      return;
    }
    if ((events & EPOLLOUT) == 0) return;
    upstream.connecting = false;
    deadline(client, limits_.response_timeout_ms);
  }
  if ((events & EPOLLRDHUP) != 0 || failed) upstream.hangup = true;
  if ((events & (EPOLLIN | EPOLLRDHUP)) != 0 || failed) upstream.readable = true;
  if ((events & EPOLLOUT) != 0) upstream.writable = true;
  drive(client);
}

void Loop::drive(Client& client) {
  for (int turn = 0; turn < kTurns; ++turn) {
    if (client.dead) return;
    bool more = false;
    switch (client.state) {
      case Client::State::kRequest: more = step_request(client); break;
      case Client::State::kExchange: more = step_exchange(client); break;
      case Client::State::kTunnel: more = step_tunnel(client); break;
      case Client::State::kClosing: more = step_closing(client); break;
    }
    if (!more) return;
  }
  if (client.dead || client.queued) return;
  client.queued = true;
  client.queue_next = queue_;
  queue_ = &client;
}

void Loop::drive_queued() {
  Client* list = std::exchange(queue_, nullptr);
  while (list != nullptr) {
    Client& client = *list;
    list = client.queue_next;
    client.queued = false;
    drive(client);
  }
}

void Loop::on_timer(TimerNode& node) {
  Peer& peer = static_cast<Peer&>(node);
  if (peer.dead) return;
  if (peer.kind == Peer::Kind::kClient) {
    on_client_timer(static_cast<Client&>(peer));
    return;
  }
  Upstream& upstream = static_cast<Upstream&>(peer);
  if (upstream.client == nullptr) close_upstream(upstream);
}

void Loop::on_client_timer(Client& client) {
  if (client.state == Client::State::kRequest && client.out.empty() && !client.in.empty()) {
    client.keep_alive = false;
    note_refused(client);
    answer(client, 408, {}, true);
  } else if (client.state == Client::State::kExchange && !client.response_started) {
    if (client.upstream->connecting)
      upstream_failed(client, true, 504);
    else if (!client.request_body.done() && !client.awaits_continue && client.request_sent == client.request.size())
      answer(client, 408, "the rest of the request body did not come, or too slowly", true);
    else
      answer(client, 504, {}, false);
  } else {
    kill(client);
  }
  drive(client);
}

void Loop::begin_stop() {
  if (stopping_) return;
  accept_all();  // whoever is connected already is still answered
  stopping_ = true;
  stop_at_ = now_ + limits_.stop_timeout_ms;
  watch_listener(false);
  if (listener_.fd >= 0) ::close(listener_.fd);
  listener_.fd = -1;
  for (const auto& [client, owned] : clients_) {
    owned->keep_alive = false;
    if (owned->state != Client::State::kRequest || !owned->in.empty()) continue;
    // A request that has just come in is still answered; a connection without one is closed.
    drive(*owned);
    if (!owned->dead && owned->state == Client::State::kRequest && owned->in.empty()) begin_close(*owned, false);
    drive(*owned);
  }
}

void Loop::sweep() {
  if (!dead_upstreams_.empty()) {
    for (const Upstream* upstream : dead_upstreams_) upstreams_.erase(upstream);
    dead_upstreams_.clear();
  }
  if (!dead_clients_.empty()) {
    std::erase_if(dead_clients_, [this](const Client* client) {
      if (client->queued) return false;
      clients_.erase(client);
      return true;
    });
    connections_.store(static_cast<std::int64_t>(clients_.size()), std::memory_order_relaxed);
  }
  if (listening_ || stopping_ || now_ < accept_after_) return;
  accept_after_ = 0;
  if (clients_.size() < static_cast<std::size_t>(limits_.max_connections)) watch_listener(true);
}

}  // namespace paastech::ingress
