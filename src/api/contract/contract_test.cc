// api/openapi.yaml and the route table say the same, in both directions; and where they do not, it is said.
#include "api/contract/contract.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <type_traits>

namespace paastech::api {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Contract, AgreesWithTheRoutes) {
  const Status agreed = contract_agrees();
  EXPECT_TRUE(agreed.has_value()) << agreed.error().message;
}

net::Task<Result<Answer>> nothing(CallPtr) { co_return std::nullopt; }

// One route and its description, which agree.
Route route() { return {{"POST", "/a/{id}", Permission::kAccountManage, "a.make"}, nothing, BodyKind::kJson, {"all"}}; }

constexpr std::string_view kPaths = R"(
security: [{token: []}]
components: {parameters: {key: {name: Idempotency-Key, in: header, schema: {type: string}}}}
paths:
  /a/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    post:
      operationId: makeA
      x-action: a.make
      parameters:
        - {name: all, in: query, schema: {type: boolean}}
        - {$ref: '#/components/parameters/key'}
      requestBody: {content: {application/json: {schema: {type: object}}}}
      responses:
        '201': {content: {application/json: {schema: {type: object, required: [a]}}}}
        '204': {}
        '403': {}
        '409': {}
        '429': {}
)";

std::vector<std::string> disagreements(const Route& route, std::string_view from = "", std::string_view to = "") {
  std::string text(kPaths);
  if (!from.empty()) text.replace(text.find(from), from.size(), to);
  const Result<Contract> contract = Contract::parse(text);
  if (!contract) return {contract.error().message};
  return contract->disagreements({route});
}

TEST(Contract, NamesEachDisagreement) {
  EXPECT_THAT(disagreements(route()), IsEmpty()) << "the control";

  EXPECT_THAT(disagreements(route(), "/a/{id}:", "/b/{id}:"),
              ElementsAre("POST /a/{id}: the contract does not describe this route",
                          "POST /b/{id}: the contract describes it, no route serves it"));
  EXPECT_THAT(disagreements(route(), "{name: all,", "{name: most,"),
              ElementsAre("POST /a/{id}: query parameter `all` is not in the contract",
                          "POST /a/{id}: query parameter `most` of the contract is not taken"));
  EXPECT_THAT(disagreements(route(), "name: id,", "name: it,"),
              ElementsAre("POST /a/{id}: a part `id` is not in the contract",
                          "POST /a/{id}: a part `it` of the contract is not taken"));
  EXPECT_THAT(disagreements(route(), "x-action: a.make", "x-action: a.take"),
              ElementsAre("POST /a/{id}: the audit log calls it `a.make`, the contract's x-action says `a.take`"));
  EXPECT_THAT(disagreements(route(), "application/json", "application/x-www-form-urlencoded"),
              ElementsAre("POST /a/{id}: the contract describes a form, the route takes a JSON body"));
  EXPECT_THAT(disagreements(route(), "name: Idempotency-Key", "name: Other"),
              ElementsAre("POST /a/{id}: creations take the header Idempotency-Key"));
  EXPECT_THAT(disagreements(route(), "'409'", "'404'"),
              ElementsAre("POST /a/{id}: with Idempotency-Key, 409 is an answer"));
  EXPECT_THAT(disagreements(route(), "'429'", "'404'"),
              ElementsAre("POST /a/{id}: with Idempotency-Key, 429 is an answer"));
  EXPECT_THAT(disagreements(route(), "'403'", "'404'"), ElementsAre("POST /a/{id}: of a change, 403 is an answer"));

  Route open = route();
  open.info.permission = Permission::kPublic;
  EXPECT_THAT(disagreements(open), ElementsAre("POST /a/{id}: the contract asks for a login, the route for none"));
  EXPECT_THAT(disagreements(route(), "security: [{token: []}]", "security: []"),
              testing::Contains("POST /a/{id}: the contract asks for no login, the route for one"));
}

static_assert(!std::is_default_constructible_v<RouteInfo>, "a route that declares no permission does not compile");

TEST(Contract, RefusesToBeUnclear) {
  const auto error = [](std::string_view from, std::string_view to) { return disagreements(route(), from, to); };
  EXPECT_THAT(error("operationId: makeA", "summary: x"), ElementsAre("the contract at POST /a/{id}: no operationId"));
  EXPECT_THAT(error("    post:", "    psot:"),
              ElementsAre("the contract at PSOT /a/{id}: not a method that the Service knows"));
  EXPECT_THAT(error("'204'", "default"),
              ElementsAre("the contract at POST /a/{id}: answers are named by their status, not default"));
  EXPECT_THAT(error("parameters/key'", "parameters/no'"),
              ElementsAre("the contract at POST /a/{id}: a parameter that is not there"));
  EXPECT_THAT(error("in: query", "in: cookie"),
              ElementsAre("the contract at POST /a/{id}: parameters are in path, query or header"));
}

TEST(Contract, HoldsAnswersToWhatIsDescribed) {
  const Result<Contract> contract = Contract::parse(kPaths);
  ASSERT_TRUE(contract.has_value());
  const auto wrong = [&](int status, std::string_view type, const std::string& body) {
    return contract->check_answer("POST", "/a/{id}", status, type, body);
  };
  EXPECT_EQ(wrong(201, "application/json; charset=utf-8", R"({"a":1})"), "");
  EXPECT_EQ(wrong(201, "application/json", "{}"), "`a` is missing");
  EXPECT_EQ(wrong(201, "text/html", "{}"), "no answer of type text/html is described");
  EXPECT_EQ(wrong(201, "application/json", "{"), "not JSON: {");
  EXPECT_EQ(wrong(204, "", ""), "");
  EXPECT_EQ(wrong(204, "", "x"), "no body is described");
  EXPECT_EQ(wrong(200, "", ""), "POST /a/{id} may not answer 200");
}

}  // namespace
}  // namespace paastech::api
