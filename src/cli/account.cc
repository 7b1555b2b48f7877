// signup and account: one's own account from its beginning to its end.
#include <fmt/format.h>

#include "base/url.h"
#include "cli/command.h"
#include "cli/invitation.h"
#include "cli/json_read.h"
#include "cli/prompt.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

struct AccountOptions {
  std::string email;
  std::string username;
  std::string invitation;
  bool password_stdin = false;
  bool yes = false;
};

Outcome<int> sign_up(Session& session, const AccountOptions& options) {
  TRY_ASSIGN(const ServerUrl server, session.server());
  warn_unencrypted(session, server, "the password");
  TRY_ASSIGN(const std::string password, ask_new_password(session, options.password_stdin));
  json::object body{{"email", options.email}, {"username", options.username}, {"password", password}};
  if (!options.invitation.empty()) body["invitation"] = secret_of(options.invitation);
  Http api(server, "");
  TRY_ASSIGN(const json::value made, api.call("POST", "/signup", std::move(body)));
  session.out.document(made);
  if (text_of(made, "username").empty())
    session.out.line(
        fmt::format("A link was mailed to {}: open it within 24 hours to confirm the address.", options.email));
  else
    session.out.line(fmt::format("The account {} is made.", text_of(made, "username")));
  session.out.note(fmt::format("Then: paastech login --server {}", server.url));
  return 0;
}

Outcome<int> change_password(Session& session, const AccountOptions& options) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const std::string current, ask_secret(session, "Current password", "password", options.password_stdin));
  TRY_ASSIGN(const std::string password, ask_new_password(session, options.password_stdin));
  TRY_ASSIGN(const json::value done,
             api->call("POST", "/me/password", json::object{{"current", current}, {"password", password}}));
  session.out.document(done);
  session.out.line(
      fmt::format("The password is changed; {} ended.", counted(integer_of(done, "sessions_ended"), "other login")));
  return 0;
}

Outcome<int> change_email(Session& session, const AccountOptions& options) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const std::string password, ask_secret(session, "Password", "password", options.password_stdin));
  TRY_ASSIGN(const json::value done,
             api->call("POST", "/me/email", json::object{{"email", options.email}, {"password", password}}));
  session.out.document(done);
  session.out.line(fmt::format("A link was mailed to {}; the address changes once it is opened.", options.email));
  return 0;
}

std::string what_goes(const json::value& deletion) {
  std::string text = "This deletes your account";
  std::string projects;
  for (const json::value& project : array_of(deletion, "projects"))
    if (project.is_string()) projects += (projects.empty() ? "" : ", ") + std::string(project.get_string());
  if (!projects.empty()) text += " and the projects you own, with their applications and repositories: " + projects;
  return text + fmt::format(". {} memberships, {} tokens and {} keys go with it. Nothing brings them back.",
                            integer_of(deletion, "memberships"), integer_of(deletion, "tokens"),
                            integer_of(deletion, "keys"));
}

Outcome<int> delete_account(Session& session, const AccountOptions& options) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value me, api->call("GET", "/me"));
  TRY_ASSIGN(const json::value deletion, api->call("GET", "/me/deletion"));
  const std::string name = text_of(me, "username");
  TRY(confirm(session, what_goes(deletion), name, options.yes, "paastech account delete"));
  TRY_ASSIGN(const std::string password, ask_secret(session, "Password", "password", options.password_stdin));
  TRY_ASSIGN(const json::value done,
             api->call("DELETE", "/me?confirm=" + percent_encoded(name), json::object{{"password", password}}));
  session.out.document(done);
  session.out.line(fmt::format("The account {} is deleted.", name));
  return 0;
}

void add_stdin_flag(Command app, AccountOptions& options, const std::string& what) {
  app.add_flag("--password-stdin", options.password_stdin, "read " + what + " from the standard input");
}

}  // namespace

void add_account_commands(Commands& commands) {
  const auto options = std::make_shared<AccountOptions>();
  Command app =
      commands.add("signup", "Make an account", [options](Session& session) { return sign_up(session, *options); });
  app.add_option("--email", options->email, "your address").type_name("E").required();
  app.add_option("--username", options->username, "3-30 letters, digits, - and _; a letter first")
      .type_name("U")
      .required();
  app.add_option("--invitation", options->invitation, "the link of your invitation, or the secret in it")
      .type_name("LINK");
  add_stdin_flag(app, *options, "the password");
  Command group = commands.group("account", "Your account");
  app = commands.add(
      "password", "Change your password", [options](Session& session) { return change_password(session, *options); },
      group);
  add_stdin_flag(app, *options, "the current and the new password, a line each,");
  app = commands.add(
      "email", "Change your address", [options](Session& session) { return change_email(session, *options); }, group);
  app.add_option("ADDRESS", options->email, "the new one").type_name("").required();
  add_stdin_flag(app, *options, "the password");
  app = commands.add(
      "delete", "Delete your account", [options](Session& session) { return delete_account(session, *options); },
      group);
  app.add_flag("--yes", options->yes, "do not ask");
  add_stdin_flag(app, *options, "the password");
}

}  // namespace paastech::cli
