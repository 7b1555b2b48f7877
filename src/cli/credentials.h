#pragma once
// The file that keeps the tokens of this user: one a server, so that no server is ever shown another's token. Mode
// 0600, replaced atomically, in a folder of mode 0700; a file that others can read is refused (threat 34).
#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "base/result.h"
#include "cli/io.h"

namespace paastech::cli {

struct Login {
  std::string token;
  std::string email;
};

struct Credentials {
  std::string current;  // URL of the server last logged in to, or empty
  std::map<std::string, Login> servers = {};
};

// $PAASTECH_CONFIG_HOME, else $XDG_CONFIG_HOME/paastech, else ~/.config/paastech; in it credentials.json.
Result<std::filesystem::path> credentials_path(const Io& io);
Result<Credentials> load_credentials(const std::filesystem::path& path);  // a missing file: none
Status save_credentials(const std::filesystem::path& path, const Credentials& credentials);
// Loads, changes and saves under a lock, so that two commands at once lose nothing of each other's. No login left: no
// file left.
Status update_credentials(const std::filesystem::path& path, const std::function<void(Credentials&)>& change);

}  // namespace paastech::cli
