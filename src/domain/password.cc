#include "domain/password.h"

#include <algorithm>
#include <string>

#include "base/text.h"
#include "domain/names.h"

namespace paastech {
namespace {

constexpr std::size_t kShortestPart = 3;  // a shorter name is in many a good password

bool contains(const std::string& password, std::string_view part) {
  return part.size() >= kShortestPart && password.find(lower(part)) != std::string::npos;
}

}  // namespace

Status check_new_password(std::string_view password, std::string_view username, std::string_view email) {
  TRY(check_password(password));
  const std::string folded = lower(password);
  if (std::ranges::binary_search(common_passwords(), std::string_view(folded)))
    return fail(Code::kInvalidArgument, "the password is one of the 10,000 most common, which are tried first",
                "choose another one, for instance four words by chance");
  if (contains(folded, username))
    return fail(Code::kInvalidArgument, "the password contains the user name", "choose one that does not");
  if (contains(folded, email) || contains(folded, email.substr(0, email.find('@'))))
    return fail(Code::kInvalidArgument, "the password contains the e-mail address", "choose one that does not");
  return {};
}

}  // namespace paastech
