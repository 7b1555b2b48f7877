#include "paastechd/keys.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/clock.h"
#include "base/keyring.h"
#include "base/text.h"
#include "paastechd/database.h"
#include "paastechd/home.h"
#include "store/key_check.h"
#include "store/reseal.h"
#include "store/sealed.h"

namespace paastech {
namespace {

// How long a key is kept after the next one took its place: a value sealed with it may still be on its way to the
// database. A request has at most its deadline of 1.5 s there (store/database.h), but what must come to its end tries
// on while the database is away (controller/database_access.h).
constexpr std::int64_t kKeptMs = 3'600'000;

constexpr const char* kPutBack =
    "put back the secret.key that belongs to this database, from a backup; nothing else opens what was sealed with it";

std::filesystem::path key_file(const Config& config) { return config.home / "secret.key"; }

std::string counted(std::int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

// The box of the file, which the database is known to belong to.
Result<SecretBox> checked_box(const Config& config, store::Database& database) {
  TRY_ASSIGN(SecretBox box, SecretBox::of_file(key_file(config)));
  Status fits = store::check_key(database, box);
  if (!fits && fits.error().code == Code::kFailedPrecondition)
    return fail(fits.error().code, fmt::format("{}: {}", key_file(config).string(), fits.error().message), kPutBack);
  if (!fits) return std::unexpected(std::move(fits).error());
  return box;
}

// Of a home that is one: nothing is made in another.
Result<Keyring> keys_of_home(const Config& config) {
  Result<Keyring> keys = read_keys(key_file(config));
  if (!keys && keys.error().code == Code::kNotFound)
    keys.error().hint = "name the home of the Service with PAASTECH_HOME; its first start makes the key";
  return keys;
}

struct Count {
  Keyring keys;
  std::map<std::string, std::int64_t> values;  // of each key; under the empty name, of none of them
};

Result<Count> count_values(const Config& config, store::Database& database) {
  TRY_ASSIGN(Keyring keys, read_keys(key_file(config)));
  std::vector<std::string> ids;
  for (const SealingKey& key : keys.keys()) ids.push_back(key.id);
  std::map<std::string, std::int64_t> values;
  TRY(database.read([&](store::Tx& tx) -> Status {
    TRY_ASSIGN(values, store::count_sealed(tx, ids));
    return {};
  }));
  TRY_ASSIGN(const std::string checked, store::checked_key(database));
  if (!checked.empty()) ++values[keys.find(checked) != nullptr ? checked : std::string()];
  return Count{std::move(keys), std::move(values)};
}

// A rotation that was cut off goes on with the key it had added: the check value is sealed anew last.
Status begin(const Config& config, store::Database& database) {
  TRY_ASSIGN(const Keyring keys, read_keys(key_file(config)));
  TRY_ASSIGN(const std::string checked, store::checked_key(database));
  const SealingKey& newest = keys.newest();
  if (checked != newest.id) {
    fmt::print("going on with the rotation to {} that was begun at {}\n", newest.id, rfc3339(newest.created_at));
    return {};
  }
  TRY_ASSIGN(const Keyring longer, add_key(key_file(config), SystemClock().now_ms()));
  fmt::print("{} was added; it seals from now on\n", longer.newest().id);
  return {};
}

void print_resealed(const store::Resealed& done) {
  std::int64_t all = 0;
  std::string kinds;
  for (const auto& [kind, count] : done.values) {
    all += count;
    kinds += fmt::format("{}{} {}", kinds.empty() ? ": " : ", ", kind, count);
  }
  fmt::print("{} sealed anew{}\n", counted(all, "value"), kinds);
}

Status drop_unused(const Config& config, store::Database& database) {
  TRY_ASSIGN(const Count count, count_values(config, database));
  const std::vector<SealingKey>& keys = count.keys.keys();
  const std::int64_t now = SystemClock().now_ms();
  std::vector<std::string> unused;
  for (std::size_t i = 0; i + 1 < keys.size(); ++i)
    if (count.values.at(keys[i].id) == 0 && keys[i + 1].created_at + kKeptMs <= now) unused.push_back(keys[i].id);
  if (unused.empty()) return {};
  TRY(drop_keys(key_file(config), unused));
  for (const std::string& id : unused) fmt::print("{} was dropped; nothing uses it any more\n", id);
  return {};
}

}  // namespace

Result<SecretBox> open_secrets(const Config& config, store::Database& database) {
  if (!std::filesystem::exists(key_file(config))) {
    TRY_ASSIGN(const bool has_key, store::knows_a_key(database));
    if (has_key)
      return fail(Code::kFailedPrecondition,
                  fmt::format("{} is missing, but the database holds values sealed with it", key_file(config).string()),
                  kPutBack);
  }
  TRY(read_or_make_keys(key_file(config), SystemClock().now_ms()));
  return checked_box(config, database);
}

Status rotate_keys(const Config& config) {
  TRY(keys_of_home(config));
  TRY_ASSIGN(const HomeLock lock, HomeLock::take(config, "keys-rotate"));
  TRY_ASSIGN(const std::unique_ptr<store::Database> database, open_database(config));
  TRY_ASSIGN(const SecretBox box, checked_box(config, *database));
  TRY(begin(config, *database));
  TRY_ASSIGN(const store::Resealed done, store::reseal_all(*database, box));
  TRY(store::reseal_key_check(*database, box));
  print_resealed(done);
  TRY(drop_unused(config, *database));
  if (done.broken.empty()) return {};
  for (const std::string& context : done.broken)
    std::fprintf(stderr, "not opened by any key: %s\n", sanitize_terminal(context).c_str());
  return fail(Code::kInternal,
              counted(static_cast<std::int64_t>(done.broken.size()), "value") + " did not open and stayed as before",
              "set these variables anew, or restore them from a backup; everything else was sealed anew");
}

Status list_keys(const Config& config) {
  TRY(keys_of_home(config));
  TRY_ASSIGN(const std::unique_ptr<store::Database> database, open_database(config));
  TRY_ASSIGN(const Count count, count_values(config, *database));
  fmt::print("{:<6}{:<26}{:>8}\n", "KEY", "CREATED", "VALUES");
  for (const SealingKey& key : count.keys.keys())
    fmt::print("{:<6}{:<26}{:>8}{}\n", key.id, rfc3339(key.created_at), count.values.at(key.id),
               key.id == count.keys.newest().id ? "  seals" : "");
  const std::int64_t others = count.values.at("");
  if (others == 0) return {};
  return fail(Code::kFailedPrecondition,
              fmt::format("{} sealed with none of the keys in {}", counted(others, "value"), key_file(config).string()),
              kPutBack);
}

}  // namespace paastech
