#include "api/bootstrap.h"

#include "base/files.h"
#include "base/ids.h"
#include "base/text.h"
#include "domain/names.h"
#include "store/clients.h"

namespace paastech::api {
namespace {
constexpr std::size_t kPasswordBytes = 18;  // 24 characters, 144 bits
}

net::Task<Status> ensure_administrator(Context& context, std::string email, std::filesystem::path password_file) {
  auto count = [](store::Tx& tx) { return store::count_clients(tx); };
  CO_TRY_ASSIGN(std::int64_t clients, co_await context.database.read(std::move(count)));
  if (clients > 0) co_return Status{};
  store::ClientRow row;
  row.email = lower(email);
  row.username = "admin";
  row.administrator = true;
  row.id = new_uuid();
  row.created_at = context.clock.now_ms();
  row.confirmed_at = row.created_at;
  row.plan = "unlimited";
  CO_TRY(check_email(row.email));
  auto make = [password_file]() -> Result<std::string> {
    const std::string password = random_token(kPasswordBytes);
    TRY(write_file(password_file, password + "\n", 0600));
    return hash_password(password);
  };
  CO_TRY_ASSIGN(row.password_hash, co_await context.hashing.run(std::move(make)));
  auto insert = [row](store::Tx& tx) -> Status {
    TRY_ASSIGN(std::int64_t present, store::count_clients(tx));
    if (present > 0) return fail(Code::kAborted, "another process has made the first account meanwhile");
    return store::insert_client(tx, row);
  };
  Status made = co_await context.database.write(std::move(insert));
  co_return made;
}

}  // namespace paastech::api
