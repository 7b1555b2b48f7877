// ps, stop, start, restart, open, stats: the running application.
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/follow.h"
#include "cli/json_read.h"
#include "cli/spawn.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

std::string instance_state(const json::value& instance) {
  const std::string state = text_of(instance, "state");
  if (flag_of(instance, "out_of_memory"))  // the Engine says so until the next end, also once it runs again
    return state + (state == "running" ? " (was out of memory)" : " (out of memory)");
  const std::int64_t code = integer_of(instance, "exit_code");
  return code != 0 ? fmt::format("{} (exit {})", state, code) : state;
}

Outcome<int> ps(Session& session) {
  TRY_ASSIGN(const std::string path, session.project_path("/instances"));
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value instances, api->call("GET", path));
  session.out.document(instances);
  if (array_of(instances).empty()) {
    session.out.note("Nothing runs. `paastech projects info` says why: never deployed, stopped, or failed.");
    return 0;
  }
  Table table{.header = {"NAME", "STATE", "DEPLOYMENT", "UP", "RESTARTS"}, .rows = {}};
  for (const json::value& item : array_of(instances))
    table.rows.push_back({text_of(item, "name"), instance_state(item), std::to_string(integer_of(item, "deployment")),
                          since(session.io, item, "started_at"), std::to_string(integer_of(item, "restarts"))});
  session.out.table(table);
  return 0;
}

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

Outcome<int> stats(Session& session) {
  TRY_ASSIGN(const std::string path, session.project_path("/stats"));
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value stats, api->call("GET", path));
  session.out.document(stats);
  if (array_of(stats).empty()) {
    session.out.note("Nothing runs, so there is nothing to measure.");
    return 0;
  }
  Table table{.header = {"NAME", "DEPLOYMENT", "CPU", "MEMORY", "LIMIT", "RECEIVED", "SENT", "PROCESSES"}, .rows = {}};
  for (const json::value& item : array_of(stats)) {
    const auto bytes = [&](std::string_view key) { return human_bytes(integer_of(item, key)); };
    table.rows.push_back({text_of(item, "name"), std::to_string(integer_of(item, "deployment")),
                          fmt::format("{:.1f} %", number_of(item, "cpu_percent")), bytes("memory_bytes"),
                          bytes("memory_limit_bytes"), bytes("network_received_bytes"), bytes("network_sent_bytes"),
                          std::to_string(integer_of(item, "processes"))});
  }
  session.out.table(table);
  return 0;
}

}  // namespace

void add_apps_commands(Commands& commands) {
  commands.add("ps", "Show the running instances", ps);
  commands.add("stop", "Stop the application; it stays stopped", stop);
  const auto add = [&](const std::string& name, const std::string& text, auto function) {
    const auto no_wait = std::make_shared<bool>(false);
    commands.add(name, text, [no_wait, function](Session& session) { return function(session, *no_wait); })
        ->add_flag("--no-wait", *no_wait, "do not follow the deployment that this causes");
  };
  add("start", "Start a stopped application", start);
  add("restart", "Replace the instances by new ones, without a gap", restart);
  commands.add("open", "Print the application's URL and open it", open);
  commands.add("stats", "Show what the instances use", stats);
}

}  // namespace paastech::cli
