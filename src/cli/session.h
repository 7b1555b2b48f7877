#pragma once
// What one command works with: the streams, the global options, and – made when first asked for – the connection to
// the Service as the logged-in Client, and the Project that is meant.
#include <memory>
#include <optional>
#include <string>

#include "cli/credentials.h"
#include "cli/git.h"
#include "cli/http.h"
#include "cli/io.h"
#include "cli/outcome.h"
#include "cli/output.h"

namespace paastech::cli {

struct Globals {
  bool json = false;
  std::string server;   // --server, or empty
  std::string project;  // -p, or empty
};

class Session {
 public:
  Session(Io& session_io, Globals given) : io(session_io), globals(std::move(given)), out(io, globals.json) {}
  Io& io;
  Globals globals;
  Output out;

  // --server, else $PAASTECH_SERVER, else the one last logged in to. Usage error where there is none.
  Outcome<ServerUrl> server();
  // $PAASTECH_TOKEN, where it is meant for this server, else the kept one; empty where there is none.
  Outcome<std::string> token_for(const ServerUrl& server);
  bool token_from_variable(const ServerUrl& server) const;
  Outcome<Http*> api();                                       // exit 3 where not logged in
  Outcome<std::string> project();                             // -p, else of the remote `paastech` of the current folder
  Outcome<std::string> project_path(std::string below = {});  // "/projects/NAME" + below
  Git git() const { return Git(io.directory); }

 private:
  Outcome<Credentials*> credentials();
  std::optional<Credentials> credentials_;
  std::unique_ptr<Http> api_;
};

// What a file named on the command line holds; "-": the standard input. hint: for where it cannot be read.
Outcome<std::string> read_input(Session& session, const std::string& file, std::size_t limit, std::string hint);
Outcome<std::string> project_segment(
    const std::string& name);  // "/projects/NAME", or a usage error for what is no name
// An id for a path; `list` is the command that shows such ids.
Outcome<std::string> id_segment(const std::string& id, const std::string& list);
std::string since(const Io& io, const boost::json::value& value, std::string_view key);  // "3 h", "-" where not set

}  // namespace paastech::cli
