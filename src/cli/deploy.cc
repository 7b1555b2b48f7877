// deploy: pushes HEAD, where the git role prints what happens, or a folder as it is; or names an image of a registry.
#include <fmt/format.h>

#include <filesystem>

#include "base/folders.h"
#include "cli/command.h"
#include "cli/follow.h"
#include "cli/json_read.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

Outcome<std::string> target_of(Session& session, const Git& git) {
  if (!session.globals.project.empty()) {
    TRY_ASSIGN(const std::string path, session.project_path());
    TRY_ASSIGN(Http * api, session.api());
    TRY_ASSIGN(const json::value project, api->call("GET", path));
    return text_of(project, "git_url");
  }
  TRY_ASSIGN(const std::optional<std::string> remote, git.remote());
  if (!remote)
    return usage(fmt::format("deploy where? This repository has no remote `{}`", kRemote),
                 "run `paastech init`, or name a project with -p NAME");
  return std::string(kRemote);
}

Outcome<int> after_push(Session& session, int code) {
  if (code == kExitInterrupted)
    return interrupted("The push was cut off; a deployment that had begun goes on.",
                       "`paastech deployments` shows it, `paastech deployments cancel N` stops it.");
  if (code != 0)
    return fail(Code::kInternal, "the push did not deploy; git says why above",
                "`paastech deployments` lists what was tried, `paastech keys list` the keys that may push");
  if (session.out.json()) {
    TRY_ASSIGN(const std::string path, session.project_path("/deployments?limit=1"));
    TRY_ASSIGN(Http * api, session.api());
    TRY_ASSIGN(const json::value latest, api->call("GET", path));
    session.out.document(array_of(latest).empty() ? json::value(nullptr) : array_of(latest).front());
  }
  return 0;
}

Outcome<int> deploy(Session& session, bool force) {
  const Git git = session.git();
  TRY(git.require_repository());
  TRY_ASSIGN(const std::string target, target_of(session, git));
  TRY_ASSIGN(const bool has_commit, git.has_commit());
  if (!has_commit)
    return fail(Code::kFailedPrecondition, "there is no commit to deploy",
                "commit first: git add . && git commit -m \"First version\"");
  TRY_ASSIGN(const bool has_changes, git.has_changes());
  if (has_changes) session.out.warn("changes that are not committed are not deployed");
  session.io.out.flush();
  TRY_ASSIGN(const std::optional<std::string> branch, git.deploy_branch(target));
  int code = 1;
  if (branch) {
    TRY_ASSIGN(code, git.push(target, *branch, force, session.out.json()));
  }
  return after_push(session, code);
}

// A tree without Git becomes a commit on top of what was deployed before, in a repository that is gone afterwards.
Outcome<int> deploy_folder(Session& session, const std::string& folder) {
  TRY_ASSIGN(const std::string path, session.project_path());
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value project, api->call("GET", path));
  const std::string target = text_of(project, "git_url");
  const std::filesystem::path place = session.io.directory / folder;
  if (!std::filesystem::is_directory(place))
    return usage(fmt::format("{} is not a folder", folder), "name the one that holds the Dockerfile");
  TRY_ASSIGN(const TemporaryFolder store, TemporaryFolder::make("paastech-source"));
  TRY_ASSIGN(const Git git, Git::over(std::filesystem::absolute(place), store.path()));
  session.io.out.flush();
  TRY_ASSIGN(const std::optional<std::string> branch, git.deploy_branch(target));
  int code = 1;
  if (branch) {
    TRY_ASSIGN(const std::string parent, git.fetch_tip(target, *branch));
    TRY(git.commit_all(parent));
    TRY_ASSIGN(code, git.push(target, *branch, false, session.out.json()));
  }
  return after_push(session, code);
}

Outcome<int> deploy_image(Session& session, const std::string& image, bool no_wait) {
  TRY_ASSIGN(const std::string path, session.project_path());
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(json::value answer, api->call("POST", path + "/deployments", json::object{{"image", image}}));
  return follow_answer(session, path, std::move(answer), "deployment", !no_wait);
}

}  // namespace

void add_deploy_command(Commands& commands) {
  struct Options {
    bool force = false;
    bool no_wait = false;
    std::string image;
    std::string folder;
  };
  const auto options = std::make_shared<Options>();
  Command app =
      commands.add("deploy", "Push HEAD and deploy it, or deploy a folder or an image", [options](Session& session) {
        if (!options->folder.empty()) return deploy_folder(session, options->folder);
        if (!options->image.empty()) return deploy_image(session, options->image, options->no_wait);
        return deploy(session, options->force);
      });
  Option force = app.add_flag("-f,--force", options->force, "also where HEAD does not follow what was deployed before");
  Option image = app.add_option("--image", options->image, "an image of a registry, instead of HEAD");
  image.excludes(force);
  app.add_option("--source", options->folder, "a folder as it is, in Git or not, instead of HEAD")
      .excludes(force)
      .excludes(image);
  app.add_flag("--no-wait", options->no_wait, "do not follow the deployment of an image").needs(image);
}

}  // namespace paastech::cli
