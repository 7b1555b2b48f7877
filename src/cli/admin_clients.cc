// admin clients: accounts, for administrators.
#include <fmt/format.h>

#include "base/url.h"
#include "cli/command.h"
#include "cli/invitation.h"
#include "cli/json_read.h"
#include "cli/pages.h"
#include "cli/prompt.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

struct ClientOptions {
  std::string who;  // a user name or an id
  std::string email;
  std::string username;
  std::string reason;
  std::string search;
  bool administrator = false;
  bool yes = false;
};

std::string path_of(const std::string& who, const std::string& below = {}) {
  return "/clients/" + percent_encoded(who) + below;
}

Outcome<int> create_client(Session& session, const ClientOptions& options) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value made, api->call("POST", "/clients",
                                               json::object{{"email", options.email},
                                                            {"username", options.username},
                                                            {"administrator", options.administrator}}));
  session.out.document(made);
  session.out.line(fmt::format("Created {}{} <{}>.", flag_of(made, "administrator") ? "administrator " : "",
                               text_of(made, "username"), text_of(made, "email")));
  const std::string password = text_of(made, "password");
  if (!password.empty()) {
    session.out.line(fmt::format("Password: {}", password));
    session.out.note("It is shown only this once; hand it over safely.");
  }
  return 0;
}

Outcome<int> list_clients(Session& session, const ClientOptions& options) {
  TRY_ASSIGN(Http * api, session.api());
  const std::string query = options.search.empty() ? "" : "?q=" + percent_encoded(options.search);
  TRY_ASSIGN(const json::value clients, all_pages(*api, "/clients" + query));
  session.out.document(clients);
  Table table{.header = {"NAME", "ADDRESS", "STATE", "PLAN", "PROJECTS", "SEEN", "AGE"}, .rows = {}};
  for (const json::value& client : array_of(clients))
    table.rows.push_back({text_of(client, "username") + (flag_of(client, "administrator") ? " (admin)" : ""),
                          text_of(client, "email"), text_of(client, "state"), text_of(client, "plan"),
                          fmt::format("{}", integer_of(client, "projects")), since(session.io, client, "last_seen_at"),
                          since(session.io, client, "created_at")});
  session.out.table(table);
  return 0;
}

Outcome<int> show_client(Session& session, const std::string& who) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value client, api->call("GET", path_of(who)));
  session.out.document(client);
  const auto row = [&](std::string_view key, std::string_view value) {
    if (!value.empty()) session.out.line(fmt::format("{:<15}{}", key, plain(value)));
  };
  row("Name", text_of(client, "username"));
  row("ID", text_of(client, "id"));
  row("Address", text_of(client, "email"));
  row("Administrator", flag_of(client, "administrator") ? "yes" : "no");
  row("Second factor", flag_of(client, "second_factor") ? "on" : "off");
  row("State", text_of(client, "state"));
  row("Reason", text_of(client, "suspended_reason"));
  row("Plan", text_of(client, "plan"));
  row("Projects", fmt::format("{}", integer_of(client, "projects")));
  row("Seen", text_of(client, "last_seen_at"));
  row("Created", text_of(client, "created_at"));
  return 0;
}

Outcome<int> suspend(Session& session, const ClientOptions& options) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value client,
             api->call("POST", path_of(options.who, "/suspend"), json::object{{"reason", options.reason}}));
  session.out.document(client);
  session.out.line(fmt::format("{} is suspended: its applications and logins have ended.", options.who));
  return 0;
}

Outcome<int> resume(Session& session, const std::string& who) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value client, api->call("POST", path_of(who, "/resume")));
  session.out.document(client);
  session.out.line(fmt::format("{} is active again; its applications start.", who));
  return 0;
}

Outcome<int> remove_client(Session& session, const ClientOptions& options) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value client, api->call("GET", path_of(options.who)));
  const std::string name = text_of(client, "username");
  TRY(confirm(session,
              fmt::format("This deletes the account {} and its {}, with their applications and repositories. "
                          "Nothing brings them back.",
                          name, counted(integer_of(client, "projects"), "project")),
              name, options.yes, fmt::format("paastech admin clients delete {}", name)));
  TRY_ASSIGN(const json::value done, api->call("DELETE", path_of(name, "?confirm=" + percent_encoded(name))));
  session.out.document(done);
  session.out.line(fmt::format("Deleting {}.", name));
  return 0;
}

Outcome<int> invite(Session& session, const std::string& email) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value made, api->call("POST", "/invitations", json::object{{"email", email}}));
  show_invitation(session, made);
  return 0;
}

Outcome<int> reset_link(Session& session, const std::string& who) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value made, api->call("POST", path_of(who, "/reset-link")));
  session.out.document(made);
  session.out.line(text_of(made, "link"));
  session.out.note("It sets the password once, within an hour; hand it over safely.");
  return 0;
}

}  // namespace

void add_admin_clients_commands(Commands& commands, Command admin) {
  const auto options = std::make_shared<ClientOptions>();
  Command group = commands.group("clients", "Accounts", {}, admin);
  const auto of_one = [&](const std::string& name, const std::string& description, const Action& action) {
    Command app = commands.add(name, description, action, group);
    app.add_option("WHO", options->who, "user name or id").type_name("").required();
    return app;
  };
  Command app = commands.add(
      "create", "Make an account with a random password",
      [options](Session& session) { return create_client(session, *options); }, group);
  app.add_option("--email", options->email, "address to log in with").type_name("E").required();
  app.add_option("--username", options->username, "short name of the account").type_name("U").required();
  app.add_flag("--admin", options->administrator, "make it an administrator");
  app = commands.add(
      "invite", "Invite an address to make its account",
      [options](Session& session) { return invite(session, options->email); }, group);
  app.add_option("ADDRESS", options->email, "whom").type_name("").required();
  app = commands.add(
      "list", "List accounts", [options](Session& session) { return list_clients(session, *options); }, group);
  app.add_option("--search", options->search, "part of a name or an address").type_name("TEXT");
  of_one("show", "Show an account", [options](Session& session) { return show_client(session, options->who); });
  app = of_one("suspend", "Stop an account's applications and end its logins, at once",
               [options](Session& session) { return suspend(session, *options); });
  app.add_option("--reason", options->reason, "what its Client is told").type_name("TEXT").required();
  of_one("resume", "Undo a suspension", [options](Session& session) { return resume(session, options->who); });
  of_one("reset-link", "Make a link that sets the password anew",
         [options](Session& session) { return reset_link(session, options->who); });
  app = of_one("delete", "Delete an account and its projects",
               [options](Session& session) { return remove_client(session, *options); });
  app.add_flag("--yes", options->yes, "do not ask");
}

}  // namespace paastech::cli
