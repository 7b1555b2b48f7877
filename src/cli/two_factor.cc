// 2fa: a code of an authenticator app beside the password.
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/json_read.h"
#include "cli/prompt.h"
#include "cli/qr_code.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

Outcome<int> status(Session& session) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value state, api->call("GET", "/me/two-factor"));
  session.out.document(state);
  if (!flag_of(state, "enabled")) {
    session.out.line("Off. `paastech 2fa enable` sets it up.");
    return 0;
  }
  session.out.line(fmt::format("On; {} recovery codes are left.", integer_of(state, "recovery_codes_left")));
  return 0;
}

Outcome<int> enable(Session& session, bool password_stdin) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const std::string password, ask_secret(session, "Password", "password", password_stdin));
  TRY_ASSIGN(const json::value begun, api->call("POST", "/me/two-factor", json::object{{"password", password}}));
  const std::string uri = text_of(begun, "uri");
  if (session.io.out_is_terminal && !session.out.json()) {
    TRY_ASSIGN(const std::string picture, qr_code(uri));
    session.io.out << picture << std::flush;
  }
  session.out.note(
      fmt::format("Scan it with an authenticator app, or enter the secret {}\n{}", text_of(begun, "secret"), uri));
  std::string code;
  if (password_stdin) {
    code = read_line(session);
  } else {
    TRY_ASSIGN(code, ask(session, "Code that it shows", "run it on a terminal"));
  }
  TRY_ASSIGN(const json::value done, api->call("POST", "/me/two-factor/confirm", json::object{{"code", code}}));
  session.out.document(done);
  session.out.line("The second factor is on. Recovery codes, each for one login without the app:");
  for (const json::value& one : array_of(done, "recovery_codes"))
    if (one.is_string()) session.out.line(fmt::format("  {}", std::string(one.get_string())));
  session.out.note("They are shown only this once. Keep them apart from the app.");
  return 0;
}

Outcome<int> disable(Session& session, bool password_stdin) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const std::string password, ask_secret(session, "Password", "password", password_stdin));
  std::string code;
  if (password_stdin) {
    code = read_line(session);
  } else {
    TRY_ASSIGN(code, ask(session, "Code of your authenticator, or a recovery code", "run it on a terminal"));
  }
  TRY(api->call("DELETE", "/me/two-factor", json::object{{"password", password}, {"code", code}}));
  session.out.document(json::object{});
  session.out.line("The second factor is off.");
  return 0;
}

}  // namespace

void add_two_factor_commands(Commands& commands) {
  Command group = commands.group("2fa", "The second factor of your login", status);
  commands.add("status", "Show whether it is on", status, group);
  const auto from_stdin = std::make_shared<bool>(false);
  const auto add = [&](const std::string& name, const std::string& description, Outcome<int> (*act)(Session&, bool)) {
    commands.add(
                name, description, [from_stdin, act](Session& session) { return act(session, *from_stdin); }, group)
        .add_flag("--password-stdin", *from_stdin,
                  "read the password and the code, a line each, from the standard input");
  };
  add("enable", "Set it up", enable);
  add("disable", "Turn it off", disable);
}

}  // namespace paastech::cli
