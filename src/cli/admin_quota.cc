// admin quota: plans and what they allow. usage: what of it is used.
#include <fmt/format.h>

#include <array>

#include "base/human_bytes.h"
#include "base/url.h"
#include "cli/amounts.h"
#include "cli/command.h"
#include "cli/json_read.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

struct Limit {
  const char* key;     // of the API
  const char* option;  // of the command line
  bool bytes;
};
constexpr std::array<Limit, 6> kLimits{{{"projects", "--projects", false},
                                        {"instances", "--instances", false},
                                        {"memory_bytes", "--memory", true},
                                        {"milli_cpus", "--milli-cpus", false},
                                        {"build_minutes", "--build-minutes", false},
                                        {"disk_bytes", "--disk", true}}};

struct QuotaOptions {
  std::string plan;
  std::string who;
  std::array<std::string, kLimits.size()> given;
};

std::string shown(const Limit& limit, std::int64_t value) {
  if (value < 0) return "no limit";
  return limit.bytes ? human_bytes(value) : fmt::format("{}", value);
}

Outcome<std::int64_t> read_limit(const Limit& limit, const std::string& text) {
  if (text == "none") return -1;
  if (limit.bytes) return read_bytes(limit.option, text, "for instance 512MiB, 16GiB or none");
  return read_whole(limit.option, text, "a whole number, or none");
}

Outcome<int> list_plans(Session& session) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value plans, api->call("GET", "/plans"));
  session.out.document(plans);
  Table table{.header = {"PLAN", "PROJECTS", "INSTANCES", "MEMORY", "MILLI-CPUS", "BUILD MINUTES", "DISK"}, .rows = {}};
  for (const json::value& plan : array_of(plans)) {
    std::vector<std::string> row{text_of(plan, "name")};
    const json::value* limits = object_of(plan, "limits");
    for (const Limit& limit : kLimits) row.push_back(shown(limit, limits ? integer_of(*limits, limit.key, -1) : -1));
    table.rows.push_back(std::move(row));
  }
  session.out.table(table);
  return 0;
}

// What is not given stays as it is; of a new plan it is without limit.
Outcome<int> set_plan(Session& session, const QuotaOptions& options) {
  TRY_ASSIGN(Http * api, session.api());
  const std::string path = "/plans/" + percent_encoded(options.plan);
  const Result<json::value> present = api->call("GET", path);
  if (!present && present.error().code != Code::kNotFound) return std::unexpected(Failure(present.error()));
  const json::value* limits = present ? object_of(*present, "limits") : nullptr;
  json::object body;
  for (std::size_t i = 0; i < kLimits.size(); ++i) {
    std::int64_t value = limits ? integer_of(*limits, kLimits[i].key, -1) : -1;
    if (!options.given[i].empty()) {
      TRY_ASSIGN(value, read_limit(kLimits[i], options.given[i]));
    }
    body[kLimits[i].key] = value;
  }
  TRY_ASSIGN(const json::value plan, api->call("PUT", path, std::move(body)));
  session.out.document(plan);
  session.out.line(fmt::format("Plan {} is set.", text_of(plan, "name")));
  return 0;
}

Outcome<int> remove_plan(Session& session, const std::string& plan) {
  TRY_ASSIGN(Http * api, session.api());
  TRY(api->call("DELETE", "/plans/" + percent_encoded(plan)));
  session.out.document(json::object{});
  session.out.line(fmt::format("Plan {} is deleted.", plan));
  return 0;
}

Outcome<int> assign(Session& session, const QuotaOptions& options) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value client,
             api->call("PATCH", "/clients/" + percent_encoded(options.who), json::object{{"plan", options.plan}}));
  session.out.document(client);
  session.out.line(fmt::format("{} has plan {} now.", text_of(client, "username"), text_of(client, "plan")));
  return 0;
}

Outcome<int> usage_of_mine(Session& session) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value usage, api->call("GET", "/me/usage"));
  session.out.document(usage);
  const json::value* limits = object_of(usage, "limits");
  const json::value* used = object_of(usage, "used");
  Table table{.header = {"OF PLAN " + text_of(usage, "plan"), "USED", "LIMIT"}, .rows = {}};
  for (const Limit& limit : kLimits)
    table.rows.push_back({limit.key,
                          used && member(*used, limit.key) ? shown(limit, integer_of(*used, limit.key)) : "-",
                          shown(limit, limits ? integer_of(*limits, limit.key, -1) : -1)});
  session.out.table(table);
  return 0;
}

}  // namespace

void add_admin_quota_commands(Commands& commands, Command admin) {
  const auto options = std::make_shared<QuotaOptions>();
  commands.add("usage", "Show what you use of your plan", usage_of_mine);
  Command group = commands.group("quota", "Plans: what accounts may use", list_plans, admin);
  commands.add("list", "List the plans", list_plans, group);
  Command app = commands.add(
      "set", "Make or change a plan", [options](Session& session) { return set_plan(session, *options); }, group);
  app.add_option("PLAN", options->plan, "its name").type_name("").required();
  for (std::size_t i = 0; i < kLimits.size(); ++i)
    app.add_option(kLimits[i].option, options->given[i],
                   kLimits[i].bytes ? "for instance 16GiB, or none" : "a number, or none")
        .type_name("LIMIT");
  app = commands.add(
      "delete", "Delete a plan that nobody has",
      [options](Session& session) { return remove_plan(session, options->plan); }, group);
  app.add_option("PLAN", options->plan, "its name").type_name("").required();
  app = commands.add(
      "assign", "Give an account a plan", [options](Session& session) { return assign(session, *options); }, group);
  app.add_option("WHO", options->who, "user name or id").type_name("").required();
  app.add_option("PLAN", options->plan, "its name").type_name("").required();
}

}  // namespace paastech::cli
