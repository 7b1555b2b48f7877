// tokens: what programs log in with.
#include <fmt/format.h>

#include <algorithm>

#include "cli/command.h"
#include "cli/json_read.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

struct TokenOptions {
  std::string name;
  std::string scope;
  std::vector<std::string> projects;
  int days = 0;  // 0: until it is revoked
};

Outcome<int> create_token(Session& session, const TokenOptions& options) {
  TRY_ASSIGN(Http * api, session.api());
  json::object body{{"name", options.name}, {"scope", options.scope}};
  if (!options.projects.empty()) {
    json::array projects;
    for (const std::string& project : options.projects) projects.emplace_back(project);
    body["projects"] = std::move(projects);
  }
  if (options.days > 0) body["expires_in_days"] = options.days;
  TRY_ASSIGN(const json::value made, api->call("POST", "/tokens", std::move(body)));
  session.out.document(made);
  session.out.line(text_of(made, "token"));
  session.out.note("It is shown only this once. Programs take it from the variable PAASTECH_TOKEN.");
  return 0;
}

std::string reach_of(const json::value& token) {
  const json::array& projects = array_of(token, "projects");
  if (!member(token, "projects")) return "all projects";
  std::string names;
  for (const json::value& project : projects)
    if (project.is_string()) names += (names.empty() ? "" : ", ") + std::string(project.get_string());
  return names.empty() ? "none" : names;
}

Outcome<int> list_tokens(Session& session) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value tokens, api->call("GET", "/tokens"));
  session.out.document(tokens);
  if (array_of(tokens).empty()) {
    session.out.note("There is no token yet: paastech tokens create NAME --scope deploy");
    return 0;
  }
  Table table{.header = {"ID", "NAME", "SCOPE", "REACHES", "EXPIRES", "USED", "AGE"}, .rows = {}};
  for (const json::value& token : array_of(tokens)) {
    const std::string expires = text_of(token, "expires_at").substr(0, 10);
    table.rows.push_back({text_of(token, "id"), text_of(token, "name"), text_of(token, "scope"), reach_of(token),
                          flag_of(token, "expired") ? "expired"
                          : expires.empty()         ? "never"
                                                    : expires,
                          since(session.io, token, "last_used_at"), since(session.io, token, "created_at")});
  }
  session.out.table(table);
  return 0;
}

Outcome<int> revoke(Session& session, const std::string& id) {
  TRY_ASSIGN(const std::string segment, id_segment(id, "paastech tokens list"));
  TRY_ASSIGN(Http * api, session.api());
  TRY(api->call("DELETE", "/tokens/" + segment));
  session.out.document(json::object{});
  session.out.line(fmt::format("Revoked token {}.", id));
  return 0;
}

}  // namespace

void add_tokens_commands(Commands& commands) {
  Command group = commands.group("tokens", "Tokens for programs, such as a CI");
  const auto options = std::make_shared<TokenOptions>();
  Command app = commands.add(
      "create", "Make a token; it is shown once",
      [options](Session& session) { return create_token(session, *options); }, group);
  app.add_option("NAME", options->name, "what it is for").type_name("").required();
  app.add_option("--scope", options->scope, "read: look; deploy: also push and restart; manage: everything")
      .type_name("SCOPE")
      .required()
      .one_of({"read", "deploy", "manage"});
  app.add_option("--only", options->projects, "only this project (may be given several times)").type_name("NAME");
  app.add_option("--expires", options->days, "days until it ends; else it lasts until it is revoked")
      .type_name("DAYS")
      .between(1, 365);
  commands.add("list", "List your tokens", list_tokens, group);
  const auto id = std::make_shared<std::string>();
  commands.add(
              "revoke", "Make a token void", [id](Session& session) { return revoke(session, *id); }, group)
      .add_option("ID", *id, "as `tokens list` shows it")
      .type_name("")
      .required();
}

}  // namespace paastech::cli
