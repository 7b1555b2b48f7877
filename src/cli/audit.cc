// audit: who did what.
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/json_read.h"
#include "cli/pages.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

struct AuditOptions {
  int lines = 50;
  bool everything = false;
  bool mine = false;
};

Outcome<std::string> path_of(Session& session, const AuditOptions& options) {
  if (options.everything) return "/audit";
  if (options.mine) return "/me/audit";
  TRY_ASSIGN(std::string path, session.project_path("/audit"));
  return path;
}

Outcome<int> audit(Session& session, const AuditOptions& options) {
  if (options.everything && options.mine) return usage("--all and --mine exclude each other", "give one of them");
  TRY_ASSIGN(const std::string path, path_of(session, options));
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value entries, all_pages(*api, path, static_cast<std::size_t>(options.lines)));
  session.out.document(entries);
  Table table{.header = {"WHEN", "WHO", "FROM", "WHAT", "ON", "RESULT"}, .rows = {}};
  for (const json::value& entry : array_of(entries)) {
    const std::string detail = text_of(entry, "detail");
    const std::string object = text_of(entry, "object");
    table.rows.push_back({text_of(entry, "at").substr(0, 19) + "Z",
                          text_of(entry, "actor").empty() ? "-" : text_of(entry, "actor"), text_of(entry, "address"),
                          text_of(entry, "action"), object.empty() ? text_of(entry, "project") : object,
                          text_of(entry, "result") + (detail.empty() ? "" : ": " + detail)});
  }
  session.out.table(table);
  return 0;
}

}  // namespace

void add_audit_command(Commands& commands) {
  const auto options = std::make_shared<AuditOptions>();
  Command app = commands.add("audit", "Show who did what on a project",
                             [options](Session& session) { return audit(session, *options); });
  app.add_option("-n,--lines", options->lines, "how many of the newest entries").type_name("LINES").between(1, 10'000);
  app.add_flag("--mine", options->mine, "what you did, on any project");
  app.add_flag("--all", options->everything, "of the whole Service (administrators)");
}

}  // namespace paastech::cli
