#include "api/pages/form_page.h"

#include <algorithm>

#include "api/pages/page.h"
#include "base/error.h"

namespace paastech::api {

Result<Answer> form_again(Error error, std::initializer_list<Code> theirs, std::string_view title,
                          const std::string& form) {
  if (std::ranges::find(theirs, error.code) == theirs.end()) return std::unexpected(std::move(error));
  return page(http_status(error.code), title, refusal(error) + form);
}

Result<std::string> link_secret(const Call& call) {
  std::string secret = call.query.text("secret");
  if (secret.empty()) return fail(Code::kInvalidArgument, "the link is not complete", "open it as it was mailed");
  return secret;
}

}  // namespace paastech::api
