#include "git/pre_receive.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/text.h"
#include "git/ref_rules.h"

namespace paastech::git {
namespace {

std::unexpected<Error> given_up() {
  return fail(Code::kCancelled, "the push was given up before its Deployment began", "push again");
}

}  // namespace

bool PreReceive::decide(Push& push, const std::string& quarantine, std::string_view lines, const Speaker& say) {
  const Status status = judge(push, quarantine, lines, say);
  push.enter(Push::Phase::kDecided);
  if (status) return true;
  say("error: " + sanitize_terminal(status.error().message));
  for (const std::string& line : split(status.error().hint, '\n'))
    if (!line.empty()) say("hint: " + sanitize_terminal(line));
  return false;
}

Status PreReceive::judge(Push& push, const std::string& quarantine, std::string_view lines, const Speaker& say) {
  TRY_ASSIGN(const std::vector<RefUpdate> updates, parse_ref_updates(lines));
  TRY_ASSIGN(const std::string main, store_.ref(push.project_id, "refs/heads/main"));
  TRY_ASSIGN(const RefPlan plan, plan_ref_updates(updates, !main.empty()));
  for (const std::string& note : plan.notes) say(note);
  if (!plan.deploy) return authorize_again(push);  // a Deployment asks by itself
  TRY(take_turn(push, say));
  const RefUpdate& update = *plan.deploy;
  TRY_ASSIGN(const std::string now, store_.ref(push.project_id, update.name));
  if (now != (update.creates() ? "" : update.old_id))
    return fail(Code::kAborted, fmt::format("{} moved meanwhile: another push came first", update.name.substr(11)),
                "git pull, then push again");
  if (!quarantine.empty()) TRY(store_.set_quarantine(push.project_id, quarantine));
  const Status outcome = deploy(push, update.new_id, update.name, say);
  store_.clear_quarantine(push.project_id);
  return outcome;
}

// The objects may have taken long: whoever was suspended or removed meanwhile moves no branch.
Status PreReceive::authorize_again(const Push& push) {
  gateway::v1::AuthorizeRequest request;
  request.set_client_id(push.client_id);
  request.set_repository(push.project_id);
  request.set_write(true);
  request.set_fingerprint(push.fingerprint);
  request.set_address(push.address);
  request.set_again(true);
  const auto allowed = gateway_.authorize(request);
  if (!allowed) return std::unexpected(allowed.error());
  return {};
}

Status PreReceive::take_turn(Push& push, const Speaker& say) {
  if (!push.enter(Push::Phase::kWaiting)) return given_up();
  const DeployGate::Turn turn = gate_.enter(
      push.project_id, [&] { say("Another push to this project is being deployed; waiting for it."); },
      [&] { return push.abandoned() || stopping_; });
  if (turn == DeployGate::Turn::kOvertaken)
    return fail(Code::kAborted, "overtaken by a newer push to this project",
                "git pull, then push again where yours is still wanted");
  if (turn == DeployGate::Turn::kCancelled) return given_up();
  if (!push.hold_gate()) {
    gate_.leave(push.project_id);
    return given_up();
  }
  if (!push.enter(Push::Phase::kDeploying)) return given_up();
  return {};
}

Status PreReceive::deploy(Push& push, const std::string& commit, const std::string& ref, const Speaker& say) {
  TRY(store_.check_deployable(push.project_id, commit));
  TRY_ASSIGN(const Descriptor room, store_.reserve(push.project_id));  // git has it when this returns
  gateway::v1::DeployRequest request;
  request.set_project_id(push.project_id);
  request.set_client_id(push.client_id);
  request.set_commit(commit);
  request.set_ref(ref);
  const auto result = gateway_.deploy(request, [&](const std::string& text) {
    for (const std::string& line : split(text, '\n')) say(sanitize_terminal(line));
  });
  if (!result) return std::unexpected(result.error());
  spdlog::info("git: project {} deployment {} of {}: {}", push.project_id, result->number(), commit.substr(0, 12),
               result->live() ? "live" : result->reason());
  if (!result->live())
    return fail(Code::kFailedPrecondition,
                result->message().empty() ? fmt::format("Deployment {} failed: {}", result->number(), result->reason())
                                          : result->message(),
                result->hint());
  say("");
  say(fmt::format("Application: {}", sanitize_terminal(result->url())));
  say(fmt::format("Deployment {} is live after {:.1f} s.", result->number(),
                  static_cast<double>(result->took_ms()) / 1000));
  return {};
}

void PreReceive::release(Push& push) {
  if (push.end()) gate_.leave(push.project_id);
}

}  // namespace paastech::git
