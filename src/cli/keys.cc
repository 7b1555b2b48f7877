// keys: the SSH keys that may push.
#include <fmt/format.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/json_read.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

constexpr std::size_t kKeyLimit = 64 << 10;  // bytes; an RSA key of 16384 bits takes 3 KiB

Outcome<std::string> read_key(Session& session, const std::string& file) {
  TRY_ASSIGN(
      const std::string text,
      read_input(session, file, kKeyLimit, "`ssh-keygen -t ed25519` makes a key; give its file that ends in .pub"));
  if (text.find("PRIVATE KEY-----") != std::string::npos || text.starts_with("PuTTY-User-Key-File"))
    return usage(fmt::format("{} is a private key; it never leaves your machine", file == "-" ? "that" : file),
                 file == "-" ? "give the public key, the file that ends in .pub"
                             : fmt::format("give the public one: paastech keys add {}.pub", file));
  std::string key;
  for (const std::string& line : split(text, '\n')) {
    const std::string_view content = trim(line);
    if (content.empty() || content.starts_with('#')) continue;
    if (!key.empty()) return usage(fmt::format("{} holds more than one key", file), "add them one by one");
    key = content;
  }
  if (key.empty()) return usage(fmt::format("{} holds no key", file), "ssh-keygen -t ed25519 makes one");
  return key;
}

Outcome<int> add_key(Session& session, const std::string& file) {
  TRY_ASSIGN(const std::string key, read_key(session, file));
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value made, api->call("POST", "/keys", json::object{{"public_key", key}}));
  session.out.document(made);
  session.out.line(fmt::format("Added {} {}", text_of(made, "type"), text_of(made, "fingerprint")));
  return 0;
}

Outcome<int> list_keys(Session& session) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value keys, api->call("GET", "/keys"));
  session.out.document(keys);
  if (array_of(keys).empty()) {
    session.out.note("There is no key yet: paastech keys add ~/.ssh/id_ed25519.pub");
    return 0;
  }
  Table table{.header = {"ID", "TYPE", "FINGERPRINT", "COMMENT", "USED", "AGE"}, .rows = {}};
  for (const json::value& key : array_of(keys))
    table.rows.push_back({text_of(key, "id"), text_of(key, "type"), text_of(key, "fingerprint"),
                          text_of(key, "comment"), since(session.io, key, "last_used_at"),
                          since(session.io, key, "created_at")});
  session.out.table(table);
  return 0;
}

Outcome<int> remove_key(Session& session, const std::string& id) {
  TRY_ASSIGN(const std::string segment, id_segment(id, "paastech keys list"));
  TRY_ASSIGN(Http * api, session.api());
  TRY(api->call("DELETE", "/keys/" + segment));
  session.out.document(json::object{});
  session.out.line(fmt::format("Removed key {}.", id));
  return 0;
}

}  // namespace

void add_keys_commands(Commands& commands) {
  Command group = commands.group("keys", "SSH keys that may push");
  const auto file = std::make_shared<std::string>();
  commands.add(
              "add", "Add a public key", [file](Session& session) { return add_key(session, *file); }, group)
      .add_option("FILE", *file, "file of the public key, or - for the standard input")
      .type_name("")
      .required();
  commands.add("list", "List your keys", list_keys, group);
  const auto id = std::make_shared<std::string>();
  commands.add(
              "remove", "Remove a key", [id](Session& session) { return remove_key(session, *id); }, group)
      .add_option("ID", *id, "as `keys list` shows it")
      .type_name("")
      .required();
}

}  // namespace paastech::cli
