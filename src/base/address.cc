#include "base/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <charconv>
#include <cstring>

#include "base/text.h"

namespace paastech {

Result<Address> parse_address(const std::string& text, int port) {
  if (port < 0 || port > 65535) return fail(Code::kInvalidArgument, fmt::format("{} is not a port", port));
  Address out;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
  if (::inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<std::uint16_t>(port));
    out.length = sizeof(sockaddr_in);
    return out;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
  if (::inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<std::uint16_t>(port));
    out.length = sizeof(sockaddr_in6);
    return out;
  }
  return fail(Code::kInvalidArgument, fmt::format("\"{}\" is not an IP address", text),
              "give an IPv4 or IPv6 address, for instance 127.0.0.1");
}

std::string address_text(const Address& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.storage.ss_family == AF_INET) {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_addr, text, sizeof text);
  } else if (address.storage.ss_family == AF_INET6) {
    const in6_addr& v6 = reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6))
      ::inet_ntop(AF_INET, v6.s6_addr + 12, text, sizeof text);
    else
      ::inet_ntop(AF_INET6, &v6, text, sizeof text);
  }
  return text;
}

CidrList::Bytes CidrList::bytes_of(const Address& address) {
  Bytes out{};
  if (address.storage.ss_family == AF_INET) {
    out[10] = out[11] = 0xff;
    std::memcpy(out.data() + 12, &reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_addr, 4);
  } else if (address.storage.ss_family == AF_INET6) {
    std::memcpy(out.data(), &reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_addr, 16);
  }
  return out;
}

Result<CidrList> CidrList::parse(std::string_view text) {
  CidrList list;
  std::string blanks(text);
  for (char& c : blanks)
    if (c == ',' || c == '\t') c = ' ';
  for (const std::string& item : split(blanks, ' ')) {
    if (item.empty()) continue;
    const std::size_t slash = item.find('/');
    TRY_ASSIGN(const Address address, parse_address(item.substr(0, slash), 0));
    const int shift = address.storage.ss_family == AF_INET ? 96 : 0;
    Network network{bytes_of(address), 128};
    if (slash != std::string::npos) {
      int prefix = -1;
      const auto [end, error] = std::from_chars(item.data() + slash + 1, item.data() + item.size(), prefix);
      if (error != std::errc{} || end != item.data() + item.size() || prefix < 0 || prefix + shift > 128)
        return fail(Code::kInvalidArgument, fmt::format("\"{}\" is not a network", item), "write it like 10.0.0.0/8");
      network.prefix = prefix + shift;
    }
    list.networks_.push_back(network);
  }
  return list;
}

bool CidrList::contains(const Address& address) const {
  const Bytes bytes = bytes_of(address);
  for (const Network& network : networks_) {
    int i = 0;
    while (i < network.prefix) {
      const int bits = network.prefix - i < 8 ? network.prefix - i : 8;
      const std::size_t at = static_cast<std::size_t>(i / 8);
      if (((bytes[at] ^ network.bytes[at]) >> (8 - bits)) != 0) break;
      i += bits;
    }
    if (i >= network.prefix) return true;
  }
  return false;
}

bool is_public(const Address& address) {
  // The relays of IPv6 (64:ff9b::/96, 2002::/16, 2001::/32) lead to IPv4 addresses that are not looked at: none of
  // them.
  static const CidrList kSpecial =
      CidrList::parse(
          "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
          "192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 "
          "::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20 5f00::/16 fc00::/7 "
          "fe80::/10 fec0::/10 ff00::/8")
          .value();
  return !kSpecial.contains(address);
}

}  // namespace paastech
