#include "cli/credentials.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <cerrno>
#include <system_error>

#include "base/files.h"
#include "base/folders.h"
#include "cli/json_read.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

Status make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) return {};  // not ours to change
  std::filesystem::create_directories(folder.parent_path(), error);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return fail(Code::kInternal,
                fmt::format("cannot create {}: {}", folder.string(), std::generic_category().message(errno)),
                "set PAASTECH_CONFIG_HOME to a folder you may write to");
  return {};
}

}  // namespace

Result<std::filesystem::path> credentials_path(const Io& io) {
  const auto given = [&](const char* name) { return std::filesystem::path(io.variable(name).value_or("")); };
  std::filesystem::path folder = given("PAASTECH_CONFIG_HOME");
  if (folder.empty() && given("XDG_CONFIG_HOME").is_absolute()) folder = given("XDG_CONFIG_HOME") / "paastech";
  if (folder.empty() && !given("HOME").empty()) folder = given("HOME") / ".config" / "paastech";
  if (folder.empty())
    return fail(Code::kFailedPrecondition, "there is no folder to keep the login in: HOME is not set",
                "set HOME, or PAASTECH_CONFIG_HOME to a folder of your own");
  return folder / "credentials.json";
}

Result<Credentials> load_credentials(const std::filesystem::path& path) {
  std::error_code none;
  if (!std::filesystem::exists(path, none)) return Credentials{};
  TRY_ASSIGN(const std::string text, read_secret_file(path));
  json::error_code error;
  const json::value body = json::parse(text, error);
  const json::value* servers = error ? nullptr : object_of(body, "servers");
  if (!servers)
    return fail(Code::kFailedPrecondition, fmt::format("{} is damaged", path.string()),
                "remove it and run `paastech login --server URL`");
  Credentials credentials{.current = text_of(body, "current")};
  for (const auto& entry : servers->get_object())
    credentials.servers[std::string(entry.key())] = {text_of(entry.value(), "token"), text_of(entry.value(), "email")};
  return credentials;
}

Status save_credentials(const std::filesystem::path& path, const Credentials& credentials) {
  TRY(make_folder(path.parent_path()));
  json::object servers;
  for (const auto& [url, login] : credentials.servers)
    servers[url] = json::object{{"token", login.token}, {"email", login.email}};
  const json::object body{{"current", credentials.current}, {"servers", std::move(servers)}};
  return write_file(path, json::serialize(body) + "\n", 0600);
}

Status update_credentials(const std::filesystem::path& path, const std::function<void(Credentials&)>& change) {
  TRY(make_folder(path.parent_path()));
  TRY_ASSIGN([[maybe_unused]] const FolderLock lock, FolderLock::take_file(path.parent_path() / "credentials.lock"));
  TRY_ASSIGN(Credentials kept, load_credentials(path));
  change(kept);
  if (!kept.servers.empty()) return save_credentials(path, kept);
  std::error_code none;
  std::filesystem::remove(path, none);
  return {};
}

}  // namespace paastech::cli
