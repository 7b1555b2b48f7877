#pragma once
// api/openapi.yaml at work: held against the route table at start, and against every request before its handler. The
// tests hold the answers to it too. Immutable after parse(), so safe from any thread.
#include <boost/json.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/contract/schema.h"
#include "api/route.h"
#include "base/result.h"

namespace paastech::api {

struct Parameter {
  std::string name;
  bool required = false;
  Schema schema = {};
};

struct DescribedAnswer {
  std::map<std::string, Schema> content = {};  // by media type
};

struct Operation {
  std::string name;         // operationId
  std::string action = {};  // x-action: what the audit log calls it
  bool needs_login = true;  // no empty requirement in `security`
  bool bears_key = false;   // takes Idempotency-Key
  BodyKind body = BodyKind::kNone;
  Schema body_schema = {};
  std::vector<Parameter> path = {};
  std::vector<Parameter> query = {};
  std::vector<Parameter> headers = {};
  std::map<int, std::shared_ptr<const DescribedAnswer>> answers = {};  // by status
};

class Contract {
 public:
  // kInternal where the text is no contract, saying where.
  static Result<Contract> parse(std::string_view yaml);
  const boost::json::value& document() const { return root_; }
  // null where it is not described. The method as in RouteInfo.
  const Operation* find(std::string_view method, std::string_view path) const;

  // One sentence for each point in which the contract and the routes differ; empty where they agree.
  std::vector<std::string> disagreements(const std::vector<Route>& routes) const;

  // Empty where the answer is what the contract says of this operation; else what is wrong with it.
  std::string check_answer(std::string_view method, std::string_view path, int status, std::string_view media_type,
                           const std::string& body) const;

 private:
  boost::json::value root_;
  std::map<std::pair<std::string, std::string>, Operation> operations_;  // by method and path
};

// The one that the program was built with; an Error where it is broken.
const Result<Contract>& built_in_contract();
// kInternal where that is broken or the route table disagrees with it, naming each disagreement: the Service does not
// start then.
Status contract_agrees();

// Before the handler. kNotFound where a part of the path has not the form that the contract asks for, for nothing can
// be there; kInvalidArgument for everything else.
Status check_parameters(const Operation& operation, const Call& call);
Status check_body(const Operation& operation, const Call& call);

}  // namespace paastech::api
