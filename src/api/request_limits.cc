#include "api/request_limits.h"

#include <fmt/format.h>

#include "api/refusal.h"

namespace paastech::api {
namespace {

Status admit(Call& call, RequestRate& rate, const std::string& key, std::string_view which, std::string_view setting) {
  const std::int64_t wait = rate.admit(key);
  if (wait == 0) return {};
  return too_many(call, wait, fmt::format("requests {}", which),
                  fmt::format("; this Service allows {} a minute ({})", rate.per_minute(), setting));
}

}  // namespace

Status admit_request(Call& call) {
  RequestLimits& limits = call.services.request_limits;
  if (call.identity) {
    const std::string& client = call.identity->client.id;
    const bool reads = call.request.method == "GET" || call.request.method == "HEAD";
    return reads ? admit(call, limits.reads, client, "to read by this account", "api.reads_per_minute")
                 : admit(call, limits.changes, client, "for changes by this account", "api.changes_per_minute");
  }
  if (call.actor.local) return {};
  return admit(call, limits.anonymous, address_key(call.address), "without a login from this address",
               "api.anonymous_per_minute");
}

}  // namespace paastech::api
