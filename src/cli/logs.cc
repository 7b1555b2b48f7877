// logs: what the application writes, and what its deployments print.
#include <fmt/format.h>

#include "base/text.h"
#include "base/url.h"
#include "cli/command.h"
#include "cli/json_read.h"
#include "cli/server_url.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

constexpr int kAttempts = 30;                        // connections in a row that did not come about, or broke at once
constexpr std::chrono::milliseconds kBetween{1000};  // half a minute in all: longer than a restart of paastechd
constexpr std::chrono::seconds kAWhile{5};           // a connection that held for so long counts as one

struct LogOptions {
  bool follow = false;
  int lines = 100;
  std::string since = {};
  std::string process = {};
  std::int64_t deployment = 0;
  std::string grep = {};
  bool filtered() const { return !since.empty() || !process.empty() || deployment != 0 || !grep.empty(); }
};

std::string query_of(const LogOptions& options) {
  std::string query = fmt::format("/logs?lines={}", options.lines);
  if (!options.since.empty()) query += "&since=" + percent_encoded(options.since);
  if (!options.process.empty()) query += "&process=" + percent_encoded(options.process);
  if (options.deployment != 0) query += fmt::format("&deployment={}", options.deployment);
  if (!options.grep.empty()) query += "&grep=" + percent_encoded(options.grep);
  if (options.follow) query += "&follow=true";
  return query;
}

void show(Session& session, const json::value& entry) {
  std::string at = text_of(entry, "at");
  if (parse_time(at)) at = at.substr(0, 19) + "Z";  // seconds are enough for a reader; --json has all of it
  const std::string prefix = plain(fmt::format("{} {} |", at, text_of(entry, "instance")));
  std::string text = text_of(entry, "text");
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  session.out.line(fmt::format("{} {}", session.out.paint(prefix, Colour::kCyan), text));
}

// Whether nothing was ever deployed; not known counts as no.
bool is_empty(Session& session, Http& api) {
  const Outcome<std::string> path = session.project_path();
  if (!path) return false;
  const Result<json::value> project = api.call("GET", *path);
  return project && text_of(*project, "state") == "empty";
}

// One connection after the other, each from the last line that was shown on.
class Follower {
 public:
  Follower(Session& session, Http& api, std::string path) : session_(session), api_(api), path_(std::move(path)) {}

  Outcome<int> run() {
    bool connected = false;
    for (int attempt = 0;;) {
      const auto began = std::chrono::steady_clock::now();
      const std::int64_t before = cursor_;
      const std::string from = cursor_ > 0 ? fmt::format("&cursor={}", cursor_) : "";
      const Result<StreamEnd> end = api_.stream(path_ + from, [this](const Event& event) { return take(event); });
      if (told_) return std::unexpected(Failure(*told_));
      if (end) return *end == StreamEnd::kInterrupted ? kExitInterrupted : 0;
      const bool held = cursor_ > before || std::chrono::steady_clock::now() - began >= kAWhile;
      connected = connected || held;
      if (!connected || end.error().code != Code::kUnavailable) return std::unexpected(Failure(end.error()));
      attempt = held ? 0 : attempt + 1;
      if (attempt == kAttempts) return std::unexpected(Failure(end.error()));
      session_.io.pause(kBetween);
    }
  }

 private:
  bool take(const Event& event) {
    if (event.name == "error") told_ = read_problem(event.data);
    json::error_code error;
    const json::value data = json::parse(event.data, error);
    if (!error && event.name == "gap")
      session_.out.note(fmt::format("… {} lines that came here are not kept any more", integer_of(data, "missed")));
    if (error || event.name != "log") return !told_;
    cursor_ = integer_of(data, "sequence", cursor_);
    session_.out.document(data);
    show(session_, data);
    return true;
  }
  Session& session_;
  Http& api_;
  std::string path_;
  std::int64_t cursor_ = 0;         // the sequence of the last line
  std::optional<Error> told_ = {};  // by the server inside the stream
};

void explain_nothing(Session& session, Http& api, const LogOptions& options) {
  if (options.lines == 0)
    session.out.note("`-n 0` asks for no line that is there. With `-f` it shows those that come.");
  else if (is_empty(session, api))
    session.out.note("Nothing was deployed yet. `git push paastech main` deploys; what it prints is shown here.");
  else if (options.filtered())
    session.out.note("No line that is kept is as you asked for. `paastech logs` shows the last ones of all.");
  else
    session.out.note("Nothing was logged yet. `paastech ps` shows what runs.");
}

Outcome<int> logs(Session& session, const LogOptions& options) {
  TRY_ASSIGN(const std::string path, session.project_path(query_of(options)));
  TRY_ASSIGN(Http * api, session.api());
  if (options.follow) {
    if (is_empty(session, *api))
      session.out.note("Nothing was deployed yet. What is printed from now on is shown here; Ctrl-C ends this.");
    return Follower(session, *api, path).run();
  }
  TRY_ASSIGN(const json::value answer, api->call("GET", path));
  session.out.document(answer);
  if (array_of(answer).empty()) explain_nothing(session, *api, options);
  for (const json::value& entry : array_of(answer)) show(session, entry);
  return 0;
}

}  // namespace

void add_logs_command(Commands& commands) {
  const auto options = std::make_shared<LogOptions>();
  Command app = commands.add("logs", "Show what the application writes",
                             [options](Session& session) { return logs(session, *options); });
  app.add_flag("-f,--follow", options->follow, "go on as it comes; Ctrl-C ends it");
  app.add_option("-n,--lines", options->lines, "how many of the last lines").type_name("LINES").between(0, 10'000);
  app.add_option("--since", options->since, "only lines that are no older: 15m, 2h, 7d, or 2026-01-31T12:00:00Z")
      .type_name("TIME");
  app.add_option("--process", options->process, "only of this process; build, release and platform are deployments'")
      .type_name("NAME");
  app.add_option("--deployment", options->deployment, "only of this deployment")
      .type_name("N")
      .between(1, kHighestNumber);
  app.add_option("--grep", options->grep, "only lines that match this regular expression (RE2)").type_name("PATTERN");
}

}  // namespace paastech::cli
