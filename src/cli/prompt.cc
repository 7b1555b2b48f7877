#include "cli/prompt.h"

#include <fmt/format.h>

namespace paastech::cli {
namespace {
constexpr std::size_t kLineLimit = 64 << 10;  // bytes
}

std::string read_line(Session& session) {
  std::string line;
  for (int c = session.io.in.get(); c != EOF && c != '\n'; c = session.io.in.get())
    if (line.size() < kLineLimit) line.push_back(static_cast<char>(c));
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

Outcome<std::string> ask(Session& session, const std::string& prompt, const std::string& instead) {
  if (!session.io.in_is_terminal) return usage(fmt::format("there is no terminal to ask on: {}", prompt), instead);
  session.io.err << plain(prompt) << ": " << std::flush;
  return read_line(session);
}

Outcome<std::string> ask_secret(Session& session, const std::string& prompt, const std::string& what, bool from_stdin) {
  if (from_stdin) {
    std::string secret = read_line(session);
    if (secret.empty())
      return usage(fmt::format("the standard input holds no {}", what),
                   fmt::format("printf '%s\\n' … | paastech … --{}-stdin", what));
    return secret;
  }
  if (!session.io.in_is_terminal)
    return usage(fmt::format("there is no terminal to ask for the {} on", what),
                 fmt::format("pipe it in and give --{}-stdin", what));
  Result<std::string> typed = session.io.ask_password(plain(prompt) + ": ");
  if (!typed && typed.error().code == Code::kCancelled) return interrupted();
  if (!typed) return std::unexpected(Failure(typed.error()));
  return *typed;
}

void warn_unencrypted(Session& session, const ServerUrl& server, std::string_view secrets) {
  if (server.secure || server.loopback) return;
  session.out.warn(fmt::format("{} is not encrypted: {} can be read on the way", server.url, secrets));
}

Outcome<std::string> ask_new_password(Session& session, bool from_stdin) {
  TRY_ASSIGN(std::string password, ask_secret(session, "New password", "password", from_stdin));
  if (from_stdin) return password;
  TRY_ASSIGN(const std::string again, ask_secret(session, "Again", "password", false));
  if (again != password) return usage("the two passwords differ", "type the same one twice");
  return password;
}

Outcome<std::string> confirm(Session& session, const std::string& warning, const std::string& word, bool yes,
                             const std::string& command) {
  if (yes) return word;
  if (!session.io.in_is_terminal)
    return usage("this needs a confirmation, and there is no terminal to ask on", command + " --yes");
  session.io.err << plain(warning) << "\n";
  TRY_ASSIGN(std::string typed, ask(session, fmt::format("Type {} to go on", word), command + " --yes"));
  if (typed != word)
    return fail(Code::kCancelled, fmt::format("that is not {}; nothing was done", word),
                "type it exactly, or give --yes");
  return typed;
}

}  // namespace paastech::cli
