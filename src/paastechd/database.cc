#include "paastechd/database.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/files.h"
#include "base/text.h"
#include "paastechd/home.h"
#include "store/copy.h"

namespace paastech {
namespace {

constexpr std::size_t kMostPassword = 4096;

// Of database.password_file; empty where there is none.
Result<std::string> password_of(const Config& config) {
  if (config.database_password_file.empty()) return std::string();
  const std::filesystem::path path = config.home / config.database_password_file;
  if (others_may_read(path))
    return fail(Code::kFailedPrecondition, fmt::format("other users may read {}", path.string()),
                fmt::format("run: chmod 600 {}", path.string()));
  TRY_ASSIGN(const std::string text, read_file(path, kMostPassword));
  return std::string(trim(text));
}

// A URL of the command line. The configured password belongs to the configured database only.
Result<store::DatabaseUrl> end_of_copy(const Config& config, const std::string& given) {
  if (given.empty()) {
    TRY_ASSIGN(const std::string password, password_of(config));
    return store::parse_database_url(config.database_url, password);
  }
  TRY_ASSIGN(store::DatabaseUrl url, store::parse_database_url(given));
  if (url.has_password)
    std::fprintf(stderr,
                 "paastechd: other users of this machine can read a password that is given on the command line\n"
                 "  better set PAASTECH_DATABASE_URL and leave that URL out, or use a password file (PGPASSFILE)\n");
  return url;
}

}  // namespace

Result<std::unique_ptr<store::Database>> open_database(const Config& config) {
  TRY_ASSIGN(std::string password, password_of(config));
  return store::Database::open(config.database_url, {.password = std::move(password)});
}

Status copy_database(const Config& config, const std::string& from, const std::string& to) {
  TRY_ASSIGN(const store::DatabaseUrl source, end_of_copy(config, from));
  TRY_ASSIGN(const store::DatabaseUrl target, end_of_copy(config, to));
  TRY(prepare_home(config));
  TRY_ASSIGN(const HomeLock lock, HomeLock::take(config, "api"));
  TRY_ASSIGN(const store::Copied copied, store::copy_database(source, target));
  std::int64_t all = 0;
  for (const auto& [table, rows] : copied) {
    fmt::print("{:<24} {:>10}\n", table, rows);
    all += rows;
  }
  fmt::print("copied {} rows from {} to {}\n", all, source.shown, target.shown);
  if (to.empty()) return {};
  fmt::print(
      "  now set database.url to the new database and start paastechd; keep this home, it has the secret key,\n"
      "  the repositories and the logs\n");
  return {};
}

}  // namespace paastech
