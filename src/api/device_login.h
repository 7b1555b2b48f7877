#pragma once
// Letting a device in that has no browser, from one that has (RFC 8628): the codes, and the decision. Thread: the
// control-plane loop.
#include <string>

#include "api/route.h"
#include "store/device_logins.h"

namespace paastech::api {

constexpr std::int64_t kDeviceMs = 600'000;  // RFC 8628 section 5.2: short, for a phished Client's sake
constexpr std::int64_t kPollMs = 5'000;      // RFC 8628 section 3.5: what a device may count on

std::string new_user_code();                             // "BCDFGHJK": 20^8 = 2.6e10 of them
std::string shown_user_code(std::string_view code);      // "BCDF-GHJK"
std::string normal_user_code(std::string_view written);  // empty where it can be none
// The waiting device that the Client means. Wrong codes are counted: kResourceExhausted after ten within a minute;
// kNotFound where none waits.
net::Task<Result<store::DeviceLoginRow>> find_waiting_device(CallPtr call, std::string written_code);
// kNotFound where it no longer waits.
net::Task<Status> decide_device(CallPtr call, store::DeviceLoginRow device, bool approved);

}  // namespace paastech::api
