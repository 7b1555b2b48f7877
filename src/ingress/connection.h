#pragma once
// The two kinds of connection a loop holds. Owner: the loop (connections are recycled); thread: the loop's.
#include <array>
#include <string_view>

#include "base/address.h"
#include "ingress/body_framing.h"
#include "ingress/body_pace.h"
#include "ingress/buffer.h"
#include "ingress/pages.h"
#include "ingress/timer_wheel.h"

namespace paastech::ingress {

struct Backend;
struct Client;
struct Route;

// One descriptor in the loop's epoll set, edge-triggered: the flags remember what the edges said.
struct Peer : TimerNode {
  enum class Kind : std::uint8_t { kListener, kWake, kClient, kUpstream };
  Kind kind = Kind::kClient;
  int fd = -1;
  bool readable = false;
  bool writable = false;
  bool hangup = false;  // the other side has closed (at least its half): read until end of file
  bool eof = false;     // end of file was read
  bool broken = false;  // an error was read or written
  bool dead = false;    // closed in this turn of the loop; recycled at its end
};

// A connection to a Backend: in use by one client, or idle in the Backend's list.
struct Upstream : Peer {
  explicit Upstream(BufferPool& pool) : in(pool) {}
  Backend* backend = nullptr;
  Client* client = nullptr;  // null: idle
  Upstream* previous = nullptr;
  Upstream* next = nullptr;
  std::int64_t idle_since = 0;
  bool connecting = false;
  bool reused = false;
  bool keep = false;        // the response allows another request
  std::size_t scanned = 0;  // of a partial response head
  Buffer in;                // a partial response head
};

// A visitor's connection and the exchange that is on it. One exchange at a time; pipelined requests wait in `in`.
struct Client : Peer {
  explicit Client(BufferPool& pool) : in(pool), out(pool), request(pool) {}
  enum class State : std::uint8_t { kRequest, kExchange, kTunnel, kClosing };
  State state = State::kRequest;
  Buffer in;       // received and not handled
  Buffer out;      // to be sent to the client
  Buffer request;  // to be sent to the upstream; kept whole while the request may have to be sent again
  std::size_t scanned = 0;
  std::size_t request_sent = 0;  // bytes of `request` handed to the upstream
  std::size_t drained = 0;       // bytes thrown away while closing
  Client* queue_next = nullptr;  // in the loop's list of connections that have more to do
  Upstream* upstream = nullptr;
  Route* route = nullptr;
  Backend* backend = nullptr;  // counted as in flight there
  BodyReader request_body;
  BodyPace pace;  // of the request body
  BodyReader response_body;
  Framing request_framing = Framing::kNone;
  Framing response_framing = Framing::kNone;  // towards the client
  bool queued = false;
  bool http10 = false;
  bool keep_alive = true;
  bool head_only = false;  // HEAD
  bool idempotent = false;
  bool replayable = false;       // `request` holds all of it
  bool anything_sent = false;    // some of the request reached a socket
  bool request_broken = false;   // the upstream takes no more of it
  bool awaits_continue = false;  // asked whether its body is wanted, and neither was told nor began to send it
  bool upgrade = false;
  bool response_started = false;  // the final head has been handed to the client
  bool half_closed_up = false;
  bool half_closed_down = false;
  bool shut = false;  // closing: our half is shut
  bool trusted = false;
  std::uint8_t attempts = 0;
  std::uint8_t answer_class = 0;  // of an answer's head that is not counted yet: 1 … 5; 0: none
  std::int64_t given_us = 0;      // when its head came, of a request that was given to a Backend; 0: it was not
  PageKind page_kind = PageKind::kText;
  std::uint8_t peer_length = 0;
  std::uint8_t request_id_length = 0;
  std::array<char, 46> peer_text;  // INET6_ADDRSTRLEN
  std::array<char, 64> request_id_text;
  std::string_view peer() const { return {peer_text.data(), peer_length}; }
  std::string_view request_id() const { return {request_id_text.data(), request_id_length}; }
};

}  // namespace paastech::ingress
