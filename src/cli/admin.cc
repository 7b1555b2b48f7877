// admin overview and announcements; the other commands of administrators are in files of their own.
#include <fmt/format.h>

#include "base/human_bytes.h"
#include "cli/command.h"
#include "cli/json_read.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

// "3 active, 1 suspended" of an object of numbers.
std::string counts_of(const json::value& value, std::string_view key) {
  const json::value* found = object_of(value, key);
  if (!found) return "-";
  std::string text;
  for (const auto& entry : found->get_object()) {
    const std::int64_t count = integer_of(*found, entry.key());
    const std::string_view name = entry.key();
    if (count == 0 || name.ends_with("_bytes") || name.starts_with("milli_")) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, name);
  }
  return text.empty() ? "none" : text;
}

Outcome<int> overview(Session& session) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value all, api->call("GET", "/overview"));
  session.out.document(all);
  const auto row = [&](std::string_view key, std::string_view value) {
    session.out.line(fmt::format("{:<11}{}", key, plain(value)));
  };
  row("Version", text_of(all, "version"));
  row("Clients", counts_of(all, "clients"));
  row("Projects", counts_of(all, "projects"));
  row("Instances", counts_of(all, "instances"));
  if (const json::value* instances = object_of(all, "instances"))
    row("Memory", fmt::format("{} of {}", human_bytes(integer_of(*instances, "memory_bytes")),
                              human_bytes(integer_of(*instances, "memory_limit_bytes"))));
  row("Builds", counts_of(all, "builds"));
  row("Mails", fmt::format("{} waiting", integer_of(all, "mails_waiting")));
  if (const json::value* engine = object_of(all, "engine"))
    row("Engine", flag_of(*engine, "available") ? fmt::format("{} {}, firewall {}", text_of(*engine, "name"),
                                                              text_of(*engine, "version"), text_of(*engine, "firewall"))
                                                : "away: " + text_of(*engine, "problem"));
  if (const json::value* disk = object_of(all, "disk"))
    row("Disk", fmt::format("{} of {} free", human_bytes(integer_of(*disk, "available_bytes")),
                            human_bytes(integer_of(*disk, "capacity_bytes"))));
  return 0;
}

struct AnnouncementOptions {
  std::string text;
  std::string level = "info";
  std::string until;
  std::string id;
};

Outcome<int> list_announcements(Session& session) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value all, api->call("GET", "/announcements"));
  session.out.document(all);
  Table table{.header = {"ID", "LEVEL", "UNTIL", "TEXT"}, .rows = {}};
  for (const json::value& one : array_of(all))
    table.rows.push_back({text_of(one, "id"), text_of(one, "level"), text_of(one, "ends_at"), text_of(one, "text")});
  session.out.table(table);
  return 0;
}

Outcome<int> announce(Session& session, const AnnouncementOptions& options) {
  TRY_ASSIGN(Http * api, session.api());
  json::object body{{"level", options.level}, {"text", options.text}};
  if (!options.until.empty()) body["ends_at"] = options.until;
  TRY_ASSIGN(const json::value made, api->call("POST", "/announcements", std::move(body)));
  session.out.document(made);
  session.out.line(fmt::format("Announced as {}.", text_of(made, "id")));
  return 0;
}

Outcome<int> remove_announcement(Session& session, const std::string& id) {
  TRY_ASSIGN(const std::string segment, id_segment(id, "paastech admin announcements"));
  TRY_ASSIGN(Http * api, session.api());
  TRY(api->call("DELETE", "/announcements/" + segment));
  session.out.document(json::object{});
  session.out.line("It is no longer shown.");
  return 0;
}

}  // namespace

void add_admin_announcements_commands(Commands& commands, Command admin) {
  const auto options = std::make_shared<AnnouncementOptions>();
  Command group =
      commands.group("announcements", "What every account is told after its login", list_announcements, admin);
  commands.add("list", "List them", list_announcements, group);
  Command app = commands.add(
      "add", "Announce something", [options](Session& session) { return announce(session, *options); }, group);
  app.add_option("TEXT", options->text, "at most 500 characters").type_name("").required();
  app.add_option("--level", options->level, "info or warning").type_name("LEVEL").one_of({"info", "warning"});
  app.add_option("--until", options->until, "for instance 2026-12-24T18:00:00Z").type_name("TIME");
  app = commands.add(
      "remove", "Stop showing one", [options](Session& session) { return remove_announcement(session, options->id); },
      group);
  app.add_option("ID", options->id, "as `admin announcements` shows it").type_name("").required();
}

void add_admin_commands(Commands& commands) {
  Command admin = commands.group("admin", "For administrators of the Service");
  add_admin_clients_commands(commands, admin);
  add_admin_quota_commands(commands, admin);
  add_admin_announcements_commands(commands, admin);
  commands.add("overview", "Show the Service as a whole", overview, admin);
}

}  // namespace paastech::cli
