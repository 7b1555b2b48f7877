// Where the contract and the route table differ.
#include <fmt/format.h>

#include <set>

#include "api/contract/contract.h"
#include "base/text.h"

namespace paastech::api {
namespace {

using Names = std::set<std::string, std::less<>>;

Names names_of(const std::vector<Parameter>& parameters) {
  Names names;
  for (const Parameter& parameter : parameters) names.insert(parameter.name);
  return names;
}

Names parts_of(std::string_view path) {
  Names names;
  for (const std::string& part : split(path, '/'))
    if (part.starts_with('{')) names.insert(part.substr(1, part.size() - 2));
  return names;
}

std::string_view words(BodyKind body) {
  switch (body) {
    case BodyKind::kNone: return "no body";
    case BodyKind::kJson: return "a JSON body";
    case BodyKind::kForm: return "a form";
  }
  return "";
}

class Comparison {
 public:
  Comparison(std::string where, std::vector<std::string>& out) : where_(std::move(where)), out_(out) {}

  void operation(const Route& route, const Operation& described) {
    parameters("a part", parts_of(route.info.path), names_of(described.path));
    parameters("query parameter", Names(route.query.begin(), route.query.end()), names_of(described.query));
    if (route.body != described.body)
      say(fmt::format("the contract describes {}, the route takes {}", words(described.body), words(route.body)));
    const bool open = route.info.permission == Permission::kPublic;
    const bool may_be_open = open || route.info.permission == Permission::kMetricsRead;
    if (described.needs_login && open) say("the contract asks for a login, the route for none");
    if (!described.needs_login && !may_be_open) say("the contract asks for no login, the route for one");
    if (route.info.action != described.action)
      say(fmt::format("the audit log calls it `{}`, the contract's x-action says `{}`", route.info.action,
                      described.action));
    idempotency(route, described);
    // A change that another site's page asks for is refused (origin.h).
    if (route.info.method != "GET" && !described.answers.contains(403)) say("of a change, 403 is an answer");
  }

  void say(const std::string& what) { out_.push_back(fmt::format("{}: {}", where_, what)); }

 private:
  void parameters(std::string_view kind, const Names& taken, const Names& described) {
    for (const std::string& name : taken)
      if (!described.contains(name)) say(fmt::format("{} `{}` is not in the contract", kind, name));
    for (const std::string& name : described)
      if (!taken.contains(name)) say(fmt::format("{} `{}` of the contract is not taken", kind, name));
  }

  // Every creation that a Client asks for may be repeated safely, and nothing else bears a key.
  void idempotency(const Route& route, const Operation& described) {
    const bool creates = described.answers.contains(201) || described.answers.contains(202);
    const bool bears = route.info.method == "POST" && described.needs_login && creates && !route.info.page;
    if (bears != described.bears_key)
      say(bears ? "creations take the header Idempotency-Key" : "only creations of a Client take Idempotency-Key");
    if (!bears) return;
    for (const int status : {409, 429})  // at work still; too many keys
      if (!described.answers.contains(status)) say(fmt::format("with Idempotency-Key, {} is an answer", status));
  }

  std::string where_;
  std::vector<std::string>& out_;
};

}  // namespace

std::vector<std::string> Contract::disagreements(const std::vector<Route>& routes) const {
  std::vector<std::string> out;
  std::set<std::pair<std::string, std::string>> served;
  for (const Route& route : routes) {
    Comparison comparison(fmt::format("{} {}", route.info.method, route.info.path), out);
    if (!served.emplace(route.info.method, route.info.path).second) comparison.say("there are two such routes");
    const Operation* described = find(route.info.method, route.info.path);
    if (described == nullptr)
      comparison.say("the contract does not describe this route");
    else
      comparison.operation(route, *described);
  }
  for (const auto& [at, operation] : operations_)
    if (!served.contains(at))
      out.push_back(fmt::format("{} {}: the contract describes it, no route serves it", at.first, at.second));
  return out;
}

}  // namespace paastech::api
