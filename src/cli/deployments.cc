// deployments: history, one of them, its log, cancelling.
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/follow.h"
#include "cli/json_read.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

constexpr std::size_t kCommitShown = 7;    // characters, as git shortens
constexpr std::size_t kSubjectShown = 50;  // characters, git's advice for a subject line

std::string took(const json::value& deployment) {
  const std::int64_t ms = integer_of(deployment, "duration_ms");
  return ms > 0 ? human_time(ms) : "-";
}

std::string actor_of(const json::value& deployment) {
  const json::value* actor = object_of(deployment, "actor");
  return actor ? text_of(*actor, "username") : text_of(deployment, "actor");
}

std::string state_of(const json::value& deployment) {
  const std::string reason = text_of(deployment, "reason");
  const std::string state = text_of(deployment, "state");
  return state == "failed" && !reason.empty() ? fmt::format("failed ({})", reason) : state;
}

struct ListOptions {
  int limit = 20;
  std::int64_t before = 0;  // 0: from the newest
};

Outcome<int> list_deployments(Session& session, const ListOptions& options) {
  const std::string older = options.before > 0 ? fmt::format("&before={}", options.before) : "";
  TRY_ASSIGN(const std::string path,
             session.project_path(fmt::format("/deployments?limit={}{}", options.limit, older)));
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value deployments, api->call("GET", path));
  session.out.document(deployments);
  if (array_of(deployments).empty()) {
    session.out.note(fmt::format("Nothing was deployed yet: git push {} HEAD:main", kRemote));
    return 0;
  }
  Table table{.header = {"N", "STATE", "CAUSE", "COMMIT", "SUBJECT", "BY", "AGE", "TOOK"}, .rows = {}};
  for (const json::value& item : array_of(deployments))
    table.rows.push_back({std::to_string(integer_of(item, "number")), state_of(item), text_of(item, "cause"),
                          text_of(item, "commit").substr(0, kCommitShown),
                          shorten(plain(text_of(item, "commit_subject")), kSubjectShown), actor_of(item),
                          since(session.io, item, "created_at"), took(item)});
  session.out.table(table);
  if (const std::int64_t next = integer_of(deployments, "next"); next > 0)
    session.out.progress(fmt::format("There are older ones: paastech deployments --before {}", next));
  return 0;
}

Outcome<int> show_deployment(Session& session, std::int64_t number) {
  TRY_ASSIGN(const std::string path, session.project_path(fmt::format("/deployments/{}", number)));
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value deployment, api->call("GET", path));
  session.out.document(deployment);
  const auto row = [&](std::string_view key, std::string_view value) {
    if (!value.empty()) session.out.line(fmt::format("{:<12}{}", key, plain(value)));
  };
  row("Deployment", std::to_string(integer_of(deployment, "number")));
  row("State", state_of(deployment));
  row("Message", text_of(deployment, "message"));
  row("Cause", text_of(deployment, "cause"));
  row("Commit", fmt::format("{} {}", text_of(deployment, "commit"), text_of(deployment, "commit_subject")));
  row("Image", text_of(deployment, "image"));
  row("By", actor_of(deployment));
  row("Created", text_of(deployment, "created_at"));
  row("Finished", text_of(deployment, "finished_at"));
  row("Took", took(deployment));
  row("URL", text_of(deployment, "url"));
  return 0;
}

Outcome<int> logs(Session& session, std::int64_t number) {
  TRY_ASSIGN(const std::string path, session.project_path());
  TRY_ASSIGN(const json::value result, follow_deployment(session, path, number, true));
  session.out.document(result);
  const Outcome<int> reported = report_deployment(session, result);
  // The log was shown, which is what was asked for: how the Deployment ended is a part of it.
  if (!reported) session.out.line(reported.error().error.message, Colour::kRed);
  return 0;
}

Outcome<int> cancel(Session& session, std::int64_t number) {
  TRY_ASSIGN(const std::string path, session.project_path(fmt::format("/deployments/{}/cancel", number)));
  TRY_ASSIGN(Http * api, session.api());
  session.out.progress(fmt::format("Cancelling deployment {} …", number));
  TRY_ASSIGN(const json::value deployment, api->call("POST", path));
  session.out.document(deployment);
  session.out.line(fmt::format("Deployment {}: {}.", number, state_of(deployment)));
  return 0;
}

}  // namespace

void add_deployments_commands(Commands& commands) {
  const auto options = std::make_shared<ListOptions>();
  const Action listing = [options](Session& session) { return list_deployments(session, *options); };
  Command group = commands.group("deployments", "What was deployed, and what became of it", listing);
  for (Command app : {group, commands.add("list", "List the deployments, newest first", listing, group)}) {
    app.add_option("-n,--limit", options->limit, "how many").type_name("COUNT").between(1, 100);
    app.add_option("--before", options->before, "only older ones than this").type_name("N").between(1, kHighestNumber);
  }
  const auto add = [&](const std::string& name, const std::string& text, auto function) {
    const auto number = std::make_shared<std::int64_t>(0);
    commands.add(
                name, text, [number, function](Session& session) { return function(session, *number); }, group)
        .add_option("N", *number, "number of the deployment")
        .type_name("")
        .between(1, kHighestNumber)
        .required();
  };
  add("show", "Show one deployment", show_deployment);
  add("logs", "Show the log of one deployment; follows it while it runs", logs);
  add("cancel", "Cancel a deployment that has not ended", cancel);
}

}  // namespace paastech::cli
