#pragma once
// Inside net/ only: the pure rules of HTTP/1.1 on the wire (RFC 9110, RFC 9112), without sockets and without Beast.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/http.h"

namespace paastech::net {

bool same_name(std::string_view a, std::string_view b);  // header names: without regard to ASCII case
bool is_token(std::string_view text);                    // RFC 9110 5.6.2
bool is_field_value(std::string_view text);              // no control characters but tab (RFC 9110 5.5)

std::string chunk(std::string_view data);  // with its size line; data must not be empty
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

// The head of a request. kInvalidArgument where method, target or a header could not be sent as it stands.
enum class Framing { kNone, kLength, kChunked };
Result<std::string> request_head(const HttpRequest& request, Framing framing, std::string_view host);

// What is asked for, out of the request target: the path percent-decoded once, the query raw. kInvalidArgument for a
// bad escape, %00, a fragment, or a form other than origin, absolute or `*`.
struct Target {
  std::string path;
  std::string query;
};
Result<Target> parse_target(std::string_view target);

// A request head as it came, up to and including the empty line. kInvalidArgument where lines fold, end otherwise than
// by CRLF, or hold control characters: what one server reads one way and the next another (threat 22).
Status check_raw_head(std::string_view head);
// The same of what the parser made of it: one Host on HTTP/1.1, at most one Content-Length of digits only,
// Transfer-Encoding exactly `chunked`, never with Content-Length and never on HTTP/1.0.
Status check_framing(const Headers& headers, bool http_1_1);

// A small application/problem+json answer (RFC 9457). detail and hint are texts of ours: without quotes or backslashes.
HttpResponse problem(int status, std::string_view code, std::string_view detail, std::string_view hint,
                     std::string_view request_id);

}  // namespace paastech::net
