#pragma once
// Invitations, to the Service and to a project, as the commands that make and take them show and read them.
#include <boost/json/fwd.hpp>
#include <string>

#include "cli/session.h"

namespace paastech::cli {

// Of the link of an invitation as it was mailed; a bare secret is taken as it is.
std::string secret_of(const std::string& link);
// What became of one that was just made. Its link is shown only once.
void show_invitation(Session& session, const boost::json::value& made);

}  // namespace paastech::cli
