#pragma once
// Socket addresses, and the list of proxies whose word is believed. Thread: values.
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace paastech {

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// An IPv4 or IPv6 address as text, never a name: nothing here waits for DNS. Failure: kInvalidArgument.
Result<Address> parse_address(const std::string& text, int port);
std::string address_text(const Address& address);  // without the port; an IPv4-mapped address as IPv4
// One host's address that is globally reachable: none of the IANA IPv4 and IPv6 Special-Purpose Address Registries
// (RFC 6890 and its updates), of which loopback, link-local and private ones are, and no group's.
bool is_public(const Address& address);

class CidrList {
 public:
  // "10.0.0.0/8, ::1": networks and single addresses, separated by commas or blanks. Failure: kInvalidArgument.
  static Result<CidrList> parse(std::string_view text);
  bool contains(const Address& address) const;
  bool empty() const { return networks_.empty(); }

 private:
  using Bytes = std::array<std::uint8_t, 16>;  // IPv4 as ::ffff:a.b.c.d
  static Bytes bytes_of(const Address& address);
  struct Network {
    Bytes bytes{};
    int prefix = 128;
  };
  std::vector<Network> networks_;
};

}  // namespace paastech
