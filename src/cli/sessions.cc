// sessions: where this account is logged in.
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/json_read.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

Outcome<int> list_sessions(Session& session) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value logins, api->call("GET", "/sessions"));
  session.out.document(logins);
  Table table{.header = {"ID", "NAME", "KIND", "FROM", "USED", "AGE", ""}, .rows = {}};
  for (const json::value& login : array_of(logins))
    table.rows.push_back({text_of(login, "id"), text_of(login, "name"), text_of(login, "kind"),
                          text_of(login, "address"), since(session.io, login, "last_used_at"),
                          since(session.io, login, "created_at"), flag_of(login, "current") ? "this one" : ""});
  session.out.table(table);
  return 0;
}

Outcome<int> end(Session& session, const std::string& id) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const std::string segment, id_segment(id, "paastech sessions list"));
  TRY(api->call("DELETE", "/sessions/" + segment));
  session.out.document(json::object{});
  session.out.line(fmt::format("Ended {}.", id));
  return 0;
}

Outcome<int> end_others(Session& session) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value ended, api->call("DELETE", "/sessions"));
  session.out.document(ended);
  session.out.line(fmt::format("Ended {}.", counted(integer_of(ended, "ended"), "other login")));
  return 0;
}

}  // namespace

void add_sessions_commands(Commands& commands) {
  Command group = commands.group("sessions", "Where you are logged in", list_sessions);
  commands.add("list", "List your logins", list_sessions, group);
  const auto id = std::make_shared<std::string>();
  commands.add(
              "end", "End a login", [id](Session& session) { return end(session, *id); }, group)
      .add_option("ID", *id, "as `sessions list` shows it")
      .type_name("")
      .required();
  commands.add("end-others", "End all your logins but this one", end_others, group);
}

}  // namespace paastech::cli
