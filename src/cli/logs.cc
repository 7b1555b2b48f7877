// logs: what the application writes.
#include <fmt/format.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/json_read.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

struct LogOptions {
  bool follow = false;
  int lines = 100;
};

void show(Session& session, const json::value& entry) {
  std::string at = text_of(entry, "at");
  if (parse_time(at)) at = at.substr(0, 19) + "Z";  // seconds are enough for a reader; --json has all of it
  const std::string prefix = plain(fmt::format("{} {} |", at, text_of(entry, "instance")));
  std::string text = text_of(entry, "text");
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  session.out.line(fmt::format("{} {}", session.out.paint(prefix, Colour::kCyan), text));
}

Outcome<int> follow(Session& session, Http& api, const std::string& path) {
  std::optional<Error> broken;
  const auto take = [&](const Event& event) {
    if (event.name == "error") broken = read_problem(event.data);
    json::error_code error;
    const json::value entry = json::parse(event.data, error);
    if (error || event.name != "log") return !broken;
    session.out.document(entry);
    show(session, entry);
    return true;
  };
  TRY_ASSIGN(const StreamEnd end, api.stream(path, take));
  if (broken) return std::unexpected(Failure(*broken));
  return end == StreamEnd::kInterrupted ? kExitInterrupted : 0;
}

Outcome<int> logs(Session& session, const LogOptions& options) {
  TRY_ASSIGN(const std::string path, session.project_path(fmt::format("/logs?lines={}", options.lines)));
  TRY_ASSIGN(Http * api, session.api());
  if (options.follow) return follow(session, *api, path + "&follow=true");
  TRY_ASSIGN(const json::value answer, api->call("GET", path));
  session.out.document(answer);
  if (array_of(answer).empty()) session.out.note("Nothing was logged yet. `paastech ps` shows what runs.");
  for (const json::value& entry : array_of(answer)) show(session, entry);
  return 0;
}

}  // namespace

void add_logs_command(Commands& commands) {
  const auto options = std::make_shared<LogOptions>();
  CLI::App* app = commands.add("logs", "Show what the application writes",
                               [options](Session& session) { return logs(session, *options); });
  app->add_flag("-f,--follow", options->follow, "go on as it comes; Ctrl-C ends it");
  app->add_option("-n,--lines", options->lines, "how many of the last lines")
      ->type_name("LINES")
      ->check(CLI::Range(0, 10'000));
}

}  // namespace paastech::cli
