// init: a project for the repository of the current folder.
#include <fmt/format.h>

#include <filesystem>

#include "cli/command.h"
#include "cli/json_read.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

Outcome<std::string> chosen_name(const Git& git, const std::string& given) {
  if (!given.empty()) return given;
  TRY_ASSIGN(const std::string top, git.top_folder());
  const std::string folder = std::filesystem::path(top).filename().string();
  std::string name = name_from_folder(folder);
  if (name.empty())
    return usage(fmt::format("the folder's name `{}` makes no project name", folder),
                 "name it yourself: paastech init NAME (3-30 lower-case letters, digits, hyphens; a letter first)");
  return name;
}

void describe(Session& session, const json::value& project, std::string_view what) {
  session.out.document(project);
  session.out.line(fmt::format("{} {}", what, text_of(project, "name")));
  session.out.line(fmt::format("  URL     {}", text_of(project, "url")));
  session.out.line(fmt::format("  Remote  {} = {}", kRemote, text_of(project, "git_url")));
  session.out.note(fmt::format("Next: git push {} HEAD:main   (or: paastech deploy)", kRemote));
}

// The repository has the remote already: well where it is this project's.
Outcome<int> check_existing(Session& session, Http& api, const std::string& remote, const std::string& given) {
  const std::string named = project_of_remote(remote).value_or("");
  const Error taken{Code::kAlreadyExists, fmt::format("this repository already has a remote `{}`: {}", kRemote, remote),
                    fmt::format("remove it with `git remote remove {}` and run this again", kRemote)};
  if (named.empty() || (!given.empty() && given != named)) return std::unexpected(Failure(taken));
  TRY_ASSIGN(const std::string path, project_segment(named));
  const Result<json::value> project = api.call("GET", path);
  if (!project && project.error().code != Code::kNotFound) return std::unexpected(Failure(project.error()));
  if (!project || text_of(*project, "git_url") != remote) return std::unexpected(Failure(taken));
  describe(session, *project, "Already set up:");
  return 0;
}

Outcome<int> init(Session& session, const std::string& given) {
  const Git git = session.git();
  TRY(git.require_repository());
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const std::optional<std::string> remote, git.remote());
  if (remote) return check_existing(session, *api, *remote, given);
  TRY_ASSIGN(const std::string name, chosen_name(git, given));
  Result<json::value> project = api->call("POST", "/projects", json::object{{"name", name}});
  bool created = project.has_value();
  if (!project && project.error().code == Code::kAlreadyExists) {
    TRY_ASSIGN(const std::string path, project_segment(name));
    project = api->call("GET", path);
    if (!project && project.error().code == Code::kNotFound)
      return fail(Code::kAlreadyExists, fmt::format("the name {} belongs to someone else's project", name),
                  "choose another: paastech init NAME");
  }
  if (!project) return std::unexpected(Failure(project.error()));
  TRY(git.add_remote(text_of(*project, "git_url")));
  describe(session, *project, created ? "Created" : "Connected to your project");
  return 0;
}

}  // namespace

void add_init_command(Commands& commands) {
  const auto name = std::make_shared<std::string>();
  commands
      .add("init", "Create a project for this repository and add the remote `paastech`",
           [name](Session& session) { return init(session, *name); })
      .add_option("NAME", *name, "the project's name; else made of the folder's")
      .type_name("");
}

}  // namespace paastech::cli
