// projects: create, list, info, delete.
#include <fmt/format.h>

#include "base/url.h"
#include "cli/command.h"
#include "cli/json_read.h"
#include "cli/pages.h"
#include "cli/prompt.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

std::string deployment_cell(const json::value& project, std::string_view key) {
  const json::value* deployment = object_of(project, key);
  return deployment ? fmt::format("{}", integer_of(*deployment, "number")) : "-";
}

Outcome<int> create_project(Session& session, const std::string& name) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value project, api->call("POST", "/projects", json::object{{"name", name}}));
  session.out.document(project);
  session.out.line(fmt::format("Created {}", text_of(project, "name")));
  session.out.line(fmt::format("  URL  {}", text_of(project, "url")));
  session.out.line(fmt::format("  Git  {}", text_of(project, "git_url")));
  session.out.note(fmt::format("Next: git remote add {} {} && git push {} HEAD:main", kRemote,
                               text_of(project, "git_url"), kRemote));
  return 0;
}

Outcome<int> list_projects(Session& session) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value projects, all_pages(*api, "/projects"));
  session.out.document(projects);
  if (array_of(projects).empty()) {
    session.out.note("There is no project yet: run `paastech init` in the folder of your code.");
    return 0;
  }
  Table table{.header = {"NAME", "STATE", "ROLE", "DEPLOYMENT", "URL", "AGE"}, .rows = {}};
  for (const json::value& project : array_of(projects))
    table.rows.push_back({text_of(project, "name"), text_of(project, "state"), text_of(project, "role"),
                          deployment_cell(project, "current"), text_of(project, "url"),
                          since(session.io, project, "created_at")});
  session.out.table(table);
  return 0;
}

Outcome<int> info(Session& session, const std::string& name) {
  if (!name.empty()) session.globals.project = name;
  TRY_ASSIGN(const std::string path, session.project_path());
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value project, api->call("GET", path));
  session.out.document(project);
  const auto row = [&](std::string_view key, std::string_view value) {
    session.out.line(fmt::format("{:<12}{}", key, plain(value)));
  };
  const json::value* owner = object_of(project, "owner");
  row("Name", text_of(project, "name"));
  row("ID", text_of(project, "id"));
  row("Owner", owner ? text_of(*owner, "username") : text_of(project, "owner"));
  row("Role", text_of(project, "role"));
  row("State", text_of(project, "state"));
  if (const json::value* problem = object_of(project, "problem")) row("Problem", text_of(*problem, "message"));
  row("URL", text_of(project, "url"));
  row("Git", text_of(project, "git_url"));
  row("Live", deployment_cell(project, "current"));
  row("Latest", deployment_cell(project, "latest"));
  row("Created", text_of(project, "created_at"));
  return 0;
}

Outcome<int> remove_project(Session& session, const std::string& name, bool yes) {
  TRY_ASSIGN(const std::string path, project_segment(name));
  TRY_ASSIGN(Http * api, session.api());
  TRY(confirm(session,
              fmt::format("This deletes {}: its application, images, deployments, environment and Git repository. "
                          "Nothing brings them back.",
                          name),
              name, yes, fmt::format("paastech projects delete {}", name)));
  session.out.progress(fmt::format("Deleting {} …", name));
  TRY_ASSIGN(const json::value answer, api->call("DELETE", fmt::format("{}?confirm={}", path, percent_encoded(name))));
  session.out.document(answer);
  const json::value* removed = object_of(answer, "removed");
  const json::value counts = removed ? *removed : json::value(json::object{});
  session.out.line(fmt::format("Deleted {} (containers: {}, networks: {}, images: {}).", name,
                               integer_of(counts, "containers"), integer_of(counts, "networks"),
                               integer_of(counts, "images")));
  const Result<std::optional<std::string>> remote = session.git().remote();
  if (remote && *remote && project_of_remote(**remote) == name)
    session.out.note(fmt::format("This folder still has its remote; `git remote remove {}` removes it.", kRemote));
  const json::array& leftovers = array_of(answer, "leftovers");
  if (leftovers.empty()) return 0;
  Table table{.header = {"LEFT OVER", "ID", "REASON"}, .rows = {}};
  for (const json::value& left : leftovers)
    table.rows.push_back({text_of(left, "kind"), text_of(left, "id"), text_of(left, "reason")});
  session.out.table(table);
  return fail(Code::kInternal, fmt::format("{} things of {} could not be removed", leftovers.size(), name),
              "the administrator of the server can remove them by those ids");
}

}  // namespace

void add_projects_commands(Commands& commands) {
  Command group = commands.group("projects", "Projects: a Git repository, its configuration, its application");
  const auto name = std::make_shared<std::string>();
  commands.add(
              "create", "Create a project", [name](Session& session) { return create_project(session, *name); }, group)
      .add_option("NAME", *name, "3-30 lower-case letters, digits, hyphens; a letter first")
      .type_name("")
      .required();
  commands.add("list", "List your projects", list_projects, group);
  const auto shown = std::make_shared<std::string>();
  commands.add(
              "info", "Show a project", [shown](Session& session) { return info(session, *shown); }, group)
      .add_option("NAME", *shown, "the project")
      .type_name("");
  const auto doomed = std::make_shared<std::string>();
  const auto yes = std::make_shared<bool>(false);
  Command app = commands.add(
      "delete", "Delete a project and all it holds",
      [doomed, yes](Session& session) { return remove_project(session, *doomed, *yes); }, group);
  app.add_option("NAME", *doomed, "the project").type_name("").required();
  app.add_flag("--yes", *yes, "do not ask");
}

}  // namespace paastech::cli
