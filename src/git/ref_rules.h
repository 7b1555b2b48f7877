#pragma once
// Which ref updates of a push are permitted, and which of them is deployed. Pure; the lines come from Git's pre-receive
// hook (githooks(5)) and hold whatever the Client's git sent.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace paastech::git {

struct RefUpdate {
  std::string old_id;  // 40 hex digits; all zero: the ref is new
  std::string new_id;  // all zero: the ref is deleted
  std::string name;    // refs/heads/main
  bool creates() const;
  bool deletes() const;
};

struct RefPlan {
  std::optional<RefUpdate> deploy;  // the update of the deploy branch, where there is one
  std::vector<std::string> notes;   // what the Client is told of everything else
};

bool is_object_id(std::string_view text);  // exactly 40 lower-case hex digits: SHA-1, the only format we create
// Branches and tags by git's own rules (git-check-ref-format(1)), and no component that starts with '-'.
bool is_permitted_ref(std::string_view name);
Result<std::vector<RefUpdate>> parse_ref_updates(std::string_view lines);
// The deploy branch is main; it is master where the repository has no main and main is not in this push.
Result<RefPlan> plan_ref_updates(const std::vector<RefUpdate>& updates, bool repository_has_main);

}  // namespace paastech::git
