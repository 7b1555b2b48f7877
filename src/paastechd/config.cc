#include "paastechd/config.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <map>
#include <variant>

#include "base/address.h"
#include "base/files.h"
#include "base/ids.h"
#include "base/port.h"
#include "base/text.h"
#include "paastechd/home.h"
#include "paastechd/mail.h"
#include "pomegranate/registry_list.h"
#include "pomegranate/subnets.h"
#include "store/database_url.h"

namespace paastech {
namespace {

struct IntegerTarget {
  std::function<void(std::int64_t)> set;
  std::function<std::int64_t()> get;
  std::int64_t least;
  std::int64_t most;
};
struct TextTarget {
  std::function<void(std::string)> set;
  std::function<std::string()> get;
};
struct FlagTarget {
  bool* slot;
};
using Target = std::variant<IntegerTarget, TextTarget, FlagTarget>;

template <class T>
Target integer(T& slot, std::int64_t least, std::int64_t most) {
  return IntegerTarget{[&slot](std::int64_t value) { slot = static_cast<T>(value); }, [&slot] { return slot; }, least,
                       most};
}
template <class T>
Target text(T& slot) {
  return TextTarget{[&slot](std::string value) { slot = std::move(value); }, [&slot] { return slot; }};
}

// The URL may hold a password.
Target database_url(std::string& slot) {
  return TextTarget{[&slot](std::string value) { slot = std::move(value); },
                    [&slot] {
                      const Result<store::DatabaseUrl> url = store::parse_database_url(slot);
                      return url ? url->shown : std::string();
                    }};
}

std::map<std::string, Target> targets(Config& c) {
  return {
      {"database.url", database_url(c.database_url)},
      {"database.password_file", text(c.database_password_file)},
      {"log.level", text(c.log_level)},
      {"service.fqdn", text(c.fqdn)},
      {"service.scheme", text(c.public_scheme)},
      {"service.public_port", integer(c.public_port, 0, 65535)},
      {"service.ssh_host", text(c.ssh_host)},
      {"service.api_url", text(c.api_url)},
      {"service.admin_email", text(c.admin_email)},
      {"ingress.address", text(c.http_address)},
      {"ingress.port", integer(c.http_port, 0, 65535)},
      {"ingress.trusted_proxy", text(c.trusted_proxy)},
      {"ingress.loops", integer(c.router_loops, 0, 256)},
      {"ingress.min_body_rate", integer(c.min_body_rate, 0, 1 << 30)},
      {"ingress.max_request_bytes", integer(c.max_request_bytes, 0, 1LL << 44)},
      {"ingress.response_timeout_s", integer(c.response_timeout_s, 1, 86'400)},
      {"ingress.stall_timeout_s", integer(c.stall_timeout_s, 1, 86'400)},
      {"api.address", text(c.api_address)},
      {"api.port", integer(c.api_port, 0, 65535)},
      {"api.trusted_proxy", text(c.api_trusted_proxy)},
      {"api.reads_per_minute", integer(c.api_reads_per_minute, 0, 1 << 30)},
      {"api.changes_per_minute", integer(c.api_changes_per_minute, 0, 1 << 30)},
      {"api.anonymous_per_minute", integer(c.api_anonymous_per_minute, 0, 1 << 30)},
      {"accounts.administrators_need_second_factor", FlagTarget{&c.administrators_need_second_factor}},
      {"accounts.sign_up", text(c.sign_up)},
      {"mail.host", text(c.mail_host)},
      {"mail.port", integer(c.mail_port, 1, 65535)},
      {"mail.security", text(c.mail_security)},
      {"mail.username", text(c.mail_username)},
      {"mail.password_file", text(c.mail_password_file)},
      {"mail.from", text(c.mail_from)},
      {"mail.ca_file", text(c.mail_ca_file)},
      {"mail.timeout_s", integer(c.mail_timeout_s, 1, 600)},
      {"audit.keep_days", integer(c.audit_keep_days, 1, 36'500)},
      {"logs.keep_bytes", integer(c.log_keep_bytes, 8 << 20, 1LL << 40)},
      {"logs.keep_days", integer(c.log_keep_days, 1, 3'650)},
      {"git.address", text(c.ssh_address)},
      {"git.port", integer(c.ssh_port, 0, 65535)},
      {"git.max_push_bytes", integer(c.max_push_bytes, 1 << 10, 64LL << 30)},
      {"git.push_timeout_s", integer(c.push_timeout_s, 10, 86'400)},
      {"engine.docker_socket", text(c.docker_socket)},
      {"engine.subnet_pool", text(c.subnet_pool)},
      {"engine.subnet_bits", integer(c.subnet_bits, 24, 29)},
      {"engine.registries", text(c.registries)},
      {"engine.instance", text(c.instance)},
      {"builds.at_once", integer(c.builds, 1, 64)},
      {"builds.per_client", integer(c.builds_per_client, 1, 64)},
      {"builds.timeout_s", integer(c.build_timeout_s, 5, 86'400)},
      {"builds.memory_bytes", integer(c.build_memory_bytes, 64 << 20, 1LL << 40)},
      {"builds.cache_bytes", integer(c.build_cache_bytes, 0, 1LL << 44)},
      {"disk.collect_percent", integer(c.disk_collect_percent, 1, 100)},
      {"disk.refuse_percent", integer(c.disk_refuse_percent, 1, 100)},
      {"disk.instance_bytes", integer(c.instance_disk_bytes, 1 << 20, 1LL << 44)},
      {"disk.build_bytes", integer(c.build_disk_bytes, 1 << 20, 1LL << 44)},
      {"roles.api", text(c.role_api)},
      {"roles.pomegranate", text(c.role_pomegranate)},
      {"roles.git", text(c.role_git)},
      {"roles.router", text(c.role_router)},
      {"roles.listen_address", text(c.roles_listen_address)},
      {"roles.certificates", text(c.roles_certificates)},
  };
}

std::unexpected<Error> bad(const std::string& where, const std::string& what, std::string hint) {
  return fail(Code::kInvalidArgument, where + (where.ends_with('`') ? " " : ": ") + what, std::move(hint));
}

std::string known_keys(const std::map<std::string, Target>& all) {
  std::string names;
  for (const auto& [name, target] : all) names += (names.empty() ? "" : ", ") + name;
  return "known keys: " + names;
}

Status assign(const Target& target, const toml::node& node, const std::string& where) {
  if (const auto* wants_text = std::get_if<TextTarget>(&target)) {
    const auto value = node.value_exact<std::string>();
    if (!value) return bad(where, "must be a text in quotes", "write it as \"…\"");
    wants_text->set(*value);
    return {};
  }
  if (const auto* flag = std::get_if<FlagTarget>(&target)) {
    const auto value = node.value_exact<bool>();
    if (!value) return bad(where, "must be true or false", "write it without quotes");
    *flag->slot = *value;
    return {};
  }
  const auto& wants = std::get<IntegerTarget>(target);
  const auto value = node.value_exact<std::int64_t>();
  if (!value || *value < wants.least || *value > wants.most)
    return bad(where, fmt::format("must be a whole number from {} to {}", wants.least, wants.most),
               "correct the value");
  wants.set(*value);
  return {};
}

using Places = std::map<std::string, std::string>;  // key → where its value was given, for people

Status read_table(const toml::table& table, const std::string& prefix, const std::string& file,
                  const std::map<std::string, Target>& all, Places& places) {
  for (const auto& [key, node] : table) {
    const std::string name = prefix + std::string(key.str());
    const std::string where = fmt::format("{} line {}: `{}`", file, key.source().begin.line, name);
    if (const toml::table* inner = node.as_table()) {
      if (!prefix.empty()) return bad(where, "is not a known section", known_keys(all));
      TRY(read_table(*inner, name + ".", file, all, places));
      continue;
    }
    const auto found = all.find(name);
    if (found == all.end()) return bad(where, "is not a known key", known_keys(all));
    TRY(assign(found->second, node, where));
    places[name] = where;
  }
  return {};
}

Status read_port(const GetEnvironment& environment, const char* name, const std::string& key, int& slot,
                 Places& places) {
  const char* value = environment(name);
  if (!value || !*value) return {};
  const std::string_view given(value);
  const std::optional<int> number = port_number(given);
  if (!number)
    return bad(fmt::format("environment variable {}", name), fmt::format("`{}` is not a port", given),
               "use a number from 0 to 65535");
  slot = *number;
  places[key] = fmt::format("environment variable {}", name);
  return {};
}

// host:port, the host a name, an IPv4 address or an IPv6 address in brackets.
bool is_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::string_view host = text.substr(0, colon);
  if (port_number(text.substr(colon + 1)).value_or(0) == 0) return false;
  const bool six = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (six) host = host.substr(1, host.size() - 2);
  constexpr std::string_view kName = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
  return !host.empty() && host.find_first_not_of(six ? "0123456789abcdefABCDEF:." : kName) == std::string_view::npos;
}

Status check_roles(const Config& c, const std::function<std::string(const std::string&)>& place) {
  const std::pair<const char*, const std::string&> addresses[] = {{"roles.api", c.role_api},
                                                                  {"roles.pomegranate", c.role_pomegranate},
                                                                  {"roles.git", c.role_git},
                                                                  {"roles.router", c.role_router}};
  for (const auto& [key, address] : addresses) {
    if (address.empty()) continue;
    if (!is_address(address))
      return bad(place(key), "`" + address + "` is not an address", "write host:port, for instance 10.0.0.2:7001");
    for (const auto& [other, same] : addresses)
      if (std::string_view(key) != other && same == address)
        return bad(place(key), fmt::format("must differ from {}, but both are {}", place(other), address),
                   "give each role a port of its own");
  }
  if (c.roles_listen_address.empty() ||
      c.roles_listen_address.find_first_not_of("0123456789abcdefABCDEF:.") != std::string::npos)
    return bad(place("roles.listen_address"), "`" + c.roles_listen_address + "` is not an IP address",
               "use 127.0.0.1, an address of this host, or 0.0.0.0 for all of them");
  return {};
}

// A file is meant in the home, unless its path is absolute; without a URL it is paastech.db.
std::string at_home(const std::string& url, const std::filesystem::path& home) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (url.empty()) return std::string(kSqlite) + (home / "paastech.db").string();
  if (!url.starts_with(kSqlite) || url.size() == kSqlite.size()) return url;
  return std::string(kSqlite) + (home / url.substr(kSqlite.size())).lexically_normal().string();
}

// A file of the home is hidden by its folder, which is its owner's alone (paastechd/home.h).
Status check_secrecy(const std::filesystem::path& file, const Config& config) {
  const auto url = store::parse_database_url(config.database_url);
  if (!url || !url->has_password) return {};
  std::error_code failed;
  const std::filesystem::path home = std::filesystem::weakly_canonical(config.home, failed);
  const std::filesystem::path inside = std::filesystem::weakly_canonical(file, failed).lexically_relative(home);
  if (!failed && !inside.empty() && *inside.begin() != "..") return {};
  if (!others_may_read(file)) return {};
  return fail(Code::kFailedPrecondition,
              fmt::format("other users may read {}, and its `database.url` holds a password", file.string()),
              fmt::format("run: chmod 600 {}; or give the password in a file that database.password_file names",
                          file.string()));
}

Status check(const Config& c, const Places& places) {
  const auto place = [&places](const std::string& key) {
    const auto found = places.find(key);
    return found == places.end() ? "`" + key + "`" : found->second;
  };
  const auto one_of = [](const std::string& value, std::initializer_list<const char*> allowed) {
    for (const char* each : allowed)
      if (value == each) return true;
    return false;
  };
  if (!one_of(c.log_level, {"debug", "info", "warn", "error"}))
    return bad(place("log.level"), "`" + c.log_level + "` is not a level", "use debug, info, warn or error");
  if (!one_of(c.public_scheme, {"http", "https"}))
    return bad(place("service.scheme"), "`" + c.public_scheme + "` is not a scheme", "use http or https");
  if (c.fqdn.empty() || c.fqdn.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") != std::string::npos)
    return bad(place("service.fqdn"), "`" + c.fqdn + "` is not a lower-case domain name",
               "for instance paas.example.org");
  if (c.instance.size() > 20 ||
      c.instance.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string::npos)
    return bad(place("engine.instance"), "`" + c.instance + "` is not a name",
               "use at most 20 lower-case letters, digits and hyphens");
  if (!one_of(c.sign_up, {"open", "invite", "closed"}))
    return bad(place("accounts.sign_up"), "`" + c.sign_up + "` is not a way to sign up", "use open, invite or closed");
  if (const Status mail = check_mail(c); !mail) return bad(place("mail.host"), mail.error().message, mail.error().hint);
  if (const auto networks = CidrList::parse(c.api_trusted_proxy); !networks)
    return bad(place("api.trusted_proxy"), networks.error().message, networks.error().hint);
  if (const auto url = store::parse_database_url(c.database_url); !url)
    return bad(place("database.url"), url.error().message, url.error().hint);
  if (const auto pool = pomegranate::SubnetPool::make(c.subnet_pool, c.subnet_bits); !pool)
    return bad(place("engine.subnet_pool"), pool.error().message, pool.error().hint);
  if (const auto registries = pomegranate::parse_registries(c.registries); !registries)
    return bad(place("engine.registries"), registries.error().message, registries.error().hint);
  TRY(check_roles(c, place));
  const std::pair<const char*, int> ports[] = {
      {"ingress.port", c.http_port}, {"api.port", c.api_port}, {"git.port", c.ssh_port}};
  for (const auto& [key, port] : ports)
    for (const auto& [other, same] : ports) {
      // The one that was given is named first; 0 means any free port.
      if (port == 0 || port != same || key == other || (!places.contains(key) && places.contains(other))) continue;
      return bad(place(key), fmt::format("must differ from {}, but both are {}", place(other), port),
                 "set PAASTECH_HTTP_PORT, PAASTECH_API_PORT and PAASTECH_SSH_PORT to three free ports");
    }
  return {};
}

}  // namespace

Result<Config> load_config(const std::filesystem::path& file, const GetEnvironment& environment) {
  Config config;
  if (const char* home = environment("PAASTECH_HOME"); home && *home) config.home = home;
  std::error_code ignored;
  config.home = std::filesystem::absolute(config.home, ignored).lexically_normal();
  const auto all = targets(config);
  Places places;
  const std::filesystem::path source = file.empty() ? config.home / "paastech.toml" : file;
  if (!file.empty() && !std::filesystem::exists(source))
    return fail(Code::kNotFound, source.string() + ": there is no such file", "give the path of a TOML file");
  if (std::filesystem::exists(source)) {
    try {
      const toml::table table = toml::parse_file(source.string());
      TRY(read_table(table, "", source.string(), all, places));
      TRY(check_secrecy(source, config));
    } catch (const toml::parse_error& e) {
      return bad(fmt::format("{} line {}", source.string(), e.source().begin.line), std::string(e.description()),
                 "see https://toml.io for the syntax");
    }
  }
  TRY(read_port(environment, "PAASTECH_HTTP_PORT", "ingress.port", config.http_port, places));
  TRY(read_port(environment, "PAASTECH_API_PORT", "api.port", config.api_port, places));
  TRY(read_port(environment, "PAASTECH_SSH_PORT", "git.port", config.ssh_port, places));
  if (const char* socket = environment("PAASTECH_DOCKER_SOCKET"); socket && *socket) config.docker_socket = socket;
  if (const char* url = environment("PAASTECH_DATABASE_URL"); url && *url) {
    config.database_url = url;
    places["database.url"] = "environment variable PAASTECH_DATABASE_URL";
  }
  config.database_url = at_home(config.database_url, config.home);
  if (config.docker_socket.starts_with("unix://")) config.docker_socket.erase(0, 7);
  if (config.instance.empty()) {
    // The name given at first start stays with the home, also where it is restored at another path.
    if (const auto kept = read_file(config.home / "instance", 64)) config.instance = trim(*kept);
  }
  if (config.instance.empty()) config.instance = "pt-" + hex(sha256(config.home.string())).substr(0, 8);
  if (config.ssh_host.empty()) config.ssh_host = config.fqdn == "localhost" ? "127.0.0.1" : config.fqdn;
  if (config.api_url.empty()) config.api_url = fmt::format("http://{}:{}", config.ssh_host, config.api_port);
  TRY(check(config, places));
  return config;
}

std::string describe(const Config& config) {
  Config copy = config;
  std::string out = "home = " + config.home.string() + "\n";
  for (const auto& [name, target] : targets(copy)) {
    if (const auto* value = std::get_if<TextTarget>(&target))
      out += name + " = " + value->get() + "\n";
    else if (const auto* flag = std::get_if<FlagTarget>(&target))
      out += name + " = " + (*flag->slot ? "true" : "false") + "\n";
    else
      out += name + " = " + std::to_string(std::get<IntegerTarget>(target).get()) + "\n";
  }
  return out;
}

}  // namespace paastech
