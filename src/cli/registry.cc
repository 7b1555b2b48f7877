// registry: as whom a Project's images are fetched.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "cli/command.h"
#include "cli/json_read.h"
#include "cli/prompt.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

struct Options {
  std::string host;
  std::string username;
  bool password_stdin = false;
};

// The host stands in the path as it is, so it must be one.
Outcome<std::string> path_of(Session& session, const std::string& host) {
  const auto fits = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == ':';
  };
  if (!std::ranges::all_of(host, fits))
    return usage(fmt::format("{} is no registry's host", host), "for instance registry.example:5000, or docker.io");
  return session.project_path("/registries/" + host);
}

Outcome<int> add_registry(Session& session, const Options& options) {
  TRY_ASSIGN(const std::string path, path_of(session, options.host));
  TRY_ASSIGN(const std::string password,
             ask_secret(session, "Password or token of the registry", "password", options.password_stdin));
  TRY_ASSIGN(Http * api, session.api());
  warn_unencrypted(session, api->server(), "the password");
  TRY_ASSIGN(const json::value made,
             api->call("PUT", path, json::object{{"username", options.username}, {"password", password}}));
  session.out.document(made);
  session.out.line(fmt::format("Images of {} are fetched as {}.", text_of(made, "host"), text_of(made, "username")));
  return 0;
}

Outcome<int> list_registries(Session& session) {
  TRY_ASSIGN(const std::string path, session.project_path("/registries"));
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value registries, api->call("GET", path));
  session.out.document(registries);
  if (array_of(registries).empty()) {
    session.out.note("Images are fetched as nobody: paastech registry add HOST --username U");
    return 0;
  }
  Table table{.header = {"HOST", "USER"}, .rows = {}};
  for (const json::value& one : array_of(registries))
    table.rows.push_back({text_of(one, "host"), text_of(one, "username")});
  session.out.table(table);
  return 0;
}

Outcome<int> remove_registry(Session& session, const Options& options) {
  TRY_ASSIGN(const std::string path, path_of(session, options.host));
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN([[maybe_unused]] const json::value gone, api->call("DELETE", path));
  session.out.line(fmt::format("Images of {} are fetched as nobody again.", options.host));
  return 0;
}

}  // namespace

void add_registry_commands(Commands& commands) {
  Command group = commands.group("registry", "Log in to registries for `deploy --image`", list_registries);
  const auto options = std::make_shared<Options>();
  const auto host = [options](Command app) {
    app.add_option("host", options->host, "as before an image's name, for instance registry.example:5000; docker.io")
        .required();
    return app;
  };
  Command added = host(commands.add(
      "add", "Fetch images from there as this user", [options](Session& s) { return add_registry(s, *options); },
      group));
  added.add_option("--username", options->username, "of the registry").required();
  added.add_flag("--password-stdin", options->password_stdin, "read the password from the standard input");
  commands.add("list", "Show the registries with a login", list_registries, group);
  host(commands.add("remove", "Forget a login", [options](Session& s) { return remove_registry(s, *options); }, group));
}

}  // namespace paastech::cli
