#pragma once
// Questions to whoever sits at the terminal. Without one they are usage errors that name the option to give instead.
#include <string>
#include <string_view>

#include "cli/session.h"

namespace paastech::cli {

// A line of the standard input, without its end. At most 64 KiB of it are taken.
std::string read_line(Session& session);
// Asked for on the terminal; `instead` says what to give where there is none.
Outcome<std::string> ask(Session& session, const std::string& prompt, const std::string& instead);
// Not shown as it is typed. from_stdin: the next line of the standard input. `what`: "password".
Outcome<std::string> ask_secret(Session& session, const std::string& prompt, const std::string& what, bool from_stdin);
// Before `secrets` ("the password") go to a server that is reached without TLS, and not on this machine.
void warn_unencrypted(Session& session, const ServerUrl& server, std::string_view secrets);
// A new password, typed twice on a terminal.
Outcome<std::string> ask_new_password(Session& session, bool from_stdin);
// Before something that nothing brings back: `word` is to be typed, unless `yes`. `command`: what to run without
// asking.
Outcome<std::string> confirm(Session& session, const std::string& warning, const std::string& word, bool yes,
                             const std::string& command);

}  // namespace paastech::cli
