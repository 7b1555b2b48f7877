#pragma once
// A pool of small IPv4 subnets, one a Project. Pure, but for host_routes().
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace paastech::pomegranate {

struct Subnet {
  std::uint32_t address = 0;  // host byte order, host bits clear
  int bits = 32;
  std::string text() const;  // "10.208.0.16/28"
  bool operator==(const Subnet&) const = default;
};

Result<Subnet> parse_subnet(std::string_view cidr);
bool overlaps(const Subnet& a, const Subnet& b);

class SubnetPool {
 public:
  // kInvalidArgument where the pool does not hold subnets of that size, or they are too small for a bridge and a
  // container.
  static Result<SubnetPool> make(std::string_view cidr, int subnet_bits);
  std::uint32_t size() const { return std::uint32_t{1} << (subnet_bits_ - pool_.bits); }
  Subnet at(std::uint32_t index) const;
  const Subnet& whole() const { return pool_; }
  // The first free one from a place that `seed` decides on, so that Services with one pool seldom meet. nullopt: none
  // is free.
  std::optional<Subnet> choose(std::string_view seed, const std::vector<Subnet>& taken) const;

 private:
  SubnetPool(Subnet pool, int subnet_bits) : pool_(pool), subnet_bits_(subnet_bits) {}
  Subnet pool_;
  int subnet_bits_;
};

// What this machine routes already (/proc/net/route, see proc(5)), without the default route.
std::vector<Subnet> parse_routes(std::string_view text);
std::vector<Subnet> host_routes();

}  // namespace paastech::pomegranate
