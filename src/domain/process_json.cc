#include "domain/process_json.h"

#include <boost/json.hpp>

namespace paastech {
namespace {

namespace json = boost::json;

json::array to_json(const std::vector<std::string>& words) {
  json::array out;
  for (const std::string& word : words) out.emplace_back(word);
  return out;
}

std::string_view kind_text(Probe::Kind kind) {
  switch (kind) {
    case Probe::Kind::kHttp: return "http";
    case Probe::Kind::kCommand: return "command";
    case Probe::Kind::kTcp: break;
  }
  return "tcp";
}

json::object to_json(const Probe& probe) {
  json::object out{{"kind", kind_text(probe.kind)},
                   {"interval", probe.interval_s},
                   {"timeout", probe.timeout_s},
                   {"failures", probe.failures},
                   {"successes", probe.successes}};
  if (probe.kind == Probe::Kind::kHttp) {
    out["path"] = probe.path;
    out["host"] = probe.host;
    out["status"] = {probe.status_low, probe.status_high};
  }
  if (probe.kind == Probe::Kind::kCommand) out["command"] = to_json(probe.command);
  return out;
}

json::object to_json(const Process& process) {
  json::object out{{"command", to_json(process.command)},
                   {"port", process.port},
                   {"ready_timeout", process.ready_timeout_s},
                   {"drain", process.drain_s},
                   {"stop_signal", process.stop_signal},
                   {"stop_grace", process.stop_grace_s},
                   {"count", process.count},
                   {"memory_bytes", process.memory_bytes},
                   {"milli_cpus", process.milli_cpus},
                   {"group", process.group}};
  if (process.readiness) out["readiness"] = to_json(*process.readiness);
  if (process.liveness) {
    json::object liveness = to_json(*process.liveness);
    liveness["interval"] = liveness_interval_s(*process.liveness);  // a program of before knows no default of it
    out["liveness"] = std::move(liveness);
  }
  return out;
}

// The readers throw where a member has another type; the one caller catches.
template <class Number>
void read(const json::object& from, std::string_view name, Number& to) {
  if (const json::value* found = from.if_contains(name)) to = found->to_number<Number>();
}
void read(const json::object& from, std::string_view name, std::string& to) {
  if (const json::value* found = from.if_contains(name)) to = std::string(found->as_string());
}
void read(const json::object& from, std::string_view name, std::vector<std::string>& to) {
  const json::value* found = from.if_contains(name);
  if (!found) return;
  to.clear();
  for (const json::value& word : found->as_array()) to.emplace_back(word.as_string());
}

Probe probe_from(const json::object& from) {
  Probe probe;
  std::string kind;
  read(from, "kind", kind);
  if (kind == "http") probe.kind = Probe::Kind::kHttp;
  if (kind == "command") probe.kind = Probe::Kind::kCommand;
  read(from, "path", probe.path);
  read(from, "host", probe.host);
  read(from, "command", probe.command);
  read(from, "interval", probe.interval_s);
  read(from, "timeout", probe.timeout_s);
  read(from, "failures", probe.failures);
  read(from, "successes", probe.successes);
  if (const json::value* status = from.if_contains("status")) {
    probe.status_low = status->as_array().at(0).to_number<int>();
    probe.status_high = status->as_array().at(1).to_number<int>();
  }
  return probe;
}

Process process_from(const json::object& from) {
  Process process;
  read(from, "command", process.command);
  read(from, "port", process.port);
  read(from, "ready_timeout", process.ready_timeout_s);
  read(from, "drain", process.drain_s);
  read(from, "stop_signal", process.stop_signal);
  read(from, "stop_grace", process.stop_grace_s);
  read(from, "count", process.count);
  read(from, "memory_bytes", process.memory_bytes);
  read(from, "milli_cpus", process.milli_cpus);
  read(from, "group", process.group);
  if (const json::value* probe = from.if_contains("readiness")) {
    process.readiness = probe_from(probe->as_object());
    // Rows of before readiness had an interval hold the one of liveness there.
    if (!probe->as_object().contains("successes")) process.readiness->interval_s = 0;
  }
  if (const json::value* probe = from.if_contains("liveness")) process.liveness = probe_from(probe->as_object());
  std::string path;  // of before 0004_processes.sql
  read(from, "health", path);
  if (!path.empty()) process.readiness = Probe{.kind = Probe::Kind::kHttp, .path = path};
  return process;
}

ProcessList list_from(const json::object& from) {
  ProcessList list;
  const json::value* named = from.if_contains("processes");
  const json::object& processes = named ? named->as_object() : from;  // a process named "processes" never was
  if (named || !from.empty()) list.processes.clear();
  for (const auto& [name, value] : processes) list.processes[std::string(name)] = process_from(value.as_object());
  if (!named) return list;
  std::string strategy;
  read(from, "strategy", strategy);
  list.strategy = strategy_from(strategy).value_or(Strategy::kBlueGreen);
  if (const json::value* release = from.if_contains("release")) {
    list.release.emplace();
    read(release->as_object(), "command", list.release->command);
    read(release->as_object(), "timeout", list.release->timeout_s);
  }
  return list;
}

struct StrategyName {
  Strategy strategy;
  std::string_view text;
};
constexpr StrategyName kStrategies[] = {
    {Strategy::kBlueGreen, "blue-green"}, {Strategy::kRolling, "rolling"}, {Strategy::kRecreate, "recreate"}};

}  // namespace

std::string process_list_to_json(const ProcessList& list) {
  json::object processes;
  for (const auto& [name, process] : list.processes) processes[name] = to_json(process);
  json::object out{{"processes", std::move(processes)}, {"strategy", to_text(list.strategy)}};
  if (list.release)
    out["release"] = json::object{{"command", to_json(list.release->command)}, {"timeout", list.release->timeout_s}};
  return json::serialize(out);
}

Result<ProcessList> process_list_from_json(std::string_view text) {
  try {
    const json::value parsed = json::parse({text.data(), text.size()});
    return list_from(parsed.as_object());
  } catch (const std::exception&) {
    return fail(Code::kInternal, "the stored process list of a deployment is damaged", "deploy the project again");
  }
}

std::string_view to_text(Strategy strategy) {
  for (const StrategyName& one : kStrategies)
    if (one.strategy == strategy) return one.text;
  return kStrategies[0].text;
}

Result<Strategy> strategy_from(std::string_view text) {
  for (const StrategyName& one : kStrategies)
    if (one.text == text) return one.strategy;
  return fail(Code::kInvalidArgument, "a strategy is `blue-green`, `rolling` or `recreate`", "choose one of them");
}

}  // namespace paastech
