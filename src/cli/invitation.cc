#include "cli/invitation.h"

#include <fmt/format.h>

#include <string_view>

#include "cli/json_read.h"

namespace paastech::cli {

std::string secret_of(const std::string& link) {
  constexpr std::string_view kBefore = "secret=";
  const std::size_t at = link.find(kBefore);
  return at == std::string::npos ? link : link.substr(at + kBefore.size());
}

void show_invitation(Session& session, const boost::json::value& made) {
  const std::string username = text_of(made, "username");
  session.out.document(made);
  session.out.line(fmt::format("Invited {}, until {}.", username.empty() ? text_of(made, "email") : username,
                               text_of(made, "expires_at").substr(0, 10)));
  session.out.line(text_of(made, "link"));
  session.out.note(flag_of(made, "mailed")
                       ? "The link was mailed; it is shown only this once."
                       : "This Service sends no mail: hand the link over. It is shown only this once.");
}

}  // namespace paastech::cli
