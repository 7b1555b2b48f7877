#include "git/ref_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/text.h"

namespace paastech::git {
namespace {

constexpr std::string_view kMain = "refs/heads/main";
constexpr std::string_view kMaster = "refs/heads/master";
constexpr std::string_view kBranches = "refs/heads/";
constexpr std::string_view kTags = "refs/tags/";
constexpr std::string_view kNoObject = "0000000000000000000000000000000000000000";
constexpr std::size_t kMaxRefs = 2000;    // a push of more is a mirror of something else
constexpr std::size_t kMaxRefName = 200;  // below NAME_MAX, for a ref is a file
constexpr std::size_t kMaxNotes = 5;

std::string_view short_name(std::string_view ref) {
  ref.remove_prefix(ref.starts_with(kBranches) ? kBranches.size() : kTags.size());
  return ref;
}

}  // namespace

bool RefUpdate::creates() const { return old_id == kNoObject; }
bool RefUpdate::deletes() const { return new_id == kNoObject; }

bool is_object_id(std::string_view text) {
  return text.size() == 40 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_permitted_ref(std::string_view name) {
  if (name.size() > kMaxRefName || (!name.starts_with(kBranches) && !name.starts_with(kTags))) return false;
  if (name.find("..") != std::string_view::npos || name.find("@{") != std::string_view::npos) return false;
  for (const char c : name)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f ||
        std::string_view("~^:?*[\\").find(c) != std::string_view::npos)
      return false;
  for (const std::string& part : split(name, '/'))
    if (part.empty() || part.front() == '.' || part.front() == '-' || part.back() == '.' || part.ends_with(".lock"))
      return false;
  return true;
}

Result<std::vector<RefUpdate>> parse_ref_updates(std::string_view lines) {
  std::vector<RefUpdate> updates;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (line.empty()) continue;
    if (line.size() < 83 || line[40] != ' ' || line[81] != ' ' || !is_object_id(line.substr(0, 40)) ||
        !is_object_id(line.substr(41, 40)))
      return fail(Code::kInvalidArgument, "git sent a ref update that PaaSTech does not understand");
    if (updates.size() == kMaxRefs)
      return fail(Code::kResourceExhausted, fmt::format("a push may update at most {} refs", kMaxRefs),
                  "push the branches you need by name: git push paastech main");
    updates.push_back(
        {std::string(line.substr(0, 40)), std::string(line.substr(41, 40)), std::string(line.substr(82))});
  }
  if (updates.empty()) return fail(Code::kInvalidArgument, "the push updates nothing");
  return updates;
}

Result<RefPlan> plan_ref_updates(const std::vector<RefUpdate>& updates, bool repository_has_main) {
  const bool pushes_main = std::ranges::any_of(updates, [](const RefUpdate& u) { return u.name == kMain; });
  const std::string_view deploy_branch = repository_has_main || pushes_main ? kMain : kMaster;
  RefPlan plan;
  std::size_t unmentioned = 0;
  for (const RefUpdate& update : updates) {
    if (!is_permitted_ref(update.name))
      return fail(Code::kInvalidArgument,
                  fmt::format("the ref '{}' is refused: only branches and tags with ordinary names are stored",
                              sanitize_terminal(update.name)),
                  "push a branch or tag by name: git push paastech main");
    if (update.name == deploy_branch) {
      if (update.deletes())
        return fail(
            Code::kFailedPrecondition,
            fmt::format("the branch {} cannot be deleted: it is the one that is deployed", short_name(update.name)),
            "`paastech stop` stops the Application, `paastech projects delete` removes the Project");
      plan.deploy = update;
      continue;
    }
    if (plan.notes.size() >= kMaxNotes) {
      ++unmentioned;
      continue;
    }
    const bool tag = update.name.starts_with(kTags);
    const std::string name = sanitize_terminal(short_name(update.name));
    if (update.deletes())
      plan.notes.push_back(fmt::format("Deleted {} {}.", tag ? "tag" : "branch", name));
    else if (tag)
      plan.notes.push_back(fmt::format("Stored tag {}; tags are not deployed.", name));
    else
      plan.notes.push_back(fmt::format("Stored branch {}; only {} is deployed.", name, short_name(deploy_branch)));
  }
  if (unmentioned > 0) plan.notes.push_back(fmt::format("… and {} more, not deployed.", unmentioned));
  return plan;
}

}  // namespace paastech::git
