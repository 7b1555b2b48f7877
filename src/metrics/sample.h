#pragma once
// What is known of one Process of a Project over one period: 10 s, or 5 min, which is the aggregate of thirty of those.
// Pure values. Sums are of the time that the figures cover, so that a rate is sum / covered time, and what is not known
// is covered by no time: a gap, never a zero.
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace paastech::metrics {

inline constexpr std::int64_t kFineSeconds = 10;
inline constexpr std::int64_t kCoarseSeconds = 300;
inline constexpr std::int64_t kFineCount = 360;     // an hour
inline constexpr std::int64_t kCoarseCount = 2016;  // a week
inline constexpr std::int64_t kFineInCoarse = kCoarseSeconds / kFineSeconds;

// Of proto/router.proto: the upper bounds are 2^i × 0.5 ms for i = 0 … 17, and a last one without bound.
inline constexpr std::size_t kLatencyBuckets = 19;
using Latencies = std::array<std::uint32_t, kLatencyBuckets>;
double latency_bound_ms(std::size_t bucket);  // of all but the last

// As it lies in the file (history.h): a change of its form is a new kFormat there.
struct Sample {
  std::int64_t slot = 0;        // the period's beginning in units of its length, since 1970 UTC; 0: no sample
  std::uint32_t engine_ms = 0;  // how much of the period the Engine's figures cover; 0: unknown, all but the requests
  std::uint32_t router_ms = 0;  // how much those of the ingress do; 0: unknown, or a Process that takes no requests
  // Of the Engine; thousandths of an Instance and of a core.
  std::uint32_t milli_instances = 0;  // running, on average
  std::uint32_t restarts = 0;
  std::uint32_t peak_milli_cpus = 0;  // of the 10 s with the most
  std::uint32_t failed = 0;           // of the ingress: 5xx that it made itself
  std::int64_t cpu_ns = 0;            // used, of all Instances together, as are the following
  std::int64_t memory_bytes = 0;      // on average
  std::int64_t peak_memory_bytes = 0;
  std::int64_t memory_limit_bytes = 0;  // the last
  std::int64_t received_bytes = 0;      // by network
  std::int64_t sent_bytes = 0;
  // Of the ingress.
  std::array<std::uint32_t, 5> by_class = {};  // answers of 1xx … 5xx
  Latencies by_latency = {};                   // of what was given to an Instance

  bool operator==(const Sample&) const = default;
  std::uint64_t requests() const;
  // What they are by the second; nothing where they are not known.
  std::optional<double> per_second(std::int64_t of_engine) const;
  std::optional<double> requests_per_second(std::uint64_t of_router) const;
  std::optional<double> cpus() const;  // cores in use, on average
};

// The parts taken together: sums of what was counted, averages weighted with the covered time, maxima of the peaks.
// Parts without a slot are gaps and add nothing.
Sample aggregate(std::span<const Sample> parts, std::int64_t slot);

// The latency that the share q (0 … 1) of the requests did not exceed, assuming that they lie evenly within each
// bucket, as histogram_quantile of Prometheus does (its documentation, "Query functions"); beyond the last bound, that
// bound. Nothing where there were no requests.
std::optional<double> quantile_ms(const Latencies& counts, double q);

}  // namespace paastech::metrics
