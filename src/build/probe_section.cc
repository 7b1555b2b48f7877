#include "build/probe_section.h"

#include <algorithm>
#include <charconv>

namespace paastech::build {
namespace {

constexpr std::string_view kHealthKeys =
    "the keys allowed in `health` are `path`, `command`, `tcp`, `host`, `status`, `timeout`, `interval` and "
    "`successes`";
constexpr std::string_view kLivenessKeys =
    "the keys allowed in `liveness` are `path`, `command`, `tcp`, `host`, `status`, `timeout`, `interval` and "
    "`failures`";

Result<std::string> http_path(const YamlNode& node, const std::string& key) {
  TRY_ASSIGN(std::string path, text_value(node, key));
  // It becomes the target of a request line (RFC 9112 section 3.2): visible ASCII, no fragment.
  const bool fits =
      path.starts_with('/') && std::ranges::all_of(path, [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
  if (fits) return path;
  return refuse(node.line, key, "must be an HTTP path that begins with `/`, without spaces",
                "for instance: health: /healthz");
}

// RFC 9110 section 7.2, without what a name here never needs.
Result<std::string> host_value(const YamlNode& node, const std::string& key) {
  TRY_ASSIGN(std::string host, text_value(node, key));
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]";
  if (!host.empty() && host.size() <= 255 && host.find_first_not_of(kAllowed) == std::string::npos) return host;
  return refuse(node.line, key, "must be a host name", "for instance: host: www.example.org");
}

// 204, or 200-299
Status read_status(const YamlNode& node, const std::string& key, Probe& probe) {
  const char* end = node.text.data() + node.text.size();
  const auto [middle, first] = std::from_chars(node.text.data(), end, probe.status_low);
  bool whole = first == std::errc();
  probe.status_high = probe.status_low;
  if (whole && middle != end) {
    const auto [stop, second] = std::from_chars(middle + 1, end, probe.status_high);
    whole = *middle == '-' && second == std::errc() && stop == end;
  }
  if (whole && probe.status_low >= 200 && probe.status_low <= probe.status_high && probe.status_high <= 599) return {};
  return refuse(node.line, key, "must be a status from 200 to 599, or a range of them",
                "for instance: status: 204, or: status: 200-299");
}

Status read_kind(const YamlNode& value, const std::string& key, const std::string& full, Probe& probe) {
  if (key == "path") {
    probe.kind = Probe::Kind::kHttp;
    TRY_ASSIGN(probe.path, http_path(value, full));
  } else if (key == "command") {
    probe.kind = Probe::Kind::kCommand;
    TRY_ASSIGN(probe.command, command_value(value, full));
  } else {
    probe.kind = Probe::Kind::kTcp;
    if (value.kind != YamlNode::Kind::kPlain || value.text != "true")
      return refuse(value.line, full, "must be `true`", "tcp: true asks whether the port accepts connections");
  }
  return {};
}

// Everything but which kind it is. False where the key is none of these.
Result<bool> read_setting(const YamlNode& value, const std::string& key, const std::string& full, bool liveness,
                          Probe& probe) {
  if (key == "host") {
    TRY_ASSIGN(probe.host, host_value(value, full));
  } else if (key == "status") {
    TRY(read_status(value, full, probe));
  } else if (key == "timeout") {
    TRY_ASSIGN(probe.timeout_s, seconds_value(value, full, 1, 60));
  } else if (key == "interval") {
    TRY_ASSIGN(probe.interval_s, seconds_value(value, full, 1, 300));
  } else if (liveness && key == "failures") {
    TRY_ASSIGN(probe.failures, number_value(value, full, 1, 20, "a number"));
  } else if (!liveness && key == "successes") {
    TRY_ASSIGN(probe.successes, number_value(value, full, 1, 20, "a number"));
  } else {
    return false;
  }
  return true;
}

Status check_port(int line, const std::string& key, bool web, const Probe& probe) {
  if (web || probe.kind == Probe::Kind::kCommand) return {};
  return refuse(line, key, "needs a port, and only `web` has one", "ask by a command: {command: [\"./healthy\"]}");
}

Result<Probe> read_probe(const YamlNode& node, const std::string& key, bool web, bool liveness) {
  const std::string_view allowed = liveness ? kLivenessKeys : kHealthKeys;
  Probe probe;
  if (node.kind == YamlNode::Kind::kPlain || node.kind == YamlNode::Kind::kQuoted) {
    probe.kind = Probe::Kind::kHttp;
    TRY_ASSIGN(probe.path, http_path(node, key));
    TRY(check_port(node.line, key, web, probe));
    return probe;
  }
  if (node.kind != YamlNode::Kind::kMap)
    return refuse(node.line, key, "must be an HTTP path or a mapping of keys", allowed);
  std::string kind;
  const YamlMember* of_http = nullptr;
  for (const YamlMember& member : node.members) {
    const std::string full = key + "." + member.key;
    if (member.key == "path" || member.key == "command" || member.key == "tcp") {
      if (!kind.empty())
        return refuse(member.value.line, full, "stands beside `" + kind + "`", "one probe asks in one way: keep one");
      kind = member.key;
      TRY(read_kind(member.value, member.key, full, probe));
      continue;
    }
    TRY_ASSIGN(const bool known, read_setting(member.value, member.key, full, liveness, probe));
    if (!known) return unknown_key(member.value, key, member.key, allowed);
    if (member.key == "host" || member.key == "status") of_http = &member;
  }
  if (kind.empty())
    return refuse(node.line, key, "must say how it asks", "give one of `path`, `command` and `tcp: true`");
  if (of_http && kind != "path")
    return refuse(of_http->value.line, key + "." + of_http->key, "belongs to `path`", "remove it, or ask by `path`");
  TRY(check_port(node.line, key, web, probe));
  return probe;
}

}  // namespace

Result<Probe> read_health(const YamlNode& node, const std::string& key, bool web) {
  return read_probe(node, key, web, false);
}

Result<Probe> read_liveness(const YamlNode& node, const std::string& key, bool web) {
  return read_probe(node, key, web, true);
}

}  // namespace paastech::build
