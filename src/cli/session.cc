#include "cli/session.h"

#include <fmt/format.h>

#include <iterator>

#include "base/files.h"
#include "base/human_bytes.h"
#include "base/url.h"
#include "cli/json_read.h"

namespace paastech::cli {

Outcome<Credentials*> Session::credentials() {
  if (!credentials_) {
    TRY_ASSIGN(const std::filesystem::path path, credentials_path(io));
    TRY_ASSIGN(credentials_, load_credentials(path));
  }
  return &*credentials_;
}

Outcome<ServerUrl> Session::server() {
  std::string text = globals.server;
  if (text.empty()) text = io.variable("PAASTECH_SERVER").value_or("");
  if (text.empty()) {
    TRY_ASSIGN(const Credentials* kept, credentials());
    text = kept->current;
  }
  if (text.empty())
    return std::unexpected(Failure(Error{Code::kUnauthenticated, "you are not logged in to any server",
                                         "run `paastech login --server URL --email E`"}));
  Result<ServerUrl> parsed = parse_server_url(text);
  if (!parsed) return usage(parsed.error().message, parsed.error().hint);
  return *parsed;
}

bool Session::token_from_variable(const ServerUrl& server) const {
  if (io.variable("PAASTECH_TOKEN").value_or("").empty()) return false;
  const std::string owner = io.variable("PAASTECH_SERVER").value_or("");
  if (owner.empty()) return true;
  const Result<ServerUrl> parsed = parse_server_url(owner);
  return parsed && parsed->url == server.url;
}

Outcome<std::string> Session::token_for(const ServerUrl& server) {
  if (token_from_variable(server)) return io.variable("PAASTECH_TOKEN").value_or("");
  TRY_ASSIGN(const Credentials* kept, credentials());
  const auto found = kept->servers.find(server.url);
  return found == kept->servers.end() ? std::string() : found->second.token;
}

Outcome<Http*> Session::api() {
  if (!api_) {
    TRY_ASSIGN(const ServerUrl url, server());
    TRY_ASSIGN(const std::string token, token_for(url));
    if (token.empty())
      return std::unexpected(Failure(Error{Code::kUnauthenticated, fmt::format("you are not logged in to {}", url.url),
                                           fmt::format("run `paastech login --server {} --email E`", url.url)}));
    api_ = std::make_unique<Http>(url, token);
  }
  return api_.get();
}

Outcome<std::string> Session::project() {
  if (!globals.project.empty()) return globals.project;
  TRY_ASSIGN(const std::optional<std::string> remote, git().remote());
  if (!remote)
    return usage(fmt::format("which project? This folder's repository has no remote `{}`", kRemote),
                 "name it with -p NAME, or run `paastech init` here");
  const std::optional<std::string> name = project_of_remote(*remote);
  if (!name)
    return usage(fmt::format("the remote `{}` is {}, which names no project", kRemote, *remote),
                 "name the project with -p NAME, or correct the remote");
  return *name;
}

Outcome<std::string> Session::project_path(std::string below) {
  TRY_ASSIGN(const std::string name, project());
  TRY_ASSIGN(const std::string path, project_segment(name));
  return path + below;
}

Outcome<std::string> read_input(Session& session, const std::string& file, std::size_t limit, std::string hint) {
  if (file == "-") {
    std::string text;
    for (int c = session.io.in.get(); c != EOF; c = session.io.in.get()) {
      if (text.size() == limit)
        return fail(Code::kInvalidArgument,
                    fmt::format("the standard input holds more than {}", human_bytes(static_cast<std::int64_t>(limit))),
                    std::move(hint));
      text.push_back(static_cast<char>(c));
    }
    return text;
  }
  Result<std::string> text = read_file(session.io.directory / file, limit);
  if (text) return std::move(*text);
  if (text.error().hint.empty()) text.error().hint = std::move(hint);
  return std::unexpected(Failure(std::move(text.error())));
}

Outcome<std::string> project_segment(const std::string& name) {
  if (name.empty() || name == "." || name == ".." || name.size() > 64)
    return usage(fmt::format("`{}` cannot be a project's name", name), "`paastech projects list` shows your projects");
  return "/projects/" + percent_encoded(name);
}

Outcome<std::string> id_segment(const std::string& id, const std::string& list) {
  if (id.empty() || id == "." || id == "..")
    return usage(fmt::format("`{}` is no such ID", id), fmt::format("`{}` shows them", list));
  return percent_encoded(id);
}

std::string since(const Io& io, const boost::json::value& value, std::string_view key) {
  std::optional<std::int64_t> at = parse_time(text_of(value, key));
  if (!at && integer_of(value, key) > 0) at = integer_of(value, key);
  return at ? human_time(io.now_ms - *at) : "-";
}

}  // namespace paastech::cli
