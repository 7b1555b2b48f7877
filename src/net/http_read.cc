// How a session reads a request: strictly, within limits, and with a sentence for whatever is wrong (threats 12, 22).
#include <algorithm>

#include "net/http_parser.h"
#include "net/http_session.h"

namespace paastech::net {
namespace {

constexpr std::size_t kBodyRead = 16 << 10;
constexpr std::size_t kChunkOverhead = 16 << 10;  // of buffered chunk extensions and trailers

std::string_view view(const beast::flat_buffer& buffer) {
  const asio::const_buffer held = buffer.data();
  return {static_cast<const char*>(held.data()), held.size()};
}

// "GET / HTTP/2.0": sound but for the version. Anything else that fails there is no request line at all.
bool names_another_version(std::string_view head) {
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const std::size_t mark = line.rfind(" HTTP/");
  const auto digit = [&line](std::size_t at) { return line[at] >= '0' && line[at] <= '9'; };
  return mark != std::string_view::npos && std::ranges::count(line, ' ') == 2 && line.size() == mark + 9 &&
         digit(mark + 6) && line[mark + 7] == '.' && digit(mark + 8);
}

}  // namespace

HttpSession::Read HttpSession::too_slow(HttpSession& self) {
  return self.refuse(408, "deadline_exceeded", "the request did not arrive in time", "send it without pauses");
}

// Leaves in `head` the raw head, which is still in the buffer too.
Task<HttpSession::Read> HttpSession::read_head(std::shared_ptr<HttpSession> self, std::string& head) {
  std::size_t searched = 0;
  if (view(self->buffer_).starts_with("\r\n")) self->buffer_.consume(2);  // RFC 9112 2.2: one is tolerated
  for (;;) {
    const std::string_view held = view(self->buffer_);
    const std::size_t end = held.find("\r\n\r\n", searched);
    const std::size_t size = end == std::string_view::npos ? held.size() : end + 4;
    if (size > self->limits_.header_bytes)
      co_return self->refuse(431, "invalid_argument", "the request line and headers are longer than the limit",
                             "send fewer or shorter headers");
    if (end != std::string_view::npos) {
      head.assign(held.substr(0, size));
      co_return Read::kRequest;
    }
    searched = held.size() < 3 ? 0 : held.size() - 3;
    const ErrorCode error = co_await fill(self, kHeadRead);
    if (self->reading_.expired() && !self->gone_) co_return too_slow(*self);
    if (error) co_return Read::kGone;
  }
}

Task<HttpSession::Read> HttpSession::read_request(std::shared_ptr<HttpSession> self, Incoming& incoming) {
  std::string raw_head;
  const Read got_head = co_await read_head(self, raw_head);
  if (got_head != Read::kRequest) co_return got_head;
  if (const Status sound = check_raw_head(raw_head); !sound)
    co_return self->refuse(400, "invalid_argument", sound.error().message);
  http::request_parser<PieceBody> parser;
  parser.header_limit(static_cast<std::uint32_t>(raw_head.size() + 1));
  parser.body_limit(self->limits_.body_bytes);
  const auto too_long = [&self] {
    return self->refuse(413, "resource_exhausted", "the request body is longer than the limit", "send a shorter one");
  };
  const beast::error_code bad_head = feed(parser, self->buffer_);
  if (bad_head == http::error::bad_version && names_another_version(raw_head))
    co_return self->refuse(505, "invalid_argument", "only HTTP/1.1 and HTTP/1.0 are spoken here");
  const Headers headers = to_headers(parser.get());
  const bool http_1_1 = parser.get().version() == 11;
  ServerRequest& request = incoming.request;
  request.method = std::string(parser.get().method_string());
  // A bad length and the like come before "too long": an ambiguous message is refused as such.
  if (bad_head && bad_head != http::error::body_limit)
    co_return self->refuse(400, "invalid_argument", "the request head is not valid HTTP");
  if (const Status sound = check_framing(headers, http_1_1); !sound)
    co_return self->refuse(400, "invalid_argument", sound.error().message);
  if (bad_head) co_return too_long();
  if (!parser.is_header_done()) co_return self->refuse(400, "invalid_argument", "the request head is not valid HTTP");
  const Result<Target> target = parse_target(std::string_view(parser.get().target()));
  if (!target) co_return self->refuse(400, "invalid_argument", target.error().message);

  const std::optional<std::string> expects = headers.find("Expect");
  if (expects && !same_name(*expects, "100-continue"))
    co_return self->refuse(417, "invalid_argument", "the only Expect understood is 100-continue");
  if (expects && http_1_1 && !parser.is_done() && self->buffer_.size() == 0) {
    std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    const ErrorCode error = co_await send(self, std::move(go_on));
    if (error) co_return Read::kGone;
  }
  for (;;) {
    const beast::error_code bad = feed(parser, self->buffer_);
    if (bad == http::error::body_limit) co_return too_long();
    if (bad || (!parser.is_done() && self->buffer_.size() > kChunkOverhead))
      co_return self->refuse(400, "invalid_argument", "the request body is not valid HTTP");
    if (parser.is_done()) break;
    const ErrorCode error = co_await fill(self, kBodyRead);
    if (self->reading_.expired() && !self->gone_) co_return too_slow(*self);
    if (error) co_return Read::kGone;
  }
  request.path = target->path;
  request.query = target->query;
  request.headers = headers;
  request.body = std::move(parser.get().body());
  request.peer = self->peer_;
  request.id = self->id_;
  incoming.http_1_1 = http_1_1;
  incoming.keep_alive = http_1_1 && parser.keep_alive();
  co_return Read::kRequest;
}

}  // namespace paastech::net
