#include "pomegranate/firewall.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>

namespace paastech::pomegranate {
namespace {

// Behaves like iptables as far as the firewall uses it: keeps chains of rules, answers -C and -L by them.
struct FakeTables {
  std::map<std::string, std::vector<std::string>> chains{{"INPUT", {}}, {"FORWARD", {}}};
  int changes = 0;
  std::string refuse;  // a word that makes a rule fail

  Result<ProgramResult> run(std::vector<std::string> argv) {
    std::vector<std::string> words(argv.begin() + 3, argv.end());
    if (argv[0] == "ip6tables") words[1] = "6 " + words[1];
    if (!refuse.empty() && std::ranges::find(words, refuse) != words.end()) return ProgramResult{2, "no such match"};
    if (words[0] == "-n") return ProgramResult{chains.contains(words[2]) ? 0 : 1, ""};
    const std::string chain = words[1];
    if (words[0] == "-N") return chains[chain] = {}, ++changes, ProgramResult{};
    std::string rule;
    for (std::size_t i = words[0] == "-I" ? 3 : 2; i < words.size(); ++i) rule += words[i] + " ";
    std::vector<std::string>& rules = chains[chain];
    if (words[0] == "-C") return ProgramResult{std::ranges::find(rules, rule) == rules.end() ? 1 : 0, ""};
    ++changes;
    rules.insert(words[0] == "-I" ? rules.begin() : rules.end(), rule);
    return ProgramResult{};
  }
};

Firewall::Networks networks() { return {.pool = "10.208.0.0/12", .bridges = "pt0000-", .nameservers = {"192.0.2.53"}}; }

Firewall firewall_on(std::shared_ptr<FakeTables> tables) {
  return {"pt", networks(), [tables](std::vector<std::string> argv) { return tables->run(argv); }};
}

TEST(Firewall, ClosesTheHostMetadataAndOtherNetworksAndIsIdempotent) {
  auto tables = std::make_shared<FakeTables>();
  tables->chains["DOCKER-USER"] = {"-j RETURN "};
  const Firewall firewall = firewall_on(tables);
  ASSERT_TRUE(firewall.ensure());
  EXPECT_EQ(tables->chains["INPUT"],
            (std::vector<std::string>{"-i pt0000-+ -j PT-pt-IN ", "-s 10.208.0.0/12 -j PT-pt-IN "}));
  EXPECT_EQ(tables->chains["PT-pt-IN"].back(), "-j DROP ");
  EXPECT_EQ(std::ranges::count(tables->chains["PT-pt-IN"], "-m conntrack --ctstate ESTABLISHED,RELATED -j RETURN "), 1);
  EXPECT_EQ(tables->chains["DOCKER-USER"],
            (std::vector<std::string>{"-i pt0000-+ -j PT-pt-FW ", "-s 10.208.0.0/12 -j PT-pt-FW ", "-j RETURN "}));
  for (const char* chain : {"6 INPUT", "6 FORWARD"})
    EXPECT_EQ(tables->chains[chain], std::vector<std::string>{"-i pt0000-+ -j DROP "}) << chain;
  const auto& forward = tables->chains["PT-pt-FW"];
  EXPECT_NE(std::ranges::find(forward, "-d 169.254.0.0/16 -j DROP "), forward.end());
  EXPECT_NE(std::ranges::find(forward, "! -s 10.208.0.0/12 -j DROP "), forward.end());
  EXPECT_EQ(forward.back(), "-d 10.208.0.0/12 -m conntrack --ctstate NEW -j DROP ");
  const int changes = tables->changes;
  ASSERT_TRUE(firewall.ensure());
  EXPECT_EQ(tables->changes, changes);
}

TEST(Firewall, ANewNameserverIsReachedAlsoWhereTheRulesThatDropAreOlder) {
  auto tables = std::make_shared<FakeTables>();
  ASSERT_TRUE(firewall_on(tables).ensure());
  Firewall::Networks elsewhere = networks();
  elsewhere.nameservers = {"169.254.169.253"};
  const Firewall moved("pt", elsewhere, [tables](std::vector<std::string> argv) { return tables->run(argv); });
  ASSERT_TRUE(moved.ensure());
  for (const char* chain : {"PT-pt-IN", "PT-pt-FW"}) {
    const auto& rules = tables->chains[chain];
    const auto names = std::ranges::find(rules, "-d 169.254.169.253 -p udp --dport 53 -j RETURN ");
    const auto drop = std::ranges::find_if(rules, [](const std::string& rule) { return rule.ends_with("-j DROP "); });
    EXPECT_TRUE(names < drop) << chain;
  }
}

TEST(Firewall, UsesForwardWhereTheEngineHasNoChainAndDoesWithoutPhysdev) {
  auto tables = std::make_shared<FakeTables>();
  tables->refuse = "physdev";
  ASSERT_TRUE(firewall_on(tables).ensure());
  EXPECT_EQ(tables->chains["FORWARD"].front(), "-i pt0000-+ -j PT-pt-FW ");
  EXPECT_EQ(tables->chains["PT-pt-FW"].back(), "! -s 10.208.0.0/12 -j DROP ");
}

TEST(Firewall, DoesWithoutIpv6WhereTheKernelHasNone) {
  auto tables = std::make_shared<FakeTables>();
  Firewall::Networks old = networks();
  old.ipv6 = false;
  ASSERT_TRUE(Firewall("pt", old, [tables](std::vector<std::string> argv) { return tables->run(argv); }).ensure());
  EXPECT_FALSE(tables->chains.contains("6 INPUT"));
}

TEST(Firewall, SaysWhatWasRefused) {
  auto tables = std::make_shared<FakeTables>();
  tables->refuse = "conntrack";
  const Status status = firewall_on(tables).ensure();
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("no such match"), std::string::npos);
  EXPECT_TRUE(tables->chains["INPUT"].empty());
}

TEST(Firewall, ReadsNameservers) {
  EXPECT_EQ(parse_nameservers("# x\nnameserver 127.0.0.53\nnameserver 10.0.0.2\nnameserver fe80::1\nsearch a.b\n"),
            (std::vector<std::string>{"10.0.0.2"}));
}

}  // namespace
}  // namespace paastech::pomegranate
