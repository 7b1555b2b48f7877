#pragma once
// The first start: somebody must be able to log in. Thread: the control-plane loop.
#include <filesystem>
#include <string>

#include "api/context.h"

namespace paastech::api {

// Where there is no Client yet: makes the administrator `admin` with a random password, which is on disk (mode 0600)
// before the row is, so that no crash leaves an account that nobody can use.
net::Task<Status> ensure_administrator(Context& context, std::string email, std::filesystem::path password_file);

}  // namespace paastech::api
