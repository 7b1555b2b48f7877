// Every route × every kind of asker (threat 30). What a route declares decides what is expected, and nothing else.
#include "api/test_support.h"

namespace paastech::api {
namespace {

enum class Asker { kAnonymous, kStranger, kOwner, kAdministrator };

// The status by which the policy refuses, or 0 where it lets through.
int expected_refusal(Permission permission, Asker asker) {
  switch (permission) {
    case Permission::kPublic: return 0;
    case Permission::kAccount:
    case Permission::kProjectCreate: return asker == Asker::kAnonymous ? 401 : 0;
    case Permission::kClientsManage:
    case Permission::kMetricsRead:
      if (asker == Asker::kAnonymous) return 401;
      return asker == Asker::kAdministrator ? 0 : 403;
    default:
      if (asker == Asker::kAnonymous) return 401;
      return asker == Asker::kStranger ? 404 : 0;
  }
}

class PolicyMatrix : public ApiTest {};

TEST_F(PolicyMatrix, HoldsForEveryRouteAndAsker) {
  const store::ClientRow owner = add_client("olga");
  const std::map<Asker, std::optional<store::ClientRow>> askers{{Asker::kAnonymous, std::nullopt},
                                                                {Asker::kStranger, add_client("stan")},
                                                                {Asker::kOwner, owner},
                                                                {Asker::kAdministrator, add_client("root", true)}};
  int asked = 0;
  for (const RouteInfo& route : HttpApi::routes()) {
    for (const auto& [asker, client] : askers) {
      // Everything that the path names exists, so that a 404 can only be the policy's.
      const std::string unique = std::to_string(++asked);
      const store::ProjectRow project = add_project("p" + unique + "x", owner);
      add_deployment(project, DeploymentState::kLive);
      const store::KeyRow key{new_uuid(), client ? client->id : owner.id, "ssh-ed25519", "AAAA", "SHA256:" + unique, "",
                              1};
      ASSERT_TRUE(database_->write([&](store::Tx& tx) { return store::insert_key(tx, key); }));
      const std::string token = client ? token_of(*client) : "";
      std::string target(route.path);
      const std::map<std::string, std::string> parts{{"{project}", project.name}, {"{number}", "1"}, {"{id}", key.id}};
      for (const auto& [part, value] : parts)
        if (const std::size_t at = target.find(part); at != std::string::npos) target.replace(at, part.size(), value);
      const net::HttpResponse answer = ask(std::string(route.method), target, token);
      const int refusal = expected_refusal(route.permission, asker);
      if (refusal != 0) {
        EXPECT_EQ(answer.status, refusal) << route.method << " " << target << ": " << answer.body;
      } else {
        EXPECT_TRUE(answer.status != 401 && answer.status != 403 && answer.status != 404)
            << route.method << " " << target << " → " << answer.status << ": " << answer.body;
      }
    }
  }
  EXPECT_GE(asked, 90);
}

TEST_F(PolicyMatrix, AnswersAForeignProjectLikeAMissingOne) {
  const store::ClientRow owner = add_client("olga");
  const std::string stranger = token_of(add_client("stan"));
  const store::ProjectRow project = add_project("hidden", owner);
  for (const std::string method : {"GET", "DELETE"}) {
    const net::HttpResponse foreign = ask(method, "/api/v1/projects/hidden", stranger);
    net::HttpResponse missing = ask(method, "/api/v1/projects/absent", stranger);
    EXPECT_EQ(foreign.status, 404);
    auto one = json(foreign);
    auto other = json(missing);
    EXPECT_EQ(one.at("detail"), "project hidden does not exist, or is not yours");
    EXPECT_EQ(other.at("detail"), "project absent does not exist, or is not yours");
    for (auto* body : {&one, &other}) {
      body->erase("detail");
      body->erase("request_id");
    }
    EXPECT_EQ(one, other);
  }
  EXPECT_EQ(ask("GET", "/api/v1/projects/" + project.id, stranger).status, 404);
  EXPECT_EQ(ask("GET", "/api/v1/projects/" + project.id, token_of(owner)).status, 200);
}

TEST_F(PolicyMatrix, ListsOnlyWhatIsYours) {
  const store::ClientRow owner = add_client("olga");
  add_project("hello", owner);
  const std::string stranger = token_of(add_client("stan"));
  const std::string administrator = token_of(add_client("root", true));
  EXPECT_EQ(json(ask("GET", "/api/v1/projects", token_of(owner))).at("items").as_array().size(), 1u);
  EXPECT_EQ(json(ask("GET", "/api/v1/projects", stranger)).at("items").as_array().size(), 0u);
  EXPECT_EQ(json(ask("GET", "/api/v1/projects", administrator)).at("items").as_array().size(), 0u);
  EXPECT_EQ(json(ask("GET", "/api/v1/projects?all=true", administrator)).at("items").as_array().size(), 1u);
  EXPECT_EQ(ask("GET", "/api/v1/projects?all=true", stranger).status, 403);
}

TEST_F(PolicyMatrix, OpensMetricsToTheMachineItselfOnly) {
  EXPECT_EQ(ask("GET", "/metrics").status, 401);
  peer_ = "127.0.0.1";
  EXPECT_EQ(ask("GET", "/metrics").status, 200);
  net::ServerRequest proxied = request("GET", "/metrics", "", "");
  proxied.headers.add("X-Forwarded-For", "198.51.100.7");
  EXPECT_EQ(send(std::move(proxied)).status, 401);
}

}  // namespace
}  // namespace paastech::api
