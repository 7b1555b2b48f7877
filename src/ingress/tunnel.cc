// Upgraded connections (WebSocket and others): bytes both ways, each direction with its own back-pressure and its own
// end.
#include "ingress/loop.h"

namespace paastech::ingress {

void Loop::begin_tunnel(Client& client, std::string_view early) {
  const Answering answering{client.request_id(), Framing::kNone, Persistence::kUpgrade, false};
  write_response_head(composed_, response_head_, answering);
  composed_.append(early);
  client.upstream->in.release();
  client.response_started = true;
  client.answer_class = 1;  // 101
  count_answer(client);
  add(client.route->slot->sent_bytes, static_cast<std::int64_t>(early.size()));
  add(client.route->served->received_bytes, static_cast<std::int64_t>(client.in.size()));
  client.state = Client::State::kTunnel;
  client.half_closed_up = client.half_closed_down = false;
  const int one = 1;  // a peer that is gone without a word is noticed by the kernel
  ::setsockopt(client.fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
  ::setsockopt(client.upstream->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
  client.request.append(client.in.view());
  client.in.release();
  deadline(client, limits_.tunnel_timeout_ms);
  send_client(client, composed_.view());
}

bool Loop::step_tunnel(Client& client) {
  bool moved = tunnel_up(client);
  if (!client.dead && tunnel_down(client)) moved = true;
  if (client.dead) return false;
  if (client.half_closed_up && client.half_closed_down) {
    kill(client);
    return false;
  }
  return moved;
}

bool Loop::tunnel_up(Client& client) {
  Upstream& upstream = *client.upstream;
  while (!client.request.empty()) {
    if (!upstream.writable) return false;
    const std::ptrdiff_t n = send_some(upstream, client.request.view());
    if (n < 0) {
      kill(client);
      return false;
    }
    client.request.consume(static_cast<std::size_t>(n));
  }
  client.request.release();
  if (!client.readable || client.half_closed_up) return false;
  const std::string_view data = receive(client, client.in);
  if (!data.empty()) {
    add(client.route->served->received_bytes, static_cast<std::int64_t>(data.size()));
    const std::ptrdiff_t n = upstream.writable ? send_some(upstream, data) : 0;
    if (n >= 0) client.request.append(data.substr(static_cast<std::size_t>(n)));
    if (n < 0) kill(client);
    if (n >= 0) deadline(client, limits_.tunnel_timeout_ms);
    return n >= 0;
  }
  if (client.broken) kill(client);
  if (!client.eof || client.dead) return false;
  ::shutdown(upstream.fd, SHUT_WR);
  client.half_closed_up = true;
  return true;
}

bool Loop::tunnel_down(Client& client) {
  Upstream& upstream = *client.upstream;
  if (!client.out.empty() && !flush(client)) return false;
  if (!upstream.readable || client.half_closed_down) return false;
  const std::string_view data = receive(upstream, upstream.in);
  if (!data.empty()) {
    add(client.route->slot->sent_bytes, static_cast<std::int64_t>(data.size()));
    deadline(client, limits_.tunnel_timeout_ms);
    return send_client(client, data);
  }
  if (upstream.broken) kill(client);
  if (!upstream.eof || client.dead) return false;
  ::shutdown(client.fd, SHUT_WR);
  client.half_closed_down = true;
  return true;
}

}  // namespace paastech::ingress
