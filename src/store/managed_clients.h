#pragma once
// Table clients as an administrator sees and changes it. Called inside Database::write or read.
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/clients.h"
#include "store/database.h"

namespace paastech::store {

struct ManagedClient {
  ClientRow row;
  bool deleting = false;
  std::int64_t projects = 0;      // that it owns
  std::int64_t last_seen_at = 0;  // 0: never; of logins, tokens and SSH keys to the minute, or the last change it made
};
std::string_view state_of(const ManagedClient& client);  // unconfirmed | active | suspended | deleting

struct ClientPage {
  std::string search = {};  // a part of the user name or the address, whatever its case
  std::string after = {};   // a user name: only those behind it
  int limit = 50;
};
Result<std::vector<ManagedClient>> list_managed_clients(Tx& tx, const ClientPage& page);  // by user name
Result<ManagedClient> find_managed_client(Tx& tx, const std::string& id_or_username);     // kNotFound

// kFailedPrecondition where nobody else could administer the Service. To be asked before an administrator is demoted,
// suspended or deleted, in the same transaction.
Status spare_last_administrator(Tx& tx, const ClientRow& client);

Status set_plan_of(Tx& tx, const std::string& id, const std::string& plan);   // kInvalidArgument: no such plan
Status set_administrator(Tx& tx, const std::string& id, bool administrator);  // kNotFound
// Of which the Applications are to stand still. ids.
Result<std::set<std::string>> suspended_clients(Tx& tx);

}  // namespace paastech::store
