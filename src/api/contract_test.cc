// api/openapi.yaml and the route table say the same, in both directions.
#include <gtest/gtest.h>

#include <set>

#include "api/contract_check.h"
#include "api/http_api.h"
#include "base/text.h"

namespace paastech::api {
namespace {

const Contract& contract() {
  static const Contract instance{PAASTECH_OPENAPI};
  return instance;
}

std::string lower_method(std::string_view method) { return lower(method); }

bool is_method(const std::string& key) { return key != "parameters"; }

TEST(Contract, DescribesExactlyTheRoutesThereAre) {
  std::set<std::string> described;
  for (const auto& path : contract().root()["paths"])
    for (const auto& operation : path.second)
      if (const std::string key = operation.first.as<std::string>(); is_method(key))
        described.insert(key + " " + path.first.as<std::string>());
  std::set<std::string> served;
  for (const RouteInfo& route : HttpApi::routes())
    EXPECT_TRUE(served.insert(lower_method(route.method) + " " + std::string(route.path)).second) << route.path;
  EXPECT_EQ(described, served);
}

TEST(Contract, SaysWhichRoutesNeedALogin) {
  for (const RouteInfo& route : HttpApi::routes()) {
    const YAML::Node security =
        contract().root()["paths"][std::string(route.path)][lower_method(route.method)]["security"];
    const bool open = security && security.size() == 0;
    EXPECT_EQ(open, route.permission == Permission::kPublic) << route.method << " " << route.path;
  }
}

TEST(Contract, DescribesExactlyTheParametersAndBodiesThatAreTaken) {
  for (const Route& route : route_table()) {
    const YAML::Node path = contract().root()["paths"][std::string(route.info.path)];
    const YAML::Node operation = path[lower_method(route.info.method)];
    std::set<std::string> described;
    for (const auto& parameter : operation["parameters"])
      if (parameter["in"].as<std::string>() == "query") described.insert(parameter["name"].as<std::string>());
    EXPECT_EQ(described, std::set<std::string>(route.query.begin(), route.query.end())) << route.info.path;
    EXPECT_EQ(static_cast<bool>(operation["requestBody"]), route.has_body)
        << route.info.method << " " << route.info.path;
    const bool takes_parts = route.info.path.find('{') != std::string_view::npos;
    EXPECT_EQ(static_cast<bool>(path["parameters"]), takes_parts) << route.info.path;
  }
}

TEST(Contract, GivesEveryOperationANameOfItsOwn) {
  std::set<std::string> names;
  for (const auto& path : contract().root()["paths"])
    for (const auto& operation : path.second)
      if (is_method(operation.first.as<std::string>())) {
        EXPECT_TRUE(names.insert(operation.second["operationId"].as<std::string>()).second);
      }
}

}  // namespace
}  // namespace paastech::api
