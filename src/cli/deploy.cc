// deploy: pushes HEAD; the git role prints what happens.
#include <fmt/format.h>

#include "cli/command.h"
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
  TRY_ASSIGN(const int code, git.push(target, force, session.out.json()));
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

}  // namespace

void add_deploy_command(Commands& commands) {
  const auto force = std::make_shared<bool>(false);
  commands.add("deploy", "Push HEAD and deploy it", [force](Session& session) { return deploy(session, *force); })
      ->add_flag("-f,--force", *force, "also where HEAD does not follow what was deployed before");
}

}  // namespace paastech::cli
