// stop, start, restart, rollback, open: the running application.
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/follow.h"
#include "cli/json_read.h"
#include "cli/spawn.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

Outcome<int> stop(Session& session) {
  TRY_ASSIGN(const std::string path, session.project_path("/stop"));
  TRY_ASSIGN(Http * api, session.api());
  session.out.progress("Stopping; requests in flight may finish …");
  TRY_ASSIGN(const json::value project, api->call("POST", path));
  session.out.document(project);
  session.out.line(fmt::format("{} is stopped; `paastech start` starts it again.", text_of(project, "name")));
  return 0;
}

// A Deployment brings it back; how that ended decides, and the JSON shows the Project as it is then.
Outcome<int> start(Session& session, bool no_wait) {
  TRY_ASSIGN(const std::string path, session.project_path());
  TRY_ASSIGN(Http * api, session.api());
  session.out.progress("Starting …");
  TRY_ASSIGN(json::value project, api->call("POST", path + "/start"));
  const json::value* latest = object_of(project, "latest");
  if (text_of(project, "state") == "live" || !latest) {
    session.out.document(project);
    session.out.line(fmt::format("{} is started: {}", text_of(project, "name"), text_of(project, "url")));
    return 0;
  }
  const bool under_way = !has_ended(text_of(*latest, "state"));
  if (under_way && no_wait) return follow_answer(session, path, std::move(project), "latest", false);
  json::value last = *latest;
  if (under_way) {
    TRY_ASSIGN(last, follow_deployment(session, path, integer_of(last, "number")));
  }
  if (session.out.json()) {
    TRY_ASSIGN(project, api->call("GET", path));
    session.out.document(project);
  }
  return report_deployment(session, last);
}

Outcome<int> restart(Session& session, bool no_wait) {
  TRY_ASSIGN(const std::string path, session.project_path());
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(json::value answer, api->call("POST", path + "/restart"));
  return follow_answer(session, path, std::move(answer), "deployment", !no_wait);
}

Outcome<int> roll_back(Session& session, std::int64_t number, bool no_wait) {
  TRY_ASSIGN(const std::string path, session.project_path());
  TRY_ASSIGN(Http * api, session.api());
  json::object body;
  if (number > 0) body["deployment"] = number;
  TRY_ASSIGN(json::value answer, api->call("POST", path + "/rollback", body));
  return follow_answer(session, path, std::move(answer), "deployment", !no_wait);
}

Outcome<int> open(Session& session) {
  TRY_ASSIGN(const std::string path, session.project_path());
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value project, api->call("GET", path));
  const std::string url = text_of(project, "url");
  session.out.document(json::object{{"url", url}});
  session.out.line(url);
  if (text_of(project, "state") == "empty")
    session.out.note(fmt::format("Nothing is there yet: git push {} HEAD:main", kRemote));
  const bool web = url.starts_with("http://") || url.starts_with("https://");
  if (session.io.out_is_terminal && !session.out.json() && web) [[maybe_unused]]
    const bool opened = run_quietly({"xdg-open", url});  // the URL stands above in any case
  return 0;
}

}  // namespace

void add_apps_commands(Commands& commands) {
  commands.add("stop", "Stop the application; it stays stopped", stop);
  const auto add = [&](const std::string& name, const std::string& text, auto function) {
    const auto no_wait = std::make_shared<bool>(false);
    commands.add(name, text, [no_wait, function](Session& session) { return function(session, *no_wait); })
        .add_flag("--no-wait", *no_wait, "do not follow the deployment that this causes");
  };
  add("start", "Start a stopped application", start);
  add("restart", "Replace the instances by new ones, without a gap", restart);
  const auto number = std::make_shared<std::int64_t>(0);
  const auto no_wait = std::make_shared<bool>(false);
  const Command rollback =
      commands.add("rollback", "Run an earlier deployment's image and environment again, without a build",
                   [number, no_wait](Session& session) { return roll_back(session, *number, *no_wait); });
  rollback.add_option("deployment", *number, "its number (default: the newest before that differs from what is live)")
      .between(1, kHighestNumber);
  rollback.add_flag("--no-wait", *no_wait, "do not follow the deployment that this causes");
  commands.add("open", "Print the application's URL and open it", open);
}

}  // namespace paastech::cli
