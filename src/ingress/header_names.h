#pragma once
// The header names the router treats specially. Pure.
#include <cstdint>
#include <string_view>

namespace paastech::ingress {

enum class Name : std::uint8_t {
  kOther,
  kHost,
  kConnection,
  kContentLength,
  kTransferEncoding,
  kUpgrade,
  kExpect,
  kHopByHop,      // Keep-Alive, Proxy-*, Proxy, TE, Trailer: never forwarded (trailers are dropped)
  kForwardedFor,  // X-Forwarded-For
  kForwarded,     // RFC 7239
  kForwardedHost,
  kForwardedPort,
  kForwardedProto,
  kForwardedMore,  // any other X-Forwarded-*, X-Real-IP: only a trusted proxy may say it
  kRequestId,
  kAccept,
  kLookalike,  // a special name spelt with "_", which CGI-like Applications read as the same variable: dropped
};

Name name_of(std::string_view name);
bool equals_ignoring_case(std::string_view a, std::string_view lower_case_b);

}  // namespace paastech::ingress
