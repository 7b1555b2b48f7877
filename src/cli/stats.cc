// stats: what the application uses and gets, once or over and over.
#include <fmt/format.h>

#include "base/human_bytes.h"
#include "cli/command.h"
#include "cli/json_read.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

constexpr std::chrono::seconds kRefresh(5);           // the Service's figures are new every 10 s
constexpr std::string_view kClear = "\x1b[H\x1b[2J";  // cursor home, erase all (ECMA-48 sections 8.3.21 and 8.3.39)

// "-" where it is not known.
std::string figure(const json::value& item, std::string_view key, std::string_view unit = {}) {
  const json::value* found = member(item, key);
  if (!found || !found->is_number()) return "-";
  return fmt::format("{:.1f}{}", number_of(item, key), unit);
}

std::string bytes(const json::value& item, std::string_view key) { return human_bytes(integer_of(item, key)); }

Table process_table(const json::array& processes) {
  Table table{.header = {"PROCESS", "INSTANCES", "CPU", "MEMORY", "LIMIT", "REQUESTS/S", "5XX/S", "P50", "P99",
                         "RESTARTS (1 H)"},
              .rows = {}};
  for (const json::value& item : processes)
    table.rows.push_back({text_of(item, "name"), std::to_string(integer_of(item, "instances")),
                          figure(item, "cpu_percent", " %"), bytes(item, "memory_bytes"),
                          bytes(item, "memory_limit_bytes"), figure(item, "requests_per_second"),
                          figure(item, "errors_per_second"), figure(item, "latency_p50_ms", " ms"),
                          figure(item, "latency_p99_ms", " ms"), std::to_string(integer_of(item, "restarts"))});
  return table;
}

Table instance_table(const json::array& instances) {
  Table table{.header = {"NAME", "DEPLOYMENT", "CPU", "MEMORY", "LIMIT", "RECEIVED", "SENT", "PROCESSES"}, .rows = {}};
  for (const json::value& item : instances)
    table.rows.push_back({text_of(item, "name"), std::to_string(integer_of(item, "deployment")),
                          figure(item, "cpu_percent", " %"), bytes(item, "memory_bytes"),
                          bytes(item, "memory_limit_bytes"), bytes(item, "network_received_bytes"),
                          bytes(item, "network_sent_bytes"), std::to_string(integer_of(item, "processes"))});
  return table;
}

void show(Session& session, const json::value& stats) {
  session.out.document(stats);
  const json::array& processes = array_of(stats, "processes");
  const json::array& instances = array_of(stats);
  if (!processes.empty()) {
    session.out.table(process_table(processes));
    session.out.line("");
  }
  if (instances.empty())
    session.out.note("Nothing runs, so there is nothing to measure.");
  else
    session.out.table(instance_table(instances));
}

// Until Ctrl-C, or an error.
Outcome<int> stats(Session& session, bool watch) {
  TRY_ASSIGN(const std::string path, session.project_path("/stats"));
  TRY_ASSIGN(Http * api, session.api());
  while (true) {
    TRY_ASSIGN(const json::value answer, api->call("GET", path));
    if (watch && session.io.out_is_terminal && !session.out.json()) session.io.out << kClear;
    show(session, answer);
    if (!watch) return 0;
    session.io.out.flush();
    session.io.pause(kRefresh);
  }
}

}  // namespace

void add_stats_command(Commands& commands) {
  const auto watch = std::make_shared<bool>(false);
  commands
      .add("stats", "Show what the processes and instances use",
           [watch](Session& session) { return stats(session, *watch); })
      .add_flag("-w,--watch", *watch, "again every 5 s; Ctrl-C ends it");
}

}  // namespace paastech::cli
