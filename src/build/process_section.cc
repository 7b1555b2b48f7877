#include "build/process_section.h"

#include <fmt/format.h>
#include <algorithm>

#include "build/probe_section.h"
#include "domain/process_json.h"
#include "domain/scale.h"

namespace paastech::build {
namespace {

constexpr std::string_view kProcessKeys =
    "the keys allowed in a process are `command`, `port`, `health`, `ready_timeout`, `liveness`, `drain`, "
    "`stop_signal` and `stop_grace`";
constexpr std::string_view kReleaseKeys = "the keys allowed in `release` are `command` and `timeout`";

// Those that end a program or ask it to end, of signal(7).
constexpr std::string_view kSignals[] = {"SIGTERM", "SIGINT",  "SIGQUIT",  "SIGHUP",
                                         "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGKILL"};

Result<std::string> signal_value(const YamlNode& node, const std::string& key) {
  std::string name = (node.text.starts_with("SIG") ? "" : "SIG") + node.text;
  const bool scalar = node.kind == YamlNode::Kind::kPlain || node.kind == YamlNode::Kind::kQuoted;
  if (scalar && std::ranges::find(kSignals, name) != std::end(kSignals)) return name;
  return refuse(node.line, key, "must be the name of a signal",
                "one of TERM, INT, QUIT, HUP, USR1, USR2, WINCH and KILL");
}

Status only_web(const YamlNode& node, const std::string& key, bool web) {
  if (web) return {};
  return refuse(node.line, key, "is for `web` alone, which takes the requests", "remove it");
}

// So many attempts so far apart must fit into the start-up time.
Status check_readiness(const YamlNode& node, const std::string& name, const Process& process) {
  if (!process.readiness) return {};
  const int least_s = (process.readiness->successes - 1) * process.readiness->interval_s;
  if (least_s < process.ready_timeout_s) return {};
  return refuse(node.line, name + ".health",
                fmt::format("takes {} s for {} successes, more than the ready_timeout of {} s", least_s,
                            process.readiness->successes, process.ready_timeout_s),
                "raise ready_timeout, or lower interval or successes");
}

Status read_process(const YamlNode& node, const std::string& name, bool web, Process& process) {
  TRY(check_mapping(node, name, kProcessKeys));
  for (const auto& [key, value] : node.members) {
    const std::string full = fmt::format("{}.{}", name, key);
    if (key == "command") {
      TRY_ASSIGN(process.command, command_value(value, full));
    } else if (key == "port") {
      TRY(only_web(value, full, web));
      TRY_ASSIGN(process.port, number_value(value, full, 1, 65535, "a number"));
    } else if (key == "health") {
      TRY_ASSIGN(process.readiness, read_health(value, full, web));
    } else if (key == "ready_timeout") {
      TRY_ASSIGN(process.ready_timeout_s, seconds_value(value, full, 1, 600));
    } else if (key == "liveness") {
      TRY_ASSIGN(process.liveness, read_liveness(value, full, web));
    } else if (key == "drain") {
      TRY(only_web(value, full, web));
      TRY_ASSIGN(process.drain_s, seconds_value(value, full, 0, 300));
    } else if (key == "stop_signal") {
      TRY_ASSIGN(process.stop_signal, signal_value(value, full));
    } else if (key == "stop_grace") {
      TRY_ASSIGN(process.stop_grace_s, seconds_value(value, full, 1, 300));
    } else {
      return unknown_key(value, name, key, kProcessKeys);
    }
  }
  return check_readiness(node, name, process);
}

}  // namespace

Result<std::map<std::string, WrittenProcess>> read_processes(const YamlNode& node) {
  TRY(check_mapping(node, "processes", "for instance: processes: {worker: {command: \"node worker.js\"}}"));
  std::map<std::string, WrittenProcess> out;
  for (const auto& [name, value] : node.members) {
    const std::string full = "processes." + shown_key(name);
    const Status named = check_process_name(name);
    if (!named) return refuse(value.line, full, named.error().message, named.error().hint);
    if (out.size() == kMostProcesses)
      return refuse(value.line, full, "is one process too many", "a project has at most 20");
    WrittenProcess& written = out[name];
    written.line = value.line;
    TRY(read_process(value, full, name == "web", written.process));
  }
  return out;
}

Result<WrittenRelease> read_release(const YamlNode& node) {
  WrittenRelease out{{}, node.line};
  if (node.kind != YamlNode::Kind::kMap) {
    TRY_ASSIGN(out.release.command, command_value(node, "release"));
    return out;
  }
  for (const auto& [key, value] : node.members) {
    if (key == "command") {
      TRY_ASSIGN(out.release.command, command_value(value, "release.command"));
    } else if (key == "timeout") {
      TRY_ASSIGN(out.release.timeout_s, seconds_value(value, "release.timeout", 1, 3600));
    } else {
      return unknown_key(value, "release", key, kReleaseKeys);
    }
  }
  return out;
}

Result<Strategy> read_strategy(const YamlNode& node) {
  TRY_ASSIGN(const std::string text, text_value(node, "strategy"));
  Result<Strategy> strategy = strategy_from(text);
  if (!strategy)
    return refuse(node.line, "strategy", "must be `blue-green`, `rolling` or `recreate`", strategy.error().hint);
  return strategy;
}

}  // namespace paastech::build
