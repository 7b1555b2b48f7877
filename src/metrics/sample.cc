#include "metrics/sample.h"

#include <algorithm>
#include <cmath>

namespace paastech::metrics {
namespace {

constexpr double kFirstBoundMs = 0.5;

// Added in a type that is wider; what does not fit stays at the most there can be.
void add(std::uint32_t& sum, std::uint32_t n) {
  sum = static_cast<std::uint32_t>(std::min<std::uint64_t>(std::uint64_t{sum} + n, UINT32_MAX));
}

}  // namespace

double latency_bound_ms(std::size_t bucket) { return kFirstBoundMs * static_cast<double>(std::uint64_t{1} << bucket); }

std::uint64_t Sample::requests() const {
  std::uint64_t sum = 0;
  for (const std::uint32_t n : by_class) sum += n;
  return sum;
}

std::optional<double> Sample::per_second(std::int64_t of_engine) const {
  if (engine_ms == 0) return std::nullopt;
  return static_cast<double>(of_engine) * 1000.0 / engine_ms;
}

std::optional<double> Sample::requests_per_second(std::uint64_t of_router) const {
  if (router_ms == 0) return std::nullopt;
  return static_cast<double>(of_router) * 1000.0 / router_ms;
}

std::optional<double> Sample::cpus() const {
  if (engine_ms == 0) return std::nullopt;
  return static_cast<double>(cpu_ns) / (engine_ms * 1e6);
}

Sample aggregate(std::span<const Sample> parts, std::int64_t slot) {
  Sample out;
  out.slot = slot;
  double instances = 0;  // times milliseconds, as is the memory
  double memory = 0;
  for (const Sample& part : parts) {
    if (part.slot == 0) continue;
    add(out.engine_ms, part.engine_ms);
    add(out.router_ms, part.router_ms);
    instances += static_cast<double>(part.milli_instances) * part.engine_ms;
    memory += static_cast<double>(part.memory_bytes) * part.engine_ms;
    add(out.restarts, part.restarts);
    add(out.failed, part.failed);
    out.cpu_ns += part.cpu_ns;
    out.received_bytes += part.received_bytes;
    out.sent_bytes += part.sent_bytes;
    out.peak_milli_cpus = std::max(out.peak_milli_cpus, part.peak_milli_cpus);
    out.peak_memory_bytes = std::max(out.peak_memory_bytes, part.peak_memory_bytes);
    if (part.engine_ms > 0) out.memory_limit_bytes = part.memory_limit_bytes;
    for (std::size_t i = 0; i < out.by_class.size(); ++i) add(out.by_class[i], part.by_class[i]);
    for (std::size_t i = 0; i < kLatencyBuckets; ++i) add(out.by_latency[i], part.by_latency[i]);
  }
  if (out.engine_ms > 0) {
    out.milli_instances = static_cast<std::uint32_t>(std::llround(instances / out.engine_ms));
    out.memory_bytes = std::llround(memory / out.engine_ms);
  }
  return out;
}

std::optional<double> quantile_ms(const Latencies& counts, double q) {
  double all = 0;
  for (const std::uint32_t n : counts) all += n;
  if (all == 0) return std::nullopt;
  const double rank = std::clamp(q, 0.0, 1.0) * all;
  double below = 0;
  for (std::size_t i = 0; i + 1 < kLatencyBuckets; ++i) {
    if (counts[i] > 0 && below + counts[i] >= rank) {
      const double low = i == 0 ? 0 : latency_bound_ms(i - 1);
      return low + (latency_bound_ms(i) - low) * (rank - below) / counts[i];
    }
    below += counts[i];
  }
  return latency_bound_ms(kLatencyBuckets - 2);
}

}  // namespace paastech::metrics
