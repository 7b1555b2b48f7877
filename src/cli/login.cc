// login, logout, whoami.
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/json_read.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

struct LoginOptions {
  std::string email;
  bool password_stdin = false;
};

Outcome<std::string> email_of(Session& session, const LoginOptions& options) {
  std::string email = options.email;
  if (email.empty() && session.io.in_is_terminal) {
    session.io.err << "E-mail: " << std::flush;
    std::getline(session.io.in, email);
  }
  if (email.empty()) return usage("whose login? There is no --email", "paastech login --server URL --email E");
  return email;
}

Outcome<std::string> password_of(Session& session, const std::string& email, bool from_stdin) {
  std::string password;
  if (from_stdin) {
    std::getline(session.io.in, password);
    if (password.ends_with('\r')) password.pop_back();
    if (password.empty())
      return usage("the standard input holds no password", "printf '%s' … | paastech login … --password-stdin");
    return password;
  }
  if (!session.io.in_is_terminal)
    return usage("there is no terminal to ask for the password on", "pipe it in and give --password-stdin");
  Result<std::string> typed = session.io.ask_password(fmt::format("Password of {}: ", plain(email)));
  if (!typed && typed.error().code == Code::kCancelled) return interrupted();
  if (!typed) return std::unexpected(Failure(typed.error()));
  return *typed;
}

Outcome<int> login(Session& session, const LoginOptions& options) {
  if (session.globals.server.empty() && session.io.variable("PAASTECH_SERVER").value_or("").empty()) {
    TRY_ASSIGN(const auto file, credentials_path(session.io));
    TRY_ASSIGN(const Credentials kept, load_credentials(file));
    if (kept.current.empty()) return usage("log in to which server?", "paastech login --server URL --email E");
  }
  TRY_ASSIGN(const ServerUrl server, session.server());
  TRY_ASSIGN(const auto path, credentials_path(session.io));
  TRY_ASSIGN(Credentials kept, load_credentials(path));  // before the password is asked for
  if (!server.secure && !server.loopback)
    session.out.warn(fmt::format("{} is not encrypted: the password and the token can be read on the way", server.url));
  TRY_ASSIGN(const std::string email, email_of(session, options));
  TRY_ASSIGN(const std::string password, password_of(session, email, options.password_stdin));

  Http anonymous(server, "");
  const std::string name = fmt::format("paastech CLI on {}", plain(session.io.hostname));
  TRY_ASSIGN(
      const json::value answer,
      anonymous.call("POST", "/sessions", json::object{{"email", email}, {"password", password}, {"name", name}}));
  const std::string token = text_of(answer, "token");
  if (token.empty())
    return fail(Code::kInternal, fmt::format("{} answered the login without a token", server.url), "check the address");
  const std::string replaced = kept.servers[server.url].token;
  kept.current = server.url;
  kept.servers[server.url] = {token, email};
  TRY(save_credentials(path, kept));
  if (!replaced.empty()) {  // a token nobody keeps should not stay valid; it may be invalid already
    Http old(server, replaced);
    [[maybe_unused]] const auto ignored = old.call("DELETE", "/sessions/current");
  }
  const json::value* client = object_of(answer, "client");
  const std::string username = client ? text_of(*client, "username") : email;
  session.out.document(json::object{{"server", server.url}, {"client", client ? *client : json::value(nullptr)}});
  session.out.line(fmt::format("Logged in to {} as {}.", server.url, username));
  if (!session.io.variable("PAASTECH_TOKEN").value_or("").empty())
    session.out.warn("PAASTECH_TOKEN is set and goes before this login; unset it to use the login");
  return 0;
}

Outcome<int> logout(Session& session) {
  Outcome<ServerUrl> server = session.server();
  if (!server && server.error().exit != kExitNotLoggedIn) return std::unexpected(server.error());
  const std::string url = server ? server->url : "";
  std::string token;
  if (server) {
    TRY_ASSIGN(token, session.token_for(*server));
  }
  if (token.empty()) {
    session.out.document(json::object{});
    session.out.line("You were not logged in.");
    return 0;
  }
  Http api(*server, token);
  const Result<json::value> answer = api.call("DELETE", "/sessions/current");
  if (session.token_from_variable(*server)) {
    if (!answer) return std::unexpected(Failure(answer.error()));
    session.out.note("That was the token in PAASTECH_TOKEN; unset the variable.");
  } else {
    TRY_ASSIGN(const auto path, credentials_path(session.io));
    TRY_ASSIGN(Credentials kept, load_credentials(path));
    kept.servers.erase(url);
    if (kept.current == url) kept.current.clear();
    if (kept.servers.empty()) {
      std::error_code none;
      std::filesystem::remove(path, none);
    } else {
      TRY(save_credentials(path, kept));
    }
  }
  if (!answer && answer.error().code != Code::kUnauthenticated) {
    Error error = answer.error();
    error.message = "this machine forgot the login, but the server was not told: " + error.message;
    error.hint = "the token stays valid there until it is revoked";
    return std::unexpected(Failure(std::move(error)));
  }
  session.out.document(json::object{});
  session.out.line(fmt::format("Logged out of {}.", url));
  return 0;
}

Outcome<int> whoami(Session& session) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value me, api->call("GET", "/me"));
  session.out.document(me);
  session.out.line(fmt::format("{} <{}>{} at {}", text_of(me, "username"), text_of(me, "email"),
                               flag_of(me, "administrator") ? ", administrator," : "", api->server().url));
  return 0;
}

}  // namespace

void add_login_commands(Commands& commands) {
  const auto options = std::make_shared<LoginOptions>();
  CLI::App* app = commands.add("login", "Log in and keep the token on this machine",
                               [options](Session& session) { return login(session, *options); });
  app->add_option("--email", options->email, "the account's address")->type_name("E");
  app->add_flag("--password-stdin", options->password_stdin, "read the password from the standard input");
  commands.add("logout", "Revoke the token and forget it", logout);
  commands.add("whoami", "Show who is logged in, and where", whoami);
}

}  // namespace paastech::cli
