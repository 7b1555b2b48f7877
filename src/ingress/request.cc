// From a request's first byte to the Backend it is sent to.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <bit>
#include <cerrno>

#include "ingress/loop.h"

namespace paastech::ingress {
namespace {

constexpr std::size_t kReplayLimit = std::size_t{64} << 10;  // a request is kept for another try up to this size
constexpr std::int64_t kFreshMs = 1000;  // a connection idle for less is fit for a request that can't be repeated
constexpr std::int64_t kAvoidMs = 1000;  // how long a Backend that refused is the last choice

// xoshiro256** (Blackman, Vigna 2018), seeded from the kernel: request ids need to be distinct, not secret.
std::uint64_t next_random(std::array<std::uint64_t, 4>& s) {
  const std::uint64_t result = std::rotl(s[1] * 5, 7) * 9;
  const std::uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = std::rotl(s[3], 45);
  return result;
}

bool plain_id(std::string_view id) {
  for (const char c : id)
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_'))
      return false;
  return !id.empty() && id.size() <= 64;
}

}  // namespace

bool Loop::step_request(Client& client) {
  if (!client.out.empty() && !flush(client)) return false;
  std::string_view data = client.in.view();
  bool scratch = false;
  if (data.size() <= client.scanned) {
    if (client.readable) {
      scratch = client.in.empty();
      data = receive(client, client.in);
    } else {
      data = {};
    }
    if (data.empty()) {
      if (client.eof || client.broken) kill(client);
      return false;
    }
  }
  const bool first_look = client.scanned == 0;
  bool bad = false;
  const std::size_t length = find_head(data, client.scanned, bad);
  if (length == 2) {  // an empty line before the request line is ignored (RFC 9112 section 2.2)
    client.scanned = 0;
    scratch ? client.in.append(data.substr(2)) : client.in.consume(2);
    return true;
  }
  if (length > 0 && length <= kMaxHead) return begin_request(client, data, length, scratch);
  if (bad || data.size() > kMaxHead) {
    note_refused(client);
    const bool long_line = data.find('\n') > kMaxTarget + 64;
    if (bad)
      answer(client, 400, "a line of the request head does not end in CR LF", true);
    else
      answer(client, long_line ? 414 : 431, {}, true);
    return true;
  }
  if (scratch) client.in.append(data);
  if (first_look) deadline(client, limits_.head_timeout_ms);
  return client.readable;
}

void Loop::note_refused(Client& client) {
  client.head_only = client.http10 = false;
  client.page_kind = PageKind::kText;
  request_head_.count = 0;
  client.request_id_length = 0;
  make_request_id(client);
}

void Loop::make_request_id(Client& client) {
  if (client.trusted) {
    for (const Field& field : request_head_.all()) {
      if (field.id != Name::kRequestId || !plain_id(field.value)) continue;
      client.request_id_length =
          static_cast<std::uint8_t>(field.value.copy(client.request_id_text.data(), client.request_id_text.size()));
      return;
    }
  }
  constexpr char kDigits[] = "0123456789abcdef";
  char* p = client.request_id_text.data();
  for (int half = 0; half < 2; ++half) {
    std::uint64_t bits = next_random(random_);
    for (int i = 0; i < 16; ++i, bits >>= 4) *p++ = kDigits[bits & 15];
  }
  client.request_id_length = 32;
}

void Loop::note_request(Client& client) {
  const RequestHead& head = request_head_;
  client.http10 = head.minor == 0;
  client.keep_alive = !stopping_ && !head.connection_close && (head.minor == 1 || head.connection_keep_alive);
  client.head_only = head.method == "HEAD";
  client.idempotent = head.idempotent;
  client.anything_sent = client.request_broken = client.response_started = false;
  client.attempts = 0;
  client.answer_class = 0;
  client.given_us = 0;
  client.request_sent = 0;
  client.page_kind = page_kind(head.accept);
  client.request_framing = head.chunked                         ? Framing::kChunked
                           : head.has_length && head.length > 0 ? Framing::kLength
                                                                : Framing::kNone;
  client.request_body.start(client.request_framing, head.length);
  client.pace.start(pace_terms());
  client.awaits_continue = head.expect_continue && !client.request_body.done();
  // h2c would let its sender speak past every rule here (RFC 9113 has dropped it anyway).
  client.upgrade = head.minor == 1 && head.connection_upgrade && !head.upgrade.empty() && client.request_body.done() &&
                   !equals_ignoring_case(head.upgrade.substr(0, 3), "h2c");
  make_request_id(client);
}

bool Loop::begin_request(Client& client, std::string_view data, std::size_t length, bool scratch) {
  client.scanned = 0;
  const Verdict verdict = parse_request(data.substr(0, length), request_head_);
  if (!verdict.ok()) {
    note_refused(client);
    answer(client, verdict.status, verdict.reason, true);
    return true;
  }
  note_request(client);
  std::array<char, kMaxHost> host_memory;
  const std::string_view host = normalize_host(request_head_.host, host_memory);
  client.route = table_.find(host);
  std::size_t consumed = length;
  bool body_fine = true;
  bool too_long = over_body_limit(request_head_.length);
  if (client.route != nullptr) {
    table_.acquire(*client.route);  // answer() and finish_exchange() give it back
    add(client.route->slot->requests, 1);
  }
  if (client.route != nullptr && !too_long) {
    Forwarding forwarding;
    forwarding.peer = client.peer();
    forwarding.peer_trusted = client.trusted;
    forwarding.request_id = client.request_id();
    forwarding.framing = client.request_framing;
    forwarding.upgrade = client.upgrade;
    client.request.clear();
    write_request_head(client.request, request_head_, forwarding);
    body_fine = take_first_body(client, data.substr(length), consumed);
    if (client.request_body.total() > 0) client.awaits_continue = false;
    too_long = over_body_limit(client.request_body.total());
    if (client.route->served != nullptr && client.request_body.total() > 0)
      add(client.route->served->received_bytes, static_cast<std::int64_t>(client.request_body.total()));
    client.replayable = client.idempotent && client.request_body.done() && client.request.size() <= kReplayLimit;
  }
  if (scratch)
    client.in.append(data.substr(consumed));
  else
    client.in.consume(consumed);
  if (client.in.empty()) client.in.release();
  if (client.route == nullptr) {
    answer(client, 404, {}, false, host);
  } else if (too_long) {
    answer(client, 413, {}, true);
  } else if (!body_fine) {
    answer(client, 400, "the request body is malformed", true);
  } else {
    client.state = Client::State::kExchange;
    connect_backend(client, false, nullptr);
  }
  return true;
}

// What came of the body together with the head goes along with it. False: malformed.
bool Loop::take_first_body(Client& client, std::string_view rest, std::size_t& consumed) {
  while (!rest.empty() && !client.request_body.done()) {
    const BodyReader::Step step = client.request_body.next(rest);
    if (step.bad) return false;
    write_body(client.request, client.request_framing, step.payload);
    rest.remove_prefix(step.consumed);
    consumed += step.consumed;
    if (client.request_body.done()) end_body(client.request, client.request_framing);
  }
  return true;
}

void Loop::answer(Client& client, int status, std::string_view detail, bool close, std::string_view host) {
  close = close || !client.keep_alive || !client.request_body.done() || stopping_;
  if (client.route != nullptr) {
    if (status >= 500) add(client.route->slot->failed, 1);
    client.answer_class = static_cast<std::uint8_t>(status / 100);
    count_answer(client);
  }
  Page page;
  page.status = status;
  page.detail = detail;
  page.host = host;
  page.request_id = client.request_id();
  page.kind = client.page_kind;
  page.head_only = client.head_only;
  page.close = close;
  page.keep_alive_10 = client.http10;
  drop_upstream(client);
  leave_route(client);
  composed_.clear();
  write_page(composed_, page);
  if (!send_client(client, composed_.view())) return;
  if (close)
    begin_close(client, true);
  else
    end_request(client);
}

void Loop::connect_backend(Client& client, bool fresh, const Backend* avoid) {
  Backend* backend = LoopTable::choose(*client.route, avoid, now_);
  if (backend == nullptr) {
    answer(client, 503, {}, false);
    return;
  }
  client.backend = backend;
  table_.count_in(*backend);
  if (client.given_us == 0) client.given_us = now_us_;
  Upstream* upstream = fresh ? nullptr : take_idle(*backend, client.idempotent);
  if (upstream == nullptr) upstream = open_upstream(*backend);
  if (upstream == nullptr) {
    upstream_failed(client, true, 502);
    return;
  }
  upstream->client = &client;
  client.upstream = upstream;
  client.request_sent = 0;
  client.anything_sent = client.request_broken = false;
  deadline(client, upstream->connecting ? limits_.connect_timeout_ms : limits_.response_timeout_ms);
}

Upstream* Loop::take_idle(Backend& backend, bool idempotent) {
  Upstream* upstream = backend.idle;
  if (upstream == nullptr) return nullptr;
  if (!idempotent) {
    // A request that must not be sent twice gets a connection its server has hardly had time to tire of, looked at
    // once more; what remains is the time of one way on the network.
    char byte = 0;
    const bool young = now_ - upstream->idle_since < kFreshMs;
    if (!young || ::recv(upstream->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN) return nullptr;
  }
  table_.remove_idle(*upstream);
  upstream->reused = true;
  upstream->keep = false;
  upstream->scanned = 0;
  return upstream;
}

Upstream* Loop::open_upstream(Backend& backend) {
  const Address& address = backend.spec->address;
  const int fd = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return nullptr;
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  const bool now = ::connect(fd, address.get(), address.length) == 0;
  if (!now && errno != EINPROGRESS) {
    ::close(fd);
    return nullptr;
  }
  auto owned = std::make_unique<Upstream>(pool_);
  Upstream& upstream = *owned;
  upstream.kind = Peer::Kind::kUpstream;
  upstream.fd = fd;
  upstream.backend = &backend;
  upstream.connecting = !now;
  upstream.writable = now;
  if (!watch(upstream)) {
    ::close(fd);
    return nullptr;
  }
  upstreams_.emplace(&upstream, std::move(owned));
  return &upstream;
}

void Loop::upstream_failed(Client& client, bool at_connect, int status) {
  const Backend* failed = client.backend;
  if (at_connect && client.backend != nullptr) client.backend->avoid_until = now_ + kAvoidMs;
  drop_upstream(client);
  const bool repeatable = (!client.anything_sent || client.replayable) && client.attempts < 2;
  // After a refused connection only another Backend is worth a try; after a broken one, a new connection is.
  const bool another = !at_connect || LoopTable::choose(*client.route, failed, now_) != failed;
  if (repeatable && another) {
    ++client.attempts;
    connect_backend(client, true, at_connect ? failed : nullptr);
    return;
  }
  answer(client, status, {}, false);
}

void Loop::drop_upstream(Client& client) {
  if (client.upstream != nullptr) close_upstream(*std::exchange(client.upstream, nullptr));
  if (client.backend != nullptr) table_.count_out(*std::exchange(client.backend, nullptr));
}

void Loop::leave_route(Client& client) {
  if (client.route != nullptr) table_.release(*std::exchange(client.route, nullptr));
}

void Loop::close_upstream(Upstream& upstream) {
  if (upstream.dead) return;
  if (upstream.client == nullptr && upstream.backend != nullptr) table_.remove_idle(upstream);
  upstream.client = nullptr;
  upstream.backend = nullptr;
  upstream.in.release();
  close_fd(upstream);
  dead_upstreams_.push_back(&upstream);
}

}  // namespace paastech::ingress
