#pragma once
// Closes the host's own services, the link-local metadata address and other Projects' networks to everything that runs
// in the pool's subnets (threats 6, 7, 8), by iptables rules in two chains of ours. What comes is known by the bridge
// it comes from as well as by its source address: a build may write frames of its own (NET_RAW), with any source, and
// of IPv6, which our networks are made without but their bridges have; of that nothing passes. Thread: any; ensure()
// blocks. Needs the privilege to change the host's rules, and the programs iptables and, where the kernel has IPv6,
// ip6tables.
#include <functional>
#include <string>
#include <vector>

#include "base/subprocess.h"

namespace paastech::pomegranate {

class Firewall {
 public:
  using Run = std::function<Result<ProgramResult>(std::vector<std::string> argv)>;
  struct Networks {
    std::string pool;                      // CIDR
    std::string bridges;                   // how the names of their interfaces begin
    std::vector<std::string> nameservers;  // of the host, that containers must reach on port 53 though they be local
    bool ipv6 = true;                      // the kernel has it
  };
  Firewall(std::string instance, Networks networks, Run run);
  // Makes what is missing; idempotent. The error says what could not be made and why.
  Status ensure() const;

  std::string input_chain() const { return "PT-" + tag_ + "-IN"; }
  std::string forward_chain() const { return "PT-" + tag_ + "-FW"; }

 private:
  using Rule = std::vector<std::string>;
  Result<bool> works(const Rule& command, const char* program = "iptables") const;  // exit code 0
  Status must(const Rule& command, const char* program = "iptables") const;
  Status ensure_chain(const std::string& chain) const;
  Status ensure_rule(const std::string& chain, const Rule& rule) const;
  Status ensure_first(const std::string& chain, const Rule& rule, const char* program = "iptables") const;
  Status ensure_nameservers(const std::string& chain) const;
  // Ahead of all others of `from`: what comes from our networks passes `chain`.
  Status ensure_jumps(const std::string& from, const std::string& chain) const;
  Status close_ipv6() const;

  std::string tag_;
  Networks networks_;
  Run run_;
};

// The IPv4 addresses of resolv.conf(5) but those of the loopback, which the Engine forwards to by itself.
std::vector<std::string> parse_nameservers(std::string_view resolv_conf);

}  // namespace paastech::pomegranate
