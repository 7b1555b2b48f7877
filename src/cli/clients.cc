// clients create, for administrators.
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/json_read.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

struct ClientOptions {
  std::string email;
  std::string username;
  bool administrator = false;
};

Outcome<int> create(Session& session, const ClientOptions& options) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value made, api->call("POST", "/clients",
                                               json::object{{"email", options.email},
                                                            {"username", options.username},
                                                            {"administrator", options.administrator}}));
  session.out.document(made);
  const json::value* nested = object_of(made, "client");
  const json::value& client = nested ? *nested : made;
  session.out.line(fmt::format("Created {}{} <{}>.", flag_of(client, "administrator") ? "administrator " : "",
                               text_of(client, "username"), text_of(client, "email")));
  const std::string password = text_of(made, "password");
  if (!password.empty()) {
    session.out.line(fmt::format("Password: {}", password));
    session.out.note("It is shown only this once; hand it over safely.");
  }
  return 0;
}

}  // namespace

void add_clients_commands(Commands& commands) {
  const auto options = std::make_shared<ClientOptions>();
  CLI::App* group = commands.group("clients", "Accounts (for administrators)");
  CLI::App* app = commands.add(
      "create", "Create an account with a random password",
      [options](Session& session) { return create(session, *options); }, group);
  app->add_option("--email", options->email, "address to log in with")->type_name("E")->required();
  app->add_option("--username", options->username, "short name of the account")->type_name("U")->required();
  app->add_flag("--admin", options->administrator, "make it an administrator");
}

}  // namespace paastech::cli
