#pragma once
// Table audit: who did what, on what, from where, when, and how it ended. Rows are only added, and the oldest go by
// age. Called inside Database::write or read.
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/database.h"

namespace paastech::store {

struct AuditRow {
  std::string id = {};  // begins with audit_key(at)
  std::int64_t at = 0;
  std::string actor_id = {};  // empty: nobody had logged in
  std::string actor = {};     // the user name then
  std::string token_id = {};
  std::string address = {};
  std::string action;           // "project.create"
  std::string project_id = {};  // these two stay after the Project
  std::string project = {};     // its name
  std::string object = {};      // what else it was done on: a user name, a number, an id
  std::string result;           // ok | denied | failed
  std::string detail = {};      // of a refusal: the problem's code
};

std::string audit_key(std::int64_t at);  // 12 hexadecimal digits, which sort as the times do

// Empty: any.
struct AuditFilter {
  std::string project_id = {};
  std::string actor_id = {};
  std::string action = {};
  std::string token_id = {};  // of a limited token: only what was done in Projects that it reaches
  std::string from = {};      // ids: from <= id < below
  std::string below = {};
};

Status insert_audit(Tx& tx, const AuditRow& row);
Result<std::vector<AuditRow>> list_audit(Tx& tx, const AuditFilter& filter, int limit);  // newest first
// From which a Client logged in since that id.
Result<std::vector<std::string>> login_addresses(Tx& tx, const std::string& client_id, const std::string& from);
// Of what is older, the oldest, at most so many. Gives how many.
Result<std::int64_t> delete_audit(Tx& tx, std::int64_t before, int most);

}  // namespace paastech::store
