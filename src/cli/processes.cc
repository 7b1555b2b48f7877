// ps: what runs of the application, how many of each process, and how large.
#include <fmt/format.h>

#include "base/human_bytes.h"
#include "cli/amounts.h"
#include "cli/command.h"
#include "cli/follow.h"
#include "cli/json_read.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

std::string instance_state(const json::value& instance) {
  const std::string state = text_of(instance, "state");
  const json::value* crash = object_of(instance, "crash");
  if (crash && state != "running") {
    const std::int64_t pause = integer_of(*crash, "restarts_in_seconds");
    const std::string next = pause > 0 ? fmt::format("starts again in {} s", pause) : "starting again";
    return fmt::format("crashed ({}), {}", text_of(*crash, "reason"), next);
  }
  if (flag_of(instance, "out_of_memory"))  // the Engine says so until the next end, also once it runs again
    return state + (state == "running" ? " (was out of memory)" : " (out of memory)");
  const std::int64_t code = integer_of(instance, "exit_code");
  return code != 0 ? fmt::format("{} (exit {})", state, code) : state;
}

Table instance_table(const Session& session, const json::value& instances) {
  Table table{.header = {"NAME", "STATE", "DEPLOYMENT", "UP", "RESTARTS"}, .rows = {}};
  for (const json::value& item : array_of(instances))
    table.rows.push_back({text_of(item, "name"), instance_state(item), std::to_string(integer_of(item, "deployment")),
                          since(session.io, item, "started_at"), std::to_string(integer_of(item, "restarts"))});
  return table;
}

Table process_table(const json::value& processes) {
  Table table{.header = {"PROCESS", "RUNNING", "MEMORY", "CPUS", "COMMAND"}, .rows = {}};
  for (const json::value& item : array_of(processes)) {
    const std::string command = text_of(item, "command");
    table.rows.push_back({text_of(item, "name"),
                          fmt::format("{} of {}", integer_of(item, "ready"), integer_of(item, "count")),
                          human_bytes(integer_of(item, "memory_bytes")),
                          fmt::format("{:g}", static_cast<double>(integer_of(item, "milli_cpus")) / 1000),
                          command.empty() ? "(the image's)" : command});
  }
  return table;
}

Outcome<int> ps(Session& session) {
  TRY_ASSIGN(const std::string path, session.project_path());
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(json::value instances, api->call("GET", path + "/instances"));
  TRY_ASSIGN(const json::value processes, api->call("GET", path + "/processes"));
  if (session.out.json()) {
    if (json::object* document = instances.if_object()) (*document)["processes"] = array_of(processes);
    session.out.document(instances);
  }
  if (array_of(instances).empty()) {
    session.out.note(
        "Nothing runs. `paastech projects info` says why: never deployed, stopped, failed, or scaled to nothing.");
  } else {
    session.out.table(instance_table(session, instances));
    session.out.line("");
  }
  if (!array_of(processes).empty()) session.out.table(process_table(processes));
  return 0;
}

struct ScaleOptions {
  std::vector<std::string> words;
  std::string process;
  std::string memory;
  std::string cpus;
  bool no_wait = false;
};

Outcome<int> change(Session& session, json::object processes, const std::string& done, bool no_wait) {
  TRY_ASSIGN(const std::string path, session.project_path());
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(json::value answer,
             api->call("PATCH", path + "/processes", json::object{{"processes", std::move(processes)}}));
  session.out.line(done);
  if (!object_of(answer, "deployment")) session.out.note("Nothing runs at present; the next deployment uses it.");
  return follow_answer(session, path, std::move(answer), "deployment", !no_wait);
}

Outcome<int> scale(Session& session, const ScaleOptions& options) {
  constexpr const char* kHint = "write PROCESS=COUNT, for instance: paastech ps scale web=3 worker=1";
  json::object processes;
  std::string done;
  for (const std::string& word : options.words) {
    const std::size_t equals = word.find('=');
    if (equals == 0 || equals == std::string::npos) return usage(fmt::format("`{}` is not PROCESS=COUNT", word), kHint);
    const std::string name = word.substr(0, equals);
    TRY_ASSIGN(const std::int64_t count, read_whole(name, word.substr(equals + 1), kHint));
    if (processes.contains(name)) return usage(fmt::format("`{}` is there twice", name), "give one count a process");
    processes[name] = json::object{{"count", count}};
    done += fmt::format("{} {} to {}", done.empty() ? "Scaled" : ",", name, count);
  }
  return change(session, std::move(processes), done + ".", options.no_wait);
}

Outcome<int> size(Session& session, const ScaleOptions& options) {
  json::object size;
  if (!options.memory.empty()) {
    std::int64_t bytes = 0;
    if (options.memory != "default") {
      TRY_ASSIGN(bytes, read_bytes("--memory", options.memory, "for instance 512M, 2G or default"));
    }
    size["memory_bytes"] = bytes;
  }
  if (!options.cpus.empty()) {
    std::int64_t milli = 0;
    if (options.cpus != "default") {
      TRY_ASSIGN(milli, read_milli_cpus("--cpus", options.cpus));
    }
    size["milli_cpus"] = milli;
  }
  if (size.empty()) return usage("there is no size to set", "give --memory, --cpus or both; `paastech ps` shows them");
  json::object processes;
  processes[options.process] = std::move(size);
  return change(session, std::move(processes), fmt::format("Changed the size of {}.", options.process),
                options.no_wait);
}

}  // namespace

void add_processes_commands(Commands& commands) {
  Command group = commands.group("ps", "Show the running instances and the processes", ps);
  const auto add = [&](const std::string& name, const std::string& text, auto function) {
    const auto options = std::make_shared<ScaleOptions>();
    Command app = commands.add(name, text, [options, function](Session& s) { return function(s, *options); }, group);
    app.add_flag("--no-wait", options->no_wait, "do not follow the deployment that this causes");
    return std::pair(app, options);
  };
  const auto [scale_app, scale_options] = add("scale", "Change how many instances of a process run", scale);
  scale_app.add_option("PROCESS=COUNT", scale_options->words, "for instance web=3").type_name("").required();
  const auto [size_app, size_options] = add("size", "Change the size of a process's instances", size);
  size_app.add_option("PROCESS", size_options->process, "its name").type_name("").required();
  size_app.add_option("--memory", size_options->memory, "for instance 512M, or default").type_name("SIZE");
  size_app.add_option("--cpus", size_options->cpus, "cores, for instance 0.5, or default").type_name("NUMBER");
}

}  // namespace paastech::cli
