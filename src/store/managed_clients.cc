#include "store/managed_clients.h"

#include <algorithm>
#include <functional>

#include "base/ids.h"
#include "base/text.h"
#include "store/accounts.h"
#include "store/plans.h"
#include "store/rows.h"

namespace paastech::store {
namespace {

// For a page only: each of the further columns is a look into an index.
constexpr const char* kSelect =
    "SELECT c.id, c.email, c.username, c.password_hash, c.administrator, c.created_at, c.confirmed_at, c.suspended_at, "
    "c.suspended_reason, c.plan, c.totp, c.totp_step, c.deleting, "
    "(SELECT COUNT(*) FROM projects p WHERE p.owner_id = c.id), "
    "COALESCE((SELECT MAX(t.last_used_at) FROM tokens t WHERE t.client_id = c.id), 0), "
    "COALESCE((SELECT MAX(k.last_used_at) FROM ssh_keys k WHERE k.client_id = c.id), 0), "
    "COALESCE((SELECT a.at FROM audit a WHERE a.actor_id = c.id AND a.result = 'ok' ORDER BY a.id DESC LIMIT 1), 0) "
    "FROM clients c WHERE ";

std::vector<ManagedClient> select_managed(Tx& tx, const std::string& tail,
                                          const std::function<void(soci::statement&)>& bind) {
  ManagedClient one;
  int administrator = 0;
  int deleting = 0;
  std::int64_t token_used = 0;
  std::int64_t key_used = 0;
  std::int64_t acted = 0;
  soci::statement statement(tx.sql);
  statement.exchange(soci::into(one.row.id));
  statement.exchange(soci::into(one.row.email));
  statement.exchange(soci::into(one.row.username));
  statement.exchange(soci::into(one.row.password_hash));
  statement.exchange(soci::into(administrator));
  statement.exchange(soci::into(one.row.created_at));
  statement.exchange(soci::into(one.row.confirmed_at));
  statement.exchange(soci::into(one.row.suspended_at));
  statement.exchange(soci::into(one.row.suspended_reason));
  statement.exchange(soci::into(one.row.plan));
  statement.exchange(soci::into(one.row.totp));
  statement.exchange(soci::into(one.row.totp_step));
  statement.exchange(soci::into(deleting));
  statement.exchange(soci::into(one.projects));
  statement.exchange(soci::into(token_used));
  statement.exchange(soci::into(key_used));
  statement.exchange(soci::into(acted));
  bind(statement);
  return fetch_all(statement, kSelect + tail, one, [&](ManagedClient& client) {
    client.row.administrator = administrator != 0;
    client.deleting = deleting != 0;
    client.last_seen_at = std::max({token_used, key_used, acted});
  });
}

// A pattern of LIKE for what contains the text; `!` makes the next character an ordinary one.
std::string containing(const std::string& text) {
  std::string pattern = "%";
  for (const char c : lower(text)) {
    if (c == '%' || c == '_' || c == '!') pattern += '!';
    pattern += c;
  }
  return pattern + "%";
}

}  // namespace

std::string_view state_of(const ManagedClient& client) {
  if (client.deleting) return "deleting";
  if (client.row.suspended_at != 0) return "suspended";
  return client.row.confirmed_at == 0 ? "unconfirmed" : "active";
}

Result<std::vector<ManagedClient>> list_managed_clients(Tx& tx, const ClientPage& page) {
  const std::string pattern = containing(page.search);
  return select_managed(tx,
                        "c.username > :after AND (c.username LIKE :name ESCAPE '!' OR c.email LIKE :email ESCAPE '!') "
                        "ORDER BY c.username LIMIT :most",
                        [&](soci::statement& statement) {
                          statement.exchange(soci::use(page.after));
                          statement.exchange(soci::use(pattern));
                          statement.exchange(soci::use(pattern));
                          statement.exchange(soci::use(page.limit));
                        });
}

// A user name has at most 30 characters and a UUID 36, so the one is never taken for the other.
Result<ManagedClient> find_managed_client(Tx& tx, const std::string& id_or_username) {
  const std::string wanted = lower(id_or_username);
  std::vector<ManagedClient> found =
      select_managed(tx, is_uuid(wanted) ? "c.id = :id" : "c.username = :name",
                     [&wanted](soci::statement& statement) { statement.exchange(soci::use(wanted)); });
  if (found.empty()) return fail(Code::kNotFound, "there is no such client", "see them: paastech admin clients");
  return std::move(found.front());
}

Status spare_last_administrator(Tx& tx, const ClientRow& client) {
  if (!client.administrator) return {};
  TRY_ASSIGN(const std::int64_t others, other_administrators(tx, client.id));
  if (others > 0) return {};
  return fail(Code::kFailedPrecondition, "this is the last administrator's account",
              "make somebody else an administrator first");
}

Status set_plan_of(Tx& tx, const std::string& id, const std::string& plan) {
  const Result<Plan> found = find_plan(tx, plan);
  if (!found && found.error().code == Code::kNotFound)
    return fail(Code::kInvalidArgument, "`plan`: there is no plan of that name", "see them: paastech admin quota");
  TRY(found);
  tx.sql << "UPDATE clients SET plan = :plan WHERE id = :id", soci::use(plan), soci::use(id);
  return {};
}

Status set_administrator(Tx& tx, const std::string& id, bool administrator) {
  const int value = administrator ? 1 : 0;
  if (change(tx, "UPDATE clients SET administrator = :value WHERE id = :id", soci::use(value), soci::use(id)) == 0)
    return fail(Code::kNotFound, "there is no such client");
  return {};
}

Result<std::set<std::string>> suspended_clients(Tx& tx) {
  std::string id;
  soci::statement statement(tx.sql);
  statement.exchange(soci::into(id));
  const auto ids = fetch_all(statement, "SELECT id FROM clients WHERE suspended_at <> 0", id);
  return std::set<std::string>(ids.begin(), ids.end());
}

}  // namespace paastech::store
