// Bytes in and out of a loop's sockets, and the ways a client's connection ends.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "ingress/loop.h"

namespace paastech::ingress {
namespace {
constexpr std::size_t kRelaxed = std::size_t{4} << 20;  // above this much held by slow connections, reads get small
constexpr std::size_t kDrain = std::size_t{256} << 10;  // bytes read and thrown away while closing
}  // namespace

void Loop::close_fd(Peer& peer) {
  wheel_.remove(peer);
  ::close(peer.fd);  // leaves the epoll set with it
  peer.fd = -1;
  peer.dead = true;
}

void Loop::kill(Client& client) {
  if (client.dead) return;
  drop_upstream(client);
  leave_route(client);
  close_fd(client);
  for (Buffer* buffer : {&client.in, &client.out, &client.request}) buffer->release();
  dead_clients_.push_back(&client);
}

void Loop::begin_close(Client& client, bool linger) {
  client.state = Client::State::kClosing;
  client.in.release();
  client.request.release();
  if (!linger && client.out.empty()) {
    kill(client);
    return;
  }
  deadline(client, client.out.empty() ? limits_.close_timeout_ms : limits_.stall_timeout_ms);
}

bool Loop::step_closing(Client& client) {
  if (!client.out.empty() && !flush(client)) return false;
  if (!client.shut) {
    ::shutdown(client.fd, SHUT_WR);
    client.shut = true;
    deadline(client, limits_.close_timeout_ms);
  }
  if (client.readable) {
    const std::string_view thrown = receive(client, client.in);
    client.drained += thrown.size();
    if (!thrown.empty() && client.drained < kDrain) return true;
  }
  if (client.eof || client.broken || client.drained >= kDrain) kill(client);
  return false;
}

std::size_t Loop::read_size() const { return pool_.in_use() > kRelaxed ? 4096 : kReadSize; }

std::string_view Loop::receive(Peer& peer, Buffer& in) {
  const bool scratch = in.empty();
  std::size_t want = read_size();
  char* where = scratch_.get();
  if (!scratch) {  // grow a held head by doubling, so that slow senders hold little
    want = in.room() >= 256 ? in.room() : std::max<std::size_t>(1024, in.size());
    where = in.prepare(want);
  }
  const ssize_t n = ::recv(peer.fd, where, want, 0);
  if (n > 0) {
    const std::size_t got = static_cast<std::size_t>(n);
    // A short read has emptied the socket; the next byte makes a new edge (epoll(7)). Not so after a hang-up.
    if (got < want && !peer.hangup) peer.readable = false;
    if (scratch) return {where, got};
    in.commit(got);
    return in.view();
  }
  if (n < 0 && errno == EINTR) return {};
  peer.readable = false;
  if (n == 0)
    peer.eof = true;
  else if (errno != EAGAIN)
    peer.broken = true;
  return {};
}

std::ptrdiff_t Loop::send_some(Peer& peer, std::string_view bytes) {
  const ssize_t n = ::send(peer.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (n < 0) {
    if (errno == EINTR) return 0;
    if (errno != EAGAIN) {
      peer.broken = true;
      return -1;
    }
  }
  // A short write has filled the socket; room makes a new edge.
  if (n < static_cast<ssize_t>(bytes.size())) peer.writable = false;
  return n < 0 ? 0 : n;
}

bool Loop::flush(Client& client) {
  while (!client.out.empty()) {
    if (!client.writable) return false;
    const std::ptrdiff_t n = send_some(client, client.out.view());
    if (n < 0) {
      kill(client);
      return false;
    }
    if (n > 0) deadline(client, limits_.stall_timeout_ms);
    client.out.consume(static_cast<std::size_t>(n));
  }
  client.out.release();
  return true;
}

bool Loop::send_client(Client& client, std::string_view bytes) {
  if (client.out.empty() && client.writable && !bytes.empty()) {
    const std::ptrdiff_t n = send_some(client, bytes);
    if (n < 0) {
      kill(client);
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  client.out.append(bytes);
  return true;
}

}  // namespace paastech::ingress
