#pragma once
// Plans: how much of the Service a Client may have, in Projects that it owns. Pure. Whoever makes something asks in the
// transaction that makes it (store/usage.h); what is there already is never taken away because a plan became smaller.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace paastech {

inline constexpr std::int64_t kUnlimited = -1;

// What one Instance counts for, and gets: the defaults of pomegranate.proto, Limits.
inline constexpr std::int64_t kInstanceMemoryBytes = 512LL << 20;
inline constexpr std::int64_t kInstanceMilliCpus = 1'000;

struct Process;
struct ProcessList;

struct Amounts {
  std::int64_t projects = 0;
  std::int64_t instances = 0;      // that run, or are on their way
  std::int64_t memory_bytes = 0;   // of those
  std::int64_t milli_cpus = 0;     // of those
  std::int64_t build_minutes = 0;  // of a calendar month, UTC; one that has begun counts
  std::int64_t disk_bytes = 0;     // of repositories
};

// The plans that the Service itself gives: to Clients, and to administrators. They can be changed, not deleted.
inline constexpr std::string_view kDefaultPlan = "default";
inline constexpr std::string_view kUnlimitedPlan = "unlimited";

struct Plan {
  std::string name;
  Amounts limits = {};  // kUnlimited: none
};

// kPermissionDenied where `used` and `more` together pass a limit of which `more` takes some: which one, how much of it
// is used, and what helps.
Status check_quota(const Plan& plan, const Amounts& used, const Amounts& more);

Status check_plan_name(std::string_view name);  // 1-30: lower-case letters, digits, hyphens, a letter first

std::string month_of(std::int64_t now_ms);              // "2026-11", UTC
std::int64_t begun_minutes(std::int64_t milliseconds);  // 1 ms is one
Amounts instances_of(std::int64_t count);               // what so many Instances of the default size count for
Amounts amounts_of(const ProcessList& list);            // what all its Instances count for
std::int64_t memory_of(const Process& process);         // of one Instance, the default put in
std::int64_t milli_cpus_of(const Process& process);     // of one Instance, the default put in

}  // namespace paastech
