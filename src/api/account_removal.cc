#include "api/account_removal.h"

#include "api/account_mail.h"
#include "store/accounts.h"
#include "store/device_logins.h"
#include "store/invitations.h"
#include "store/managed_clients.h"
#include "store/tokens.h"

namespace paastech::api {

using namespace std::chrono_literals;

namespace {

constexpr int kClientsAtOnce = 1'000;  // in one transaction

// Held to one at a time by their rows: a Project that two ask to delete is deleted once (controller/removal.cc).
net::Task<Result<bool>> remove_belongings(Context& context, std::string id) {
  auto list = [id](store::Tx& tx) { return store::list_projects(tx, id); };
  CO_TRY_ASSIGN(const std::vector<store::ProjectRow> projects, co_await context.database.read(std::move(list)));
  bool all = true;
  for (const store::ProjectRow& project : projects) {
    Result<controller::Removal> removed = co_await context.controller.delete_project(project.id);
    if (removed) {
      for (const auto& leftover : removed->leftovers)
        spdlog::warn("project {} of a deleted account left {} {}: {}", project.id, leftover.kind, leftover.id,
                     leftover.reason);
    } else if (removed.error().code != Code::kNotFound) {
      spdlog::warn("deleting project {} of a deleted account: {}", project.id, removed.error().message);
      all = false;
    }
  }
  if (!all) co_return false;
  auto remove = [id](store::Tx& tx) { return store::delete_client(tx, id); };
  Result<bool> gone = co_await context.database.write(std::move(remove));
  co_return gone;
}

net::Task<void> remove_now(Context& context, std::string id) {
  Result<bool> gone = co_await remove_belongings(context, id);
  if (!gone) spdlog::warn("deleting account {}: {}", id, gone.error().message);
}

net::Task<Status> finish_removals(Context& context) {
  auto list = [](store::Tx& tx) { return store::clients_in_deletion(tx); };
  CO_TRY_ASSIGN(const std::vector<std::string> ids, co_await context.database.read(std::move(list)));
  for (const std::string& id : ids) {
    CO_TRY_ASSIGN(const bool gone, co_await remove_belongings(context, id));
    spdlog::info("the deletion of account {} {}", id, gone ? "was finished" : "has to wait");
  }
  co_return Status{};
}

Status forget_what_is_over(store::Tx& tx, std::int64_t now) {
  TRY(store::delete_expired_links(tx, now));
  TRY(store::delete_expired_invitations(tx, now));
  TRY(store::delete_expired_device_logins(tx, now));
  return store::delete_expired_tokens(tx, now);
}

// In batches, so that others get their turn between them.
net::Task<Status> forget_unconfirmed(Context& context) {
  const std::int64_t before = context.clock.now_ms() - std::chrono::milliseconds(kConfirmFor).count();
  std::int64_t all = 0;
  for (std::int64_t removed = kClientsAtOnce; removed == kClientsAtOnce; all += removed) {
    auto remove = [before](store::Tx& tx) { return store::delete_unconfirmed(tx, before, kClientsAtOnce); };
    CO_TRY_ASSIGN(removed, co_await context.database.write(std::move(remove)));
  }
  if (all > 0) spdlog::info("{} accounts whose address was not confirmed were removed", all);
  co_return Status{};
}

net::Task<Status> forget(Context& context) {
  CO_TRY(co_await forget_unconfirmed(context));
  auto work = [now = context.clock.now_ms()](store::Tx& tx) { return forget_what_is_over(tx, now); };
  Status done = co_await context.database.write(std::move(work));
  co_return done;
}

}  // namespace

net::Task<Status> remove_account(Context& context, std::string client_id) {
  auto shut = [client_id, now = context.clock.now_ms()](store::Tx& tx) -> Status {
    TRY_ASSIGN(const store::ClientRow client, store::find_client(tx, client_id));
    TRY(store::spare_last_administrator(tx, client));
    return store::begin_deletion(tx, client_id, now);
  };
  CO_TRY(co_await context.database.write(std::move(shut)));
  context.tasks.spawn("account removal", remove_now(context, client_id));
  co_return Status{};
}

net::Task<Status> sweep_accounts(Context& context) {
  CO_TRY(co_await finish_removals(context));
  Status done = co_await forget(context);
  co_return done;
}

net::Task<void> keep_accounts(Context& context) {
  for (int minute = 0;; ++minute) {
    Status done;
    if (minute % 60 == 0)
      done = co_await sweep_accounts(context);
    else
      done = co_await finish_removals(context);
    if (!done) spdlog::warn("looking after accounts: {}", done.error().message);
    [[maybe_unused]] Status slept = co_await net::sleep_for(1min);
  }
}

}  // namespace paastech::api
