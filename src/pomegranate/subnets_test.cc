#include "pomegranate/subnets.h"

#include <gtest/gtest.h>

#include <set>

namespace paastech::pomegranate {
namespace {

TEST(Subnet, ParsesAndPrints) {
  EXPECT_EQ(parse_subnet("10.208.0.17/28")->text(), "10.208.0.16/28");
  for (const char* bad : {"", "10.0.0.0", "10.0.0/8", "10.0.0.256/8", "10.0.0.0/33", "a.b.c.d/8", "10.0.0.0/"})
    EXPECT_FALSE(parse_subnet(bad)) << bad;
}

TEST(SubnetPool, RefusesWhatCannotHoldAContainer) {
  EXPECT_FALSE(SubnetPool::make("10.208.0.0/12", 30));
  EXPECT_FALSE(SubnetPool::make("10.208.0.0/12", 8));
  EXPECT_TRUE(SubnetPool::make("10.208.0.0/12", 28));
}

TEST(SubnetPool, HoldsThousandsOfProjectsApart) {
  const auto pool = SubnetPool::make("10.208.0.0/12", 28);
  ASSERT_TRUE(pool);
  EXPECT_EQ(pool->size(), 65536u);
  std::vector<Subnet> taken;
  std::set<std::uint32_t> addresses;
  for (int i = 0; i < 3000; ++i) {
    const auto subnet = pool->choose("project " + std::to_string(i), taken);
    ASSERT_TRUE(subnet);
    ASSERT_TRUE(overlaps(*subnet, pool->whole()));
    ASSERT_TRUE(addresses.insert(subnet->address).second);
    taken.push_back(*subnet);
  }
}

TEST(SubnetPool, IsUsedToItsLastSubnetAndThenSaysSo) {
  const auto pool = SubnetPool::make("10.0.0.0/24", 28);
  std::vector<Subnet> taken;
  for (int i = 0; i < 16; ++i) taken.push_back(pool->choose("the same", taken).value());
  EXPECT_FALSE(pool->choose("the same", taken));
}

TEST(SubnetPool, KeepsClearOfLargerAndSmallerForeignNetworks) {
  const auto pool = SubnetPool::make("10.0.0.0/24", 28);
  const std::vector<Subnet> foreign{*parse_subnet("10.0.0.0/25"), *parse_subnet("10.0.0.129/32"),
                                    *parse_subnet("192.168.0.0/16")};
  for (int i = 0; i < 50; ++i) {
    const auto subnet = pool->choose(std::to_string(i), foreign);
    ASSERT_TRUE(subnet);
    for (const Subnet& other : foreign) EXPECT_FALSE(overlaps(*subnet, other)) << subnet->text();
  }
  EXPECT_FALSE(pool->choose("x", {*parse_subnet("10.0.0.0/8")}));
}

TEST(HostRoutes, ReadsTheKernelsTableWithoutTheDefaultRoute) {
  const auto routes = parse_routes(
      "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
      "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
      "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n");
  ASSERT_EQ(routes.size(), 1u);
  EXPECT_EQ(routes[0].text(), "192.0.2.0/24");
}

}  // namespace
}  // namespace paastech::pomegranate
