#pragma once
// Heads as they leave the router: hop-by-hop fields gone, forwarding fields set, the body framed anew. Pure.
#include <string_view>

#include "ingress/body_framing.h"
#include "ingress/head_parser.h"

namespace paastech::ingress {

struct Forwarding {
  std::string_view peer;      // the address the request came from, as text
  bool peer_trusted = false;  // its own X-Forwarded-* and request id may stand
  std::string_view request_id;
  Framing framing = Framing::kNone;
  bool upgrade = false;  // Upgrade and Connection: upgrade go on
};
void write_request_head(Buffer& out, const RequestHead& head, const Forwarding& forwarding);

enum class Persistence : std::uint8_t { kImplicit, kKeepAlive, kClose, kUpgrade };  // the Connection header to send
struct Answering {
  std::string_view request_id;
  Framing framing =
      Framing::kNone;  // towards the client; kNone keeps a Content-Length that describes no body (HEAD, 304)
  Persistence persistence = Persistence::kImplicit;
  bool keep_length = true;  // false: Content-Length must go (1xx, 204)
};
void write_response_head(Buffer& out, const ResponseHead& head, const Answering& answering);

}  // namespace paastech::ingress
