#include "pomegranate/firewall.h"

#include <spdlog/spdlog.h>
#include <sstream>

#include "base/ids.h"
#include "base/text.h"

namespace paastech::pomegranate {

namespace {

constexpr std::size_t kTagLength = 12;  // an iptables chain name has at most 28 characters (xtables: 29 with NUL)

std::string tag_of(const std::string& instance) {
  if (instance.size() <= kTagLength) return instance;
  return instance.substr(0, 3) + "-" + hex(sha256(instance)).substr(0, 8);
}

std::vector<std::string> operator+(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

Firewall::Firewall(std::string instance, Networks networks, Run run)
    : tag_(tag_of(instance)), networks_(std::move(networks)), run_(std::move(run)) {}

Result<bool> Firewall::works(const Rule& command, const char* program) const {
  // -w: waits for other programs that change rules, instead of failing.
  TRY_ASSIGN(const ProgramResult result, run_(Rule{program, "-w", "10"} + command));
  return result.exit_code == 0;
}

Status Firewall::must(const Rule& command, const char* program) const {
  TRY_ASSIGN(const ProgramResult result, run_(Rule{program, "-w", "10"} + command));
  if (result.exit_code == 0) return {};
  return fail(Code::kFailedPrecondition, std::string(program) + " refused a rule: " + std::string(trim(result.output)),
              "run the pomegranate role with CAP_NET_ADMIN, and see that the kernel has iptables' modules");
}

Status Firewall::ensure_chain(const std::string& chain) const {
  TRY_ASSIGN(const bool there, works({"-n", "-L", chain}));
  if (there) return {};
  return must({"-N", chain});
}

Status Firewall::ensure_rule(const std::string& chain, const Rule& rule) const {
  TRY_ASSIGN(const bool there, works(Rule{"-C", chain} + rule));
  if (there) return {};
  return must(Rule{"-A", chain} + rule);
}

Status Firewall::ensure_first(const std::string& chain, const Rule& rule, const char* program) const {
  TRY_ASSIGN(const bool there, works(Rule{"-C", chain} + rule, program));
  if (there) return {};
  return must(Rule{"-I", chain, "1"} + rule, program);
}

// In front: the host's nameserver may be another one than when the rules that drop were made.
Status Firewall::ensure_nameservers(const std::string& chain) const {
  for (const std::string& server : networks_.nameservers)
    for (const char* protocol : {"udp", "tcp"})
      TRY(ensure_first(chain, {"-d", server, "-p", protocol, "--dport", "53", "-j", "RETURN"}));
  return {};
}

Status Firewall::ensure_jumps(const std::string& from, const std::string& chain) const {
  TRY(ensure_first(from, {"-s", networks_.pool, "-j", chain}));
  return ensure_first(from, {"-i", networks_.bridges + "+", "-j", chain});
}

Status Firewall::close_ipv6() const {
  if (!networks_.ipv6) return {};
  for (const char* chain : {"INPUT", "FORWARD"})
    TRY(ensure_first(chain, {"-i", networks_.bridges + "+", "-j", "DROP"}, "ip6tables"));
  return {};
}

Status Firewall::ensure() const {
  const std::string in = input_chain();
  const std::string forward = forward_chain();
  // To the host itself: answers to what the host began (the ingress, probes) and, where the host is its own nameserver,
  // names. The chain is filled before anything jumps to it.
  TRY(ensure_chain(in));
  TRY(ensure_rule(in, {"-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "RETURN"}));
  TRY(ensure_nameservers(in));
  TRY(ensure_rule(in, {"-j", "DROP"}));
  TRY(ensure_jumps("INPUT", in));
  // Through the host. DOCKER-USER is the place the Engine leaves to others, and always passes first.
  TRY(ensure_chain(forward));
  TRY(ensure_nameservers(forward));
  TRY(ensure_rule(forward, {"-d", "169.254.0.0/16", "-j", "DROP"}));
  // Frames that stay on one bridge pass here too where br_netfilter is on: those are a Project's own. Without the
  // physdev match they cannot be told apart, and the Engine's own isolation of bridges is all there is.
  const Status own = ensure_rule(forward, {"-m", "physdev", "--physdev-is-bridged", "-j", "RETURN"});
  // A frame that a build wrote with somebody else's address goes nowhere.
  TRY(ensure_rule(forward, {"!", "-s", networks_.pool, "-j", "DROP"}));
  if (own)
    TRY(ensure_rule(forward, {"-d", networks_.pool, "-m", "conntrack", "--ctstate", "NEW", "-j", "DROP"}));
  else
    spdlog::debug("no physdev match: leaving networks' separation to the Engine ({})", own.error().message);
  TRY_ASSIGN(const bool docker_user, works({"-n", "-L", "DOCKER-USER"}));
  TRY(ensure_jumps(docker_user ? "DOCKER-USER" : "FORWARD", forward));
  return close_ipv6();
}

std::vector<std::string> parse_nameservers(std::string_view resolv_conf) {
  std::vector<std::string> out;
  for (const std::string& line : split(resolv_conf, '\n')) {
    std::istringstream words(line);
    std::string keyword;
    std::string address;
    words >> keyword >> address;
    const bool plain = !address.empty() && address.find_first_not_of("0123456789.") == std::string::npos;
    if (keyword == "nameserver" && plain && !address.starts_with("127.")) out.push_back(address);
  }
  return out;
}

}  // namespace paastech::pomegranate
