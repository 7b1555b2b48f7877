#pragma once
// Closes the host's own services, the link-local metadata address and other Projects' networks to everything that runs
// in the pool's subnets (threats 6, 7, 8), by iptables rules in two chains of ours. Containers have no IPv6 (networks
// are made without). Thread: any; ensure() blocks. Needs the privilege to change the host's rules, and the iptables
// program.
#include <functional>
#include <string>
#include <vector>

#include "base/subprocess.h"

namespace paastech::pomegranate {

class Firewall {
 public:
  using Run = std::function<Result<ProgramResult>(std::vector<std::string> argv)>;
  // nameservers: those of the host that containers must reach on port 53 though they be local.
  Firewall(std::string instance, std::string pool, std::vector<std::string> nameservers, Run run);
  // Makes what is missing; idempotent. The error says what could not be made and why.
  Status ensure() const;

  std::string input_chain() const { return "PT-" + tag_ + "-IN"; }
  std::string forward_chain() const { return "PT-" + tag_ + "-FW"; }

 private:
  Result<bool> works(std::vector<std::string> rule) const;  // exit code 0
  Status must(std::vector<std::string> rule) const;
  Status ensure_chain(const std::string& chain) const;
  Status ensure_rule(const std::string& chain, std::vector<std::string> rule) const;
  Status ensure_first(const std::string& chain, std::vector<std::string> rule) const;
  Status ensure_nameservers(const std::string& chain) const;

  std::string tag_;
  std::string pool_;
  std::vector<std::string> nameservers_;
  Run run_;
};

// The IPv4 addresses of resolv.conf(5) but those of the loopback, which the Engine forwards to by itself.
std::vector<std::string> parse_nameservers(std::string_view resolv_conf);

}  // namespace paastech::pomegranate
