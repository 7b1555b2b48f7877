#pragma once
// One core of the router: an epoll loop with its own listener, connections, upstream pools and route table.
// Owner: Router. Thread: one of its own from start() to join(); only post(), connections() and stop() are for others.
// Failures: create() says why a descriptor could not be had; later ones end the connection they concern.
// The methods are spread by concern: loop.cc (events, accepting, time), socket_io.cc, request.cc (from head to
// Backend), exchange.cc (bodies and responses), tunnel.cc (upgraded connections).
#include <sys/epoll.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ingress/head_writer.h"
#include "ingress/limits.h"
#include "ingress/loop_table.h"

namespace paastech::ingress {

struct LoopOptions {
  int index = 0;
  int listener = -1;  // owned from here on
  Limits limits;
  CidrList trusted;
};

class Loop {
 public:
  static Result<std::unique_ptr<Loop>> create(LoopOptions options);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  void start();
  void post(std::function<void()> work);  // runs on the loop; after its end: never
  void apply(const TableChange& change);  // on the loop, or before start()
  void stop();  // no more accepting, exchanges finish within the stop timeout; then the thread ends
  void join();
  std::int64_t connections() const { return connections_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kReadSize = std::size_t{32} << 10;  // one read; stays in the core's own cache
  explicit Loop(LoopOptions options);
  // loop.cc
  void run();
  int wait_ms() const;
  void dispatch(const epoll_event& event);
  void on_wake();
  void accept_all();
  void add_client(int fd, const Address& address);
  void watch_listener(bool on);
  void on_client(Client& client, std::uint32_t events);
  void on_upstream(Upstream& upstream, std::uint32_t events);
  void on_timer(TimerNode& node);
  void on_client_timer(Client& client);
  void begin_stop();
  void drive(Client& client);
  void drive_queued();
  void sweep();
  bool watch(Peer& peer);

  // socket_io.cc
  void close_fd(Peer& peer);
  void kill(Client& client);  // at once, without another byte
  // What is to be sent is sent, then the connection ends. linger: the client may still be sending, and a reset must not
  // overtake our answer.
  void begin_close(Client& client, bool linger);
  bool step_closing(Client& client);
  void deadline(Peer& peer, int ms) { wheel_.set(peer, now_ + ms); }
  std::string_view receive(Peer& peer, Buffer& in);  // all that is unhandled; empty: nothing, or eof/broken were set
  std::size_t read_size() const;
  bool flush(Client& client);  // client.out to the socket; false: killed, or more is waiting
  bool send_client(Client& client, std::string_view bytes);             // false: killed
  static std::ptrdiff_t send_some(Peer& peer, std::string_view bytes);  // bytes taken; -1: broken

  // request.cc
  bool step_request(Client& client);
  bool begin_request(Client& client, std::string_view data, std::size_t head_length, bool scratch);
  void note_request(Client& client);
  void note_refused(Client& client);  // for an answer to a head that is no request
  void make_request_id(Client& client);
  bool over_body_limit(std::uint64_t bytes) const {
    return limits_.max_body > 0 && bytes > static_cast<std::uint64_t>(limits_.max_body);
  }
  bool take_first_body(Client& client, std::string_view rest, std::size_t& consumed);
  void answer(Client& client, int status, std::string_view detail, bool close, std::string_view host = {});
  void connect_backend(Client& client, bool fresh, const Backend* avoid);
  Upstream* take_idle(Backend& backend, bool idempotent);
  Upstream* open_upstream(Backend& backend);
  void upstream_failed(Client& client, bool at_connect, int status);
  void drop_upstream(Client& client);  // closes it and counts the Backend out
  void leave_route(Client& client);
  void close_upstream(Upstream& upstream);

  // exchange.cc
  bool step_exchange(Client& client);
  bool push_request(Client& client);
  bool push_pending(Client& client);  // false: more is waiting, or the upstream takes no more
  bool push_body(Client& client);
  void await_body(Client& client);
  BodyPace::Terms pace_terms() const {
    if (limits_.body_rate <= 0) return {limits_.stall_timeout_ms, limits_.stall_timeout_ms, 0};
    return {limits_.body_grace_ms, limits_.stall_timeout_ms, limits_.body_rate};
  }
  bool pull_response(Client& client);
  enum class HeadStep : std::uint8_t { kTaken, kIncomplete, kOver };
  HeadStep take_response_head(Client& client, std::string_view& data);
  void begin_response(Client& client);
  bool take_response_body(Client& client, std::string_view data, bool with_head);
  void upstream_ended(Client& client);
  void count_answer(Client& client);  // its head is on its way
  void finish_exchange(Client& client, bool upstream_clean);
  void end_request(Client& client);

  // tunnel.cc
  void begin_tunnel(Client& client, std::string_view early);
  bool step_tunnel(Client& client);
  bool tunnel_up(Client& client);
  bool tunnel_down(Client& client);

  LoopOptions options_;
  Limits limits_;
  int epoll_ = -1;
  Peer listener_;
  Peer wake_;
  std::int64_t now_us_;  // monotonic microseconds, read once a turn
  std::int64_t now_;     // the same in milliseconds
  BufferPool pool_;
  TimerWheel wheel_;
  LoopTable table_;
  Buffer composed_;  // what is being written in this step; never held over one
  std::unique_ptr<char[]> scratch_;
  RequestHead request_head_;
  ResponseHead response_head_;
  std::unordered_map<const Client*, std::unique_ptr<Client>> clients_;
  std::unordered_map<const Upstream*, std::unique_ptr<Upstream>> upstreams_;
  std::vector<Client*> dead_clients_;
  std::vector<Upstream*> dead_upstreams_;
  Client* queue_ = nullptr;
  std::array<std::uint64_t, 4> random_;
  std::int64_t accept_after_ = 0;  // out of descriptors: the listener rests until then
  bool listening_ = false;
  bool stopping_ = false;
  std::int64_t stop_at_ = 0;
  std::atomic<std::int64_t> connections_{0};
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  std::thread thread_;
};

}  // namespace paastech::ingress
