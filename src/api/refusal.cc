#include "api/refusal.h"

namespace paastech::api {

std::unexpected<Error> too_many(Call& call, std::int64_t retry_after_ms, std::string_view what,
                                std::string_view advice) {
  const std::string seconds = std::to_string((retry_after_ms + 999) / 1000);
  call.answer_headers.add("Retry-After", seconds);
  const std::string unit = seconds == "1" ? " second" : " seconds";
  return fail(Code::kResourceExhausted, "too many " + std::string(what),
              "wait " + seconds + unit + " and try again" + std::string(advice));
}

std::unexpected<Error> refuse(Call& call, int status, std::string code, Error error) {
  call.refusal_status = status;
  call.refusal_code = std::move(code);
  return std::unexpected(std::move(error));
}

}  // namespace paastech::api
