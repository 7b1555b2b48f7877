#pragma once
// When a mail that could not be handed over is tried again. Pure.
#include <cstdint>
#include <optional>

namespace paastech::mail {

// attempts: those that failed so far, from 1. Milliseconds until the next one, or nothing: give up, 21 hours after the
// first attempt. 1, 5, 15 and 60 minutes, then 4 hours.
// RFC 5321 section 4.5.4.1 advises at least 30 minutes between attempts and 4 to 5 days before giving up. That is for
// relays between strangers. This is a submission to the operator's own server, which does that waiting for us; a person
// sits before the page meanwhile, and the links in the mails are no longer valid after a day.
std::optional<std::int64_t> retry_after_ms(int attempts);

}  // namespace paastech::mail
