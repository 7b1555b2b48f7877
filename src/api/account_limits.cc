#include "api/account_limits.h"

#include "api/refusal.h"

namespace paastech::api {
namespace {

Status admit(Call& call, RateLimit& limit, const std::string& key, std::string_view what) {
  if (const std::int64_t wait = limit.admit(key); wait > 0) return too_many(call, wait, what);
  return {};
}

}  // namespace

Status admit_attempt(Call& call) {
  return admit(call, call.services.account_limits.attempts, address_key(call.address), "attempts within a minute");
}

Status admit_mail(Call& call, const std::string& to) {
  AccountLimits& limits = call.services.account_limits;
  TRY(admit(call, limits.mails_from, address_key(call.address), "mails within an hour"));
  return admit(call, limits.mails_to, to, "mails to this address within an hour");
}

Result<bool> admit_reset_mail(Call& call, const std::string& to) {
  AccountLimits& limits = call.services.account_limits;
  TRY(admit(call, limits.mails_from, address_key(call.address), "mails within an hour"));
  return limits.resets_to.admit(to) == 0;
}

}  // namespace paastech::api
