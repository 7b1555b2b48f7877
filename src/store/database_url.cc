#include "store/database_url.h"

#include <libpq-fe.h>

#include <map>
#include <memory>
#include <string_view>

#include "base/url.h"

namespace paastech::store {
namespace {

using Parameters = std::map<std::string, std::string>;

std::unexpected<Error> not_a_url(std::string why) {
  return fail(Code::kInvalidArgument, "the database's URL cannot be used: " + std::move(why),
              "write sqlite:PATH, or postgresql://user:password@host:port/name with special characters as %XX");
}

// libpq's own reading. Its error message would repeat the URL, so it is not used.
Result<Parameters> parameters_of(const std::string& url) {
  char* message = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(PQconninfoParse(url.c_str(), &message),
                                                                             &PQconninfoFree);
  if (message) PQfreemem(message);
  if (!options) return not_a_url("PostgreSQL's library does not understand it");
  Parameters found;
  for (const PQconninfoOption* option = options.get(); option->keyword; ++option)
    if (option->val && *option->val) found[option->keyword] = option->val;
  return found;
}

std::string url_of(const Parameters& parameters, bool secrets) {
  std::string out = "postgresql:///";
  char separator = '?';
  for (const auto& [name, value] : parameters) {
    if (!secrets && (name == "password" || name == "sslpassword")) continue;
    // Nothing of what is left over means anything to libpq, or to SOCI, which reads the text before it.
    out += std::exchange(separator, '&') + name + "=" + percent_encoded(value);
  }
  return out;
}

// The way people write it; what has no place there follows as a query.
std::string shown_of(Parameters parameters) {
  const auto take = [&parameters](const char* name) {
    const auto node = parameters.extract(name);
    return node ? node.mapped() : std::string();
  };
  const std::string user = take("user");
  const std::string port = take("port");
  std::string host;
  if (const auto found = parameters.find("host"); found != parameters.end() && !found->second.starts_with('/'))
    host = take("host");  // the folder of a unix socket stays in the query
  const std::string name = take("dbname");
  const std::string rest = url_of(parameters, false).substr(std::string_view("postgresql:///").size());
  return "postgresql://" + (user.empty() ? "" : user + "@") + host + (port.empty() ? "" : ":" + port) + "/" + name +
         rest;
}

Result<DatabaseUrl> postgresql(const std::string& url, const std::string& password) {
  if (url.find('\0') != std::string::npos) return not_a_url("it has a null character");
  TRY_ASSIGN(Parameters parameters, parameters_of(url));
  if (!password.empty()) parameters["password"] = password;
  DatabaseUrl out;
  out.postgresql = true;
  out.has_password = parameters.contains("password");
  out.shown = shown_of(parameters);
  // What the URL says about these holds. A server that is gone is noticed by what is not acknowledged (1.5 s, as the
  // patience of a call) and by silence (about 4 s); 2 s is libpq's least for a connection.
  parameters.try_emplace("connect_timeout", "2");
  parameters.try_emplace("tcp_user_timeout", "1500");
  parameters.try_emplace("keepalives_idle", "1");
  parameters.try_emplace("keepalives_interval", "1");
  parameters.try_emplace("keepalives_count", "3");
  parameters.try_emplace("fallback_application_name", "paastech");
  parameters["client_encoding"] = "UTF8";
  out.connect = url_of(parameters, true);
  return out;
}

}  // namespace

Result<DatabaseUrl> parse_database_url(const std::string& url, const std::string& password) {
  if (url.starts_with("postgresql://") || url.starts_with("postgres://")) return postgresql(url, password);
  if (const std::size_t at = url.find("://"); at != std::string::npos && !url.starts_with('/'))
    return not_a_url("only sqlite: and postgresql:// are known");
  DatabaseUrl out;
  out.path = url.starts_with("sqlite:") ? url.substr(7) : url;
  if (out.path.empty()) return not_a_url("it names no file");
  if (out.path.find('"') != std::string::npos)
    return fail(Code::kInvalidArgument, "the path of the database has a quotation mark", "name another path");
  out.shown = "sqlite:" + out.path;
  return out;
}

}  // namespace paastech::store
