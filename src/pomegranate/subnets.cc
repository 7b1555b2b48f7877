#include "pomegranate/subnets.h"

#include <fmt/format.h>
#include <algorithm>
#include <bit>
#include <charconv>
#include <fstream>
#include <iterator>
#include <sstream>

#include "base/text.h"

namespace paastech::pomegranate {

namespace {

std::uint32_t mask(int bits) { return bits == 0 ? 0 : ~std::uint32_t{0} << (32 - bits); }

std::optional<std::uint32_t> number(std::string_view text, int base = 10) {
  std::uint32_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

// FNV-1a (public domain, RFC 9923): the same on every run and machine, which std::hash does not promise.
std::uint32_t hash(std::string_view text) {
  std::uint32_t value = 2166136261u;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 16777619u;
  return value;
}

}  // namespace

std::string Subnet::text() const {
  return fmt::format("{}.{}.{}.{}/{}", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255, bits);
}

Result<Subnet> parse_subnet(std::string_view cidr) {
  const auto bad = [cidr] {
    return fail(Code::kInvalidArgument, "'" + std::string(cidr) + "' is no IPv4 subnet", "write it like 10.208.0.0/12");
  };
  const std::size_t slash = cidr.find('/');
  if (slash == std::string_view::npos) return bad();
  const std::optional<std::uint32_t> bits = number(cidr.substr(slash + 1));
  const std::vector<std::string> parts = split(cidr.substr(0, slash), '.');
  if (!bits || *bits > 32 || parts.size() != 4) return bad();
  Subnet subnet{0, static_cast<int>(*bits)};
  for (const std::string& part : parts) {
    const std::optional<std::uint32_t> byte = number(part);
    if (!byte || *byte > 255) return bad();
    subnet.address = subnet.address << 8 | *byte;
  }
  subnet.address &= mask(subnet.bits);
  return subnet;
}

bool overlaps(const Subnet& a, const Subnet& b) {
  const std::uint32_t both = mask(std::min(a.bits, b.bits));
  return (a.address & both) == (b.address & both);
}

Result<SubnetPool> SubnetPool::make(std::string_view cidr, int subnet_bits) {
  TRY_ASSIGN(const Subnet pool, parse_subnet(cidr));
  if (subnet_bits < pool.bits || subnet_bits > 29 || pool.bits < 8)
    return fail(Code::kInvalidArgument, fmt::format("a pool {} of /{} subnets cannot be", cidr, subnet_bits),
                "the subnets must lie between the pool's own size and /29, the pool be /8 or smaller");
  return SubnetPool(pool, subnet_bits);
}

Subnet SubnetPool::at(std::uint32_t index) const {
  return {pool_.address + (index << (32 - subnet_bits_)), subnet_bits_};
}

std::optional<Subnet> SubnetPool::choose(std::string_view seed, const std::vector<Subnet>& taken) const {
  std::vector<bool> used(size(), false);
  for (const Subnet& other : taken) {
    if (!overlaps(pool_, other)) continue;
    if (other.bits <= pool_.bits) return std::nullopt;
    const std::uint32_t first = (other.address - pool_.address) >> (32 - subnet_bits_);
    const std::uint32_t count = other.bits >= subnet_bits_ ? 1 : std::uint32_t{1} << (subnet_bits_ - other.bits);
    std::fill_n(used.begin() + first, count, true);
  }
  const std::uint32_t start = hash(seed) % size();
  for (std::uint32_t i = 0; i < size(); ++i) {
    const std::uint32_t index = (start + i) % size();
    if (!used[index]) return at(index);
  }
  return std::nullopt;
}

std::vector<Subnet> parse_routes(std::string_view text) {
  std::vector<Subnet> out;
  for (const std::string& line : split(text, '\n')) {
    std::istringstream stream(line);
    const std::vector<std::string> fields{std::istream_iterator<std::string>(stream), {}};
    if (fields.size() < 8) continue;
    // Both in hexadecimal, in the machine's byte order of a value that is big-endian.
    const std::optional<std::uint32_t> destination = number(fields[1], 16);
    const std::optional<std::uint32_t> netmask = number(fields[7], 16);
    if (!destination || !netmask || *netmask == 0) continue;
    out.push_back({__builtin_bswap32(*destination), std::popcount(*netmask)});
  }
  return out;
}

std::vector<Subnet> host_routes() {
  std::ifstream file("/proc/net/route");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return parse_routes(text);
}

}  // namespace paastech::pomegranate
