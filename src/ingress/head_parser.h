#pragma once
// HTTP/1.x message heads, parsed strictly (RFC 9110, RFC 9112; threat 22): whatever two parties could read differently
// is refused, never repaired. Pure: no I/O, no allocation; results are views into the text given. Thread: any.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "ingress/header_names.h"

namespace paastech::ingress {

inline constexpr std::size_t kMaxHead = std::size_t{32} << 10;  // nginx: 4 x 8 KiB; HAProxy: 16 KiB, 101 fields
inline constexpr std::size_t kMaxFields = 100;
inline constexpr std::size_t kMaxTarget = std::size_t{8} << 10;
inline constexpr std::size_t kMaxHost = 253;  // RFC 1035 section 2.3.4, as text without the last dot

// status 0: accepted. Otherwise the HTTP status to answer and a sentence fit for the sender.
struct Verdict {
  int status = 0;
  std::string_view reason = {};
  bool ok() const { return status == 0; }
};

struct Field {
  Name id = Name::kOther;
  std::string_view name;
  std::string_view value;  // without the white space around it
  std::string_view line;   // with its CRLF
};

// What request and response heads share. After parsing, `chunked` and `has_length` are never both set.
struct Head {
  int minor = 1;  // HTTP/1.minor
  std::array<Field, kMaxFields> fields;
  std::size_t count = 0;
  bool connection_close = false;
  bool connection_keep_alive = false;
  bool connection_upgrade = false;
  bool connection_named = false;  // Connection names other headers, which are then hop-by-hop
  bool chunked = false;
  bool has_length = false;
  std::uint64_t length = 0;
  std::string_view upgrade;
  std::span<const Field> all() const { return {fields.data(), count}; }
  // True where a Connection header names this field. Those the router needs itself cannot be named away.
  bool named_by_connection(const Field& field) const;
};

struct RequestHead : Head {
  std::string_view method;
  std::string_view target;  // origin-form or "*", also where absolute-form came; an absolute-form without path has "/"
  bool target_needs_slash = false;  // absolute-form "http://host?query": target begins at the "?"
  std::string_view host;            // as sent; empty only on HTTP/1.0
  std::string_view accept;
  bool expect_continue = false;
  bool idempotent = false;  // RFC 9110 section 9.2.2
};

struct ResponseHead : Head {
  int status = 0;
  std::string_view status_text;  // "200 OK"
};

// The length of the head at the front of data with its empty line; 0: not all there yet. `scanned` is where an earlier
// call on a shorter prefix stopped, and is moved on. `bad` turns true at a line that does not end in CRLF.
std::size_t find_head(std::string_view data, std::size_t& scanned, bool& bad);
Verdict parse_request(std::string_view head, RequestHead& out);
Verdict parse_response(std::string_view head, ResponseHead& out);

// Lower case, without port and one trailing dot, into `out` (kMaxHost bytes). Empty: not a host name we accept.
std::string_view normalize_host(std::string_view host, std::span<char, kMaxHost> out);
std::string_view host_port(std::string_view host);  // the digits behind the colon, or empty

}  // namespace paastech::ingress
