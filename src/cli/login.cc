// login, logout, whoami.
#include <fmt/format.h>

#include <algorithm>

#include "cli/command.h"
#include "cli/json_read.h"
#include "cli/prompt.h"
#include "cli/spawn.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

// What the administrators want everybody to know. An older Service has none.
void show_announcements(Session& session, const ServerUrl& server, const std::string& token) {
  Http api(server, token);
  const Result<json::value> all = api.call("GET", "/me/announcements");
  if (!all) return;
  for (const json::value& one : array_of(*all)) {
    if (text_of(one, "level") == "warning")
      session.out.warn(text_of(one, "text"));
    else
      session.out.note(text_of(one, "text"));
  }
}

struct LoginOptions {
  std::string email;
  std::string code;
  bool password_stdin = false;
  bool token = false;
  bool token_stdin = false;
  bool no_browser = false;
};

struct NewLogin {
  std::string token;
  json::value client;
};

std::string device_name(const Session& session) {
  return fmt::format("paastech CLI on {}", plain(session.io.hostname));
}

// Asks for the code of the second factor where the Service says that it is due.
Outcome<NewLogin> by_password(Session& session, Http& api, const LoginOptions& options) {
  std::string email = options.email;
  if (email.empty()) {
    TRY_ASSIGN(email, ask(session, "E-mail", "paastech login --server URL --email E"));
  }
  TRY_ASSIGN(const std::string password,
             ask_secret(session, fmt::format("Password of {}", email), "password", options.password_stdin));
  json::object body{{"email", email}, {"password", password}, {"name", device_name(session)}};
  if (!options.code.empty()) body["code"] = options.code;
  Result<json::value> answer = api.call("POST", "/sessions", body);
  if (!answer && options.code.empty() && api.problem_code() == "second_factor_required") {
    TRY_ASSIGN(body["code"], ask(session, "Code of your authenticator, or a recovery code",
                                 "give it with --code: paastech login … --code CODE"));
    answer = api.call("POST", "/sessions", body);
  }
  if (!answer) return std::unexpected(Failure(answer.error()));
  const json::value* client = object_of(*answer, "client");
  return NewLogin{text_of(*answer, "token"), client ? *client : json::value(nullptr)};
}

void open_browser(const Session& session, const std::string& address) {
  const auto set = [&](const char* name) { return !session.io.variable(name).value_or("").empty(); };
  if (!set("DISPLAY") && !set("WAYLAND_DISPLAY")) return;
  launch({"xdg-open", address});
}

// RFC 8628: whoever is logged in in a browser, on whatever machine, approves this one.
Outcome<NewLogin> by_device(Session& session, Http& api, const LoginOptions& options) {
  TRY_ASSIGN(const json::value begun, api.call("POST", "/device/code", json::object{{"name", device_name(session)}}));
  session.out.note(fmt::format("Open {}\nand approve the code {}", text_of(begun, "verification_uri_complete"),
                               text_of(begun, "user_code")));
  const std::string address = text_of(begun, "verification_uri_complete");
  const bool is_web = address.starts_with("https://") || address.starts_with("http://");
  if (!options.no_browser && is_web && session.io.err_is_terminal) open_browser(session, address);
  session.out.progress("Waiting …");
  std::int64_t interval = std::max<std::int64_t>(integer_of(begun, "interval", 5), 1);
  for (std::int64_t left = integer_of(begun, "expires_in", 600); left > 0; left -= interval) {
    session.io.pause(std::chrono::seconds(interval));
    const Result<json::value> answer =
        api.call("POST", "/device/token", json::object{{"device_code", text_of(begun, "device_code")}});
    if (answer) {
      const json::value* client = object_of(*answer, "client");
      return NewLogin{text_of(*answer, "token"), client ? *client : json::value(nullptr)};
    }
    if (api.problem_code() == "slow_down") interval += 5;  // RFC 8628 section 3.5
    const bool goes_on = api.problem_code() == "slow_down" || api.problem_code() == "authorization_pending" ||
                         answer.error().code == Code::kUnavailable;
    if (!goes_on) return std::unexpected(Failure(answer.error()));
  }
  return fail(Code::kDeadlineExceeded, "nobody approved this login in time", "run `paastech login` again");
}

Outcome<NewLogin> by_token(Session& session, const ServerUrl& server, const LoginOptions& options) {
  TRY_ASSIGN(const std::string token, ask_secret(session, "Token", "token", options.token_stdin));
  Http api(server, token);
  TRY_ASSIGN(json::value me, api.call("GET", "/me"));
  return NewLogin{token, std::move(me)};
}

Outcome<NewLogin> by_any(Session& session, const ServerUrl& server, const LoginOptions& options) {
  if (options.token || options.token_stdin) return by_token(session, server, options);
  Http anonymous(server, "");
  if (!options.email.empty() || options.password_stdin) return by_password(session, anonymous, options);
  return by_device(session, anonymous, options);
}

Outcome<int> login(Session& session, const LoginOptions& options) {
  TRY_ASSIGN(const auto path, credentials_path(session.io));
  TRY_ASSIGN(const Credentials kept, load_credentials(path));  // before anything is asked for
  if (session.globals.server.empty() && session.io.variable("PAASTECH_SERVER").value_or("").empty() &&
      kept.current.empty())
    return usage("log in to which server?", "paastech login --server URL");
  TRY_ASSIGN(const ServerUrl server, session.server());
  warn_unencrypted(session, server, "the password and the token");
  TRY_ASSIGN(const NewLogin made, by_any(session, server, options));
  if (made.token.empty())
    return fail(Code::kInternal, fmt::format("{} answered the login without a token", server.url), "check the address");
  std::string replaced;
  TRY(update_credentials(path, [&](Credentials& all) {
    replaced = all.servers[server.url].token;
    all.current = server.url;
    all.servers[server.url] = {made.token, text_of(made.client, "email")};
  }));
  if (!replaced.empty() && replaced != made.token) {  // a token nobody keeps should not stay valid
    Http old(server, replaced);
    [[maybe_unused]] const auto ignored = old.call("DELETE", "/sessions/current");
  }
  session.out.document(json::object{{"server", server.url}, {"client", made.client}});
  session.out.line(fmt::format("Logged in to {} as {}.", server.url, text_of(made.client, "username")));
  if (!session.io.variable("PAASTECH_TOKEN").value_or("").empty())
    session.out.warn("PAASTECH_TOKEN is set and goes before this login; unset it to use the login");
  show_announcements(session, server, made.token);
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
    TRY(update_credentials(path, [&](Credentials& kept) {
      kept.servers.erase(url);
      if (kept.current == url) kept.current.clear();
    }));
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
  Command app = commands.add("login", "Log in and keep the token on this machine",
                             [options](Session& session) { return login(session, *options); });
  app.add_option("--email", options->email, "log in with address and password, not by a browser").type_name("E");
  app.add_flag("--password-stdin", options->password_stdin, "read the password from the standard input");
  app.add_option("--code", options->code, "of the second factor; else it is asked for").type_name("CODE");
  app.add_flag("--token", options->token, "log in with a token, which is asked for");
  app.add_flag("--token-stdin", options->token_stdin, "read the token from the standard input");
  app.add_flag("--no-browser", options->no_browser, "only show the address");
  commands.add("logout", "Revoke the token and forget it", logout);
  commands.add("whoami", "Show who is logged in, and where", whoami);
}

}  // namespace paastech::cli
