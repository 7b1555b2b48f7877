#include "domain/quota.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "base/human_bytes.h"
#include "domain/process.h"

namespace paastech {
namespace {

std::string cores(std::int64_t milli) { return fmt::format("{:g}", static_cast<double>(milli) / 1000); }
std::string number(std::int64_t value) { return fmt::format("{}", value); }

// One limit, in words: "the plan `default` allows 20 projects; in use: 20".
struct Limit {
  std::int64_t Amounts::* amount;
  std::string (*text)(std::int64_t);
  std::string_view one;  // with a limit of one
  std::string_view many;
  std::string_view remedy;
  bool by_scale = false;  // then the amount that is asked for is one that somebody chose
};
constexpr std::string_view kFewer =
    "stop an Application with `paastech stop`, or run fewer or smaller Instances: paastech help processes";
constexpr Limit kLimits[] = {
    {&Amounts::projects, number, "project", "projects", "delete a project that is no longer needed"},
    {&Amounts::instances, number, "Instance", "Instances", kFewer, true},
    {&Amounts::memory_bytes, human_bytes, "of memory", "of memory", kFewer, true},
    {&Amounts::milli_cpus, cores, "core", "cores", kFewer, true},
    {&Amounts::build_minutes, number, "build minute a month", "build minutes a month",
     "wait for the next month, which begins anew (UTC)"},
    {&Amounts::disk_bytes, human_bytes, "of repositories", "of repositories",
     "delete a project that is no longer needed"},
};

}  // namespace

Status check_quota(const Plan& plan, const Amounts& used, const Amounts& more) {
  for (const Limit& limit : kLimits) {
    const std::int64_t most = plan.limits.*limit.amount;
    const std::int64_t now = used.*limit.amount;
    const std::int64_t wanted = more.*limit.amount;
    if (most == kUnlimited || wanted <= 0 || (now <= most && wanted <= most - now)) continue;
    const std::string allowed = limit.text(most);
    const std::string further =
        limit.by_scale && now < most ? fmt::format("; asked for: {} more", limit.text(wanted)) : "";
    return fail(Code::kPermissionDenied,
                fmt::format("the plan `{}` allows {} {}; in use: {}{}", plan.name, allowed,
                            allowed == "1" ? limit.one : limit.many, limit.text(now), further),
                fmt::format("{}, or ask the administrator of this Service for a larger plan", limit.remedy));
  }
  return {};
}

Status check_plan_name(std::string_view name) {
  const bool known = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
  if (known && !name.empty() && name.size() <= 30 && name.front() >= 'a') return {};
  return fail(Code::kInvalidArgument,
              "the name of a plan has 1 to 30 lower-case letters, digits and hyphens, a letter first",
              "choose another name");
}

std::string month_of(std::int64_t now_ms) { return rfc3339(now_ms).substr(0, 7); }

std::int64_t begun_minutes(std::int64_t milliseconds) { return (milliseconds + 59'999) / 60'000; }

Amounts instances_of(std::int64_t count) {
  return {.instances = count, .memory_bytes = count * kInstanceMemoryBytes, .milli_cpus = count * kInstanceMilliCpus};
}

std::int64_t memory_of(const Process& process) {
  return process.memory_bytes > 0 ? process.memory_bytes : kInstanceMemoryBytes;
}

std::int64_t milli_cpus_of(const Process& process) {
  return process.milli_cpus > 0 ? process.milli_cpus : kInstanceMilliCpus;
}

Amounts amounts_of(const ProcessList& list) {
  Amounts sum;
  for (const auto& [name, process] : list.processes) {
    sum.instances += process.count;
    sum.memory_bytes += process.count * memory_of(process);
    sum.milli_cpus += process.count * milli_cpus_of(process);
  }
  return sum;
}

}  // namespace paastech
