// A build keeps the Engine's usual capabilities, NET_RAW among them: it may write frames of its own, of any kind.
#include <net/if.h>

#include <boost/asio/ip/udp.hpp>
#include <sstream>

#include "pomegranate/contract_support.h"
#include "pomegranate/names.h"

namespace paastech::pomegranate {
namespace {

using EngineFrames = Contract;

// Datagrams that reach a port of the host by IPv6.
struct HostDatagrams {
  boost::asio::io_context loop;
  boost::asio::ip::udp::socket socket{loop, {boost::asio::ip::udp::v6(), 0}};
  std::uint16_t port() { return socket.local_endpoint().port(); }
  bool any() {
    char byte = 0;
    return ::recv(socket.native_handle(), &byte, 1, MSG_DONTWAIT) >= 0;
  }
};

// The link-local address of an interface once it is certain (proc(5): /proc/net/if_inet6), as 16 bytes in hex.
std::string link_local_of(const std::string& interface) {
  std::istringstream lines(read_file("/proc/net/if_inet6").value_or(""));
  std::string address, index, prefix, scope, flags, name;
  while (lines >> address >> index >> prefix >> scope >> flags >> name) {
    const bool tentative = (std::stoul(flags, nullptr, 16) & 0x40) != 0;
    if (name == interface && scope == "20" && !tentative) return address;
  }
  return {};
}

std::string word(unsigned value) { return fmt::format("{:04x}", value); }

// An Ethernet frame with a datagram of one byte from fe80::2 (RFC 8200, RFC 768), in hex.
std::string frame_to(const std::string& mac, const std::string& address, std::uint16_t port) {
  const std::string from =
      "fe80000000000000"
      "0000000000000002";
  const std::string datagram = word(9) + word(port) + word(9);  // ports and length
  const std::string body = "7800";                              // the byte, filled up to a word
  unsigned sum = 9 + 17;                                        // of the pseudo header: length and protocol
  const std::string summed = from + address + datagram + body;
  for (std::size_t at = 0; at < summed.size(); at += 4)
    sum += static_cast<unsigned>(std::stoul(summed.substr(at, 4), nullptr, 16));
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return mac + "020000000001" + "86dd" + "60000000" + word(9) + "11ff" + from + address + datagram +
         word(~sum & 0xffff) + "78";
}

std::string dockerfile_sending(const std::string& frame, const std::string& mark) {
  return "FROM debian:bookworm\nRUN perl -e 'open F, q{/sys/class/net/eth0/ifindex}; my $i = <F>; "
         "socket(S, 17, 3, 0) or die; for (1 .. 3) { send(S, pack(q{H*}, q{" +
         frame + "}), 0, pack(q{SnlSCCa8}, 17, 0x86dd, $i, 0, 0, 6, q{})) or die $! } print q{sent " + mark +
         "}'\nCMD x\n";
}

TEST_F(EngineFrames, NoneOfIpv6ReachesTheHost) {
  const std::string id = project();
  built(id);
  ASSERT_TRUE(ensure(group(id)).has_ready());  // its bridge has a carrier, and so an address
  const std::string bridge = bridge_name(options_.instance, network_name(options_.instance, id));
  ASSERT_NE(::if_nametoindex(bridge.c_str()), 0u) << bridge;
  if (!std::filesystem::exists("/proc/net/if_inet6")) GTEST_SKIP() << "this kernel has no IPv6";
  std::string address;
  if (!until([&] { return !(address = link_local_of(bridge)).empty(); })) GTEST_SKIP() << "bridges have no IPv6 here";
  std::string mac = *read_file("/sys/class/net/" + bridge + "/address");
  std::erase_if(mac, [](char c) { return c == ':' || c == '\n'; });
  HostDatagrams host;
  const std::string frame = frame_to(mac, address, host.port());
  const v1::BuildResult closed = build(build_spec(id, 2), dockerfile_sending(frame, "one"));
  ASSERT_TRUE(closed.ok()) << closed.message() << build_lines_;
  EXPECT_NE(build_lines_.find("sent one"), std::string::npos) << build_lines_;
  EXPECT_FALSE(host.any());
  // The control: the same without the rule.
  const std::string bridges = bridge_prefix(options_.instance) + "+";
  ASSERT_EQ(run_program({"ip6tables", "-w", "10", "-D", "INPUT", "-i", bridges, "-j", "DROP"})->exit_code, 0);
  ASSERT_TRUE(build(build_spec(id, 3), dockerfile_sending(frame, "two")).ok()) << build_lines_;
  EXPECT_TRUE(until([&host] { return host.any(); }, 5s));
}

}  // namespace
}  // namespace paastech::pomegranate
