// A request on its way to a Backend and the response on its way back.
#include <algorithm>

#include "ingress/loop.h"

namespace paastech::ingress {
namespace {
constexpr std::size_t kMaxIdle = 512;  // unused connections per Backend and loop; as many as a busy page of wrk -c512
}

bool Loop::step_exchange(Client& client) {
  if (client.upstream->connecting) return false;
  bool moved = push_request(client);
  if (client.dead || client.state != Client::State::kExchange || client.upstream->connecting) return !client.dead;
  if (pull_response(client)) moved = true;
  return moved && !client.dead;
}

bool Loop::push_request(Client& client) {
  if (client.request_broken) return false;
  if (client.request_sent < client.request.size() && !push_pending(client)) return false;
  return !client.request_body.done() && push_body(client);
}

bool Loop::push_pending(Client& client) {
  Upstream& upstream = *client.upstream;
  while (client.request_sent < client.request.size()) {
    if (!upstream.writable) return false;
    const std::ptrdiff_t n = send_some(upstream, client.request.view().substr(client.request_sent));
    if (n < 0) {
      // The Backend may have answered before it closed: what it said is read before this is a failure.
      client.request_broken = true;
      upstream.readable = true;
      return false;
    }
    client.anything_sent = client.anything_sent || n > 0;
    client.request_sent += static_cast<std::size_t>(n);
    if (n > 0 && !client.response_started) deadline(client, limits_.response_timeout_ms);
  }
  if (!client.replayable) {
    client.request.release();
    client.request_sent = 0;
  }
  return true;
}

bool Loop::push_body(Client& client) {
  std::string_view data = client.in.view();
  const bool scratch = data.empty();
  if (scratch) {
    if (client.readable) data = receive(client, client.in);
    if (client.eof || client.broken) kill(client);  // it will never be whole; nobody is there to be told
    if (data.empty()) {
      await_body(client);
      return false;
    }
  }
  client.awaits_continue = false;
  client.pace.came(pace_terms(), now_, data.size());
  composed_.clear();
  const std::uint64_t before = client.request_body.total();
  std::size_t consumed = 0;
  while (consumed < data.size() && !client.request_body.done()) {
    const BodyReader::Step step = client.request_body.next(data.substr(consumed));
    const bool too_long = over_body_limit(client.request_body.total());
    if (step.bad || too_long) {
      if (client.response_started)
        kill(client);
      else
        answer(client, too_long ? 413 : 400, too_long ? "" : "the request body is malformed", true);
      return false;
    }
    write_body(composed_, client.request_framing, step.payload);
    consumed += step.consumed;
  }
  add(client.route->served->received_bytes, static_cast<std::int64_t>(client.request_body.total() - before));
  if (client.request_body.done()) end_body(composed_, client.request_framing);
  if (scratch)
    client.in.append(data.substr(consumed));
  else
    client.in.consume(consumed);
  if (client.in.empty()) client.in.release();
  deadline(client, client.request_body.done() ? limits_.response_timeout_ms : limits_.stall_timeout_ms);
  client.replayable = false;
  client.request.append(composed_.view());
  push_pending(client);
  return true;
}

// Who streams in both directions may be silent in one: the pace counts until the response begins. Nor does it count
// while the client waits for the Application's word that its body is wanted (RFC 9110 section 10.1.1).
void Loop::await_body(Client& client) {
  if (client.dead || client.response_started || client.awaits_continue || !client.pace.wait(now_)) return;
  deadline(client, std::min(client.pace.left_ms(), limits_.stall_timeout_ms));
}

bool Loop::pull_response(Client& client) {
  Upstream& upstream = *client.upstream;
  if (!client.out.empty() && !flush(client)) return false;
  if (!upstream.readable) return false;
  std::string_view data = receive(upstream, upstream.in);
  if (data.empty()) {
    if (!upstream.eof && !upstream.broken) return false;
    upstream_ended(client);
    return true;
  }
  composed_.clear();
  const bool with_head = !client.response_started;
  if (with_head) {
    client.replayable = false;
    if (client.request_sent >= client.request.size()) {
      client.request.release();
      client.request_sent = 0;
    }
    HeadStep step = HeadStep::kTaken;
    while (!client.response_started && step == HeadStep::kTaken) step = take_response_head(client, data);
    if (step == HeadStep::kOver) return true;
    if (step == HeadStep::kIncomplete) return send_client(client, composed_.view());  // an interim response, or nothing
  }
  return take_response_body(client, data, with_head);
}

Loop::HeadStep Loop::take_response_head(Client& client, std::string_view& data) {
  Upstream& upstream = *client.upstream;
  bool bad = false;
  const std::size_t length = find_head(data, upstream.scanned, bad);
  if (bad || length > kMaxHead || (length == 0 && data.size() > kMaxHead)) {
    answer(client, 502,
           bad ? "the application sent a head whose lines do not end in CR LF"
               : "the application sent a head of over 32 KiB",
           false);
    return HeadStep::kOver;
  }
  if (length == 0) {
    if (upstream.in.empty())
      upstream.in.append(data);
    else
      upstream.in.consume(upstream.in.size() - data.size());
    return HeadStep::kIncomplete;
  }
  upstream.scanned = 0;
  const Verdict verdict = parse_response(data.substr(0, length), response_head_);
  data.remove_prefix(length);
  if (!verdict.ok() || (response_head_.status == 101 && !client.upgrade)) {
    answer(client, 502, "the application sent no valid HTTP, or switched protocols without being asked", false);
    return HeadStep::kOver;
  }
  if (response_head_.status == 101) {
    begin_tunnel(client, data);
    return HeadStep::kOver;
  }
  if (response_head_.status < 200) {  // interim responses go on, but not to HTTP/1.0 (RFC 9110 section 15.2)
    Answering answering{client.request_id(), Framing::kNone, Persistence::kImplicit, false};
    if (!client.http10) write_response_head(composed_, response_head_, answering);
    if (response_head_.status == 100 && std::exchange(client.awaits_continue, false)) await_body(client);
    return data.empty() ? (upstream.in.release(), HeadStep::kIncomplete) : HeadStep::kTaken;
  }
  begin_response(client);
  return HeadStep::kTaken;
}

void Loop::begin_response(Client& client) {
  const ResponseHead& head = response_head_;
  Upstream& upstream = *client.upstream;
  const bool no_body = client.head_only || head.status == 204 || head.status == 304;
  Framing from = Framing::kUntilClose;
  if (no_body)
    from = Framing::kNone;
  else if (head.chunked)
    from = Framing::kChunked;
  else if (head.has_length)
    from = Framing::kLength;
  client.response_body.start(from, head.length);
  client.response_framing = from;
  if (from == Framing::kChunked || from == Framing::kUntilClose)
    client.response_framing = client.http10 ? Framing::kUntilClose : Framing::kChunked;
  if (client.response_framing == Framing::kUntilClose || stopping_ || !client.request_body.done())
    client.keep_alive = false;
  upstream.keep = from != Framing::kUntilClose && !(head.status == 204 && (head.length > 0 || head.chunked)) &&
                  (head.minor == 1 ? !head.connection_close : head.connection_keep_alive);
  Answering answering;
  answering.request_id = client.request_id();
  answering.framing = client.response_framing;
  answering.keep_length = head.status != 204;
  if (!client.keep_alive)
    answering.persistence = Persistence::kClose;
  else if (client.http10)
    answering.persistence = Persistence::kKeepAlive;
  write_response_head(composed_, head, answering);
  client.response_started = true;
  client.answer_class = static_cast<std::uint8_t>(head.status / 100);
}

void Loop::count_answer(Client& client) {
  if (client.answer_class == 0) return;
  add(client.route->slot->by_class[client.answer_class - 1u], 1);
  client.answer_class = 0;
  if (client.given_us == 0) return;
  const std::int64_t us = now_us_ - client.given_us;
  add(client.route->served->latency_us, us);
  add(client.route->served->by_latency[latency_bucket(us)], 1);
}

bool Loop::take_response_body(Client& client, std::string_view data, bool with_head) {
  Upstream& upstream = *client.upstream;
  BodyReader& body = client.response_body;
  const Framing from = body.framing();
  deadline(client, limits_.stall_timeout_ms);
  bool sent = false;
  while (!data.empty() && !body.done()) {
    const BodyReader::Step step = body.next(data);
    if (step.bad) {
      if (with_head) {
        client.response_started = false;
        answer(client, 502, "the application sent a malformed body", false);
      } else {
        kill(client);  // the client sees the response cut short
      }
      return true;
    }
    data.remove_prefix(step.consumed);
    if (!step.payload.empty()) add(client.route->slot->sent_bytes, static_cast<std::int64_t>(step.payload.size()));
    if (composed_.empty() && from != Framing::kChunked && client.response_framing == from) {
      if (!send_client(client, step.payload)) return false;  // nothing to add: from the read buffer to the socket
      sent = true;
    } else {
      write_body(composed_, client.response_framing, step.payload);
    }
  }
  count_answer(client);
  if (body.done()) end_body(composed_, client.response_framing);
  upstream.in.release();
  if (!(sent && composed_.empty()) && !send_client(client, composed_.view())) return false;
  if (body.done()) finish_exchange(client, data.empty());
  return true;
}

void Loop::upstream_ended(Client& client) {
  Upstream& upstream = *client.upstream;
  if (!client.response_started) {
    if (upstream.in.empty())
      upstream_failed(client, false, 502);
    else
      answer(client, 502, "the application broke off in the middle of its answer", false);
    return;
  }
  if (client.response_body.framing() == Framing::kUntilClose && !upstream.broken) {
    composed_.clear();
    end_body(composed_, client.response_framing);
    if (send_client(client, composed_.view())) finish_exchange(client, false);
    return;
  }
  if (client.response_framing == Framing::kUntilClose) {
    // Only a reset tells this client that the body is not whole.
    const linger reset{1, 0};
    ::setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  }
  kill(client);
}

void Loop::finish_exchange(Client& client, bool upstream_clean) {
  Upstream& upstream = *client.upstream;
  Backend& backend = *client.backend;
  const bool request_done = client.request_body.done() && client.request.empty() && !client.request_broken;
  const bool reusable = upstream_clean && request_done && upstream.keep && !upstream.hangup && !upstream.eof &&
                        !upstream.broken && backend.routes > 0 && !stopping_ && backend.idle_count < kMaxIdle;
  if (reusable) {
    upstream.client = nullptr;
    upstream.idle_since = now_;
    LoopTable::push_idle(backend, upstream);
    deadline(upstream, limits_.upstream_idle_ms);
    client.upstream = nullptr;
    client.backend = nullptr;
    table_.count_out(backend);
  } else {
    drop_upstream(client);
  }
  leave_route(client);
  if (client.keep_alive && request_done)
    end_request(client);
  else
    begin_close(client, !request_done);
}

void Loop::end_request(Client& client) {
  client.state = Client::State::kRequest;
  client.scanned = 0;
  client.request.release();
  client.request_sent = 0;
  deadline(client, client.out.empty() ? limits_.idle_timeout_ms : limits_.stall_timeout_ms);
  if (client.in.empty() && (stopping_ || client.eof)) begin_close(client, false);
}

}  // namespace paastech::ingress
