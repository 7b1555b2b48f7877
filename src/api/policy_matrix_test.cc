// Every route × every kind of asker (threat 30). The expectation is made from a table of what each permission asks for,
// written here a second time, so that a slip in the policy shows.
#include "api/test_support.h"
#include "controller/metrics_collector.h"
#include "store/announcements.h"
#include "store/invitations.h"
#include "store/members.h"
#include "store/project_invitations.h"
#include "store/registries.h"

namespace paastech::api {
namespace {

struct Asker {
  std::string name;
  Role role = Role::kNone;  // in the Project
  bool administrator = false;
  Scope scope = Scope::kSession;
  bool anonymous = false;
  bool suspended = false;
  bool expired = false;
  bool elsewhere = false;  // a token limited to another Project of the same owner
};

const std::vector<Asker>& askers() {
  static const std::vector<Asker> all{
      {.name = "anonymous", .anonymous = true},
      {.name = "stranger"},
      {.name = "viewer", .role = Role::kViewer},
      {.name = "maintainer", .role = Role::kMaintainer},
      {.name = "owner", .role = Role::kOwner},
      {.name = "administrator", .administrator = true},
      {.name = "token read", .role = Role::kOwner, .scope = Scope::kRead},
      {.name = "token deploy", .role = Role::kOwner, .scope = Scope::kDeploy},
      {.name = "token manage", .role = Role::kOwner, .scope = Scope::kManage},
      {.name = "administrator's token manage", .administrator = true, .scope = Scope::kManage},
      {.name = "administrator's token read", .administrator = true, .scope = Scope::kRead},
      {.name = "viewer's token manage", .role = Role::kViewer, .scope = Scope::kManage},
      {.name = "token elsewhere", .role = Role::kOwner, .scope = Scope::kManage, .elsewhere = true},
      {.name = "suspended owner", .role = Role::kOwner, .suspended = true},
      {.name = "suspended administrator", .administrator = true, .suspended = true},
      {.name = "expired owner", .role = Role::kOwner, .expired = true},
  };
  return all;
}

// The status by which the policy refuses, or 0 where it lets through.
int expected_refusal(Permission permission, const Asker& asker) {
  if (permission == Permission::kPublic) return 0;
  if (asker.anonymous || asker.expired) return 401;
  if (asker.suspended) return 403;
  const auto project = [&](Role role, Scope scope) {
    if (asker.elsewhere || (asker.role == Role::kNone && !asker.administrator)) return 404;
    if (asker.scope < scope) return 403;
    return asker.administrator || asker.role >= role ? 0 : 403;
  };
  const auto administrator = [&](Scope scope) {
    return asker.administrator && asker.scope >= scope && !asker.elsewhere ? 0 : 403;
  };
  switch (permission) {
    case Permission::kPublic: return 0;
    case Permission::kAccountRead:
    case Permission::kProjectList: return 0;
    case Permission::kAccountManage: return asker.scope == Scope::kSession ? 0 : 403;
    case Permission::kProjectCreate: return asker.scope >= Scope::kManage && !asker.elsewhere ? 0 : 403;
    case Permission::kClientsManage: return administrator(Scope::kManage);
    case Permission::kAdministratorsManage: return administrator(Scope::kSession);
    case Permission::kMetricsRead: return administrator(Scope::kRead);
    case Permission::kProjectRead: return project(Role::kViewer, Scope::kRead);
    case Permission::kProjectPush:
    case Permission::kProjectDeploy: return project(Role::kMaintainer, Scope::kDeploy);
    case Permission::kProjectSecrets:
    case Permission::kProjectConfigure: return project(Role::kMaintainer, Scope::kManage);
    case Permission::kProjectLeave: return project(Role::kViewer, Scope::kManage);
    case Permission::kProjectOwn: return project(Role::kOwner, Scope::kManage);
  }
  return 403;
}

class PolicyMatrix : public ApiTest {
 protected:
  PolicyMatrix()
      : collector_(tasks_, controller::MetricsCollector::Sources{*engine_reports_, {}, *access_, clock_},
                   metrics::History(folder_)) {
    context_->metrics = &collector_;
  }
  // Somebody new of that kind, and a Project in which everything that a path may name exists, so that a 404 can only
  // be the policy's. Gives the token.
  struct Scene {
    store::ProjectRow project;
    std::string token;
    std::map<std::string, std::string> parts;
  };
  Scene scene(const Asker& asker) {
    const std::string unique = std::to_string(++scenes_);
    const store::ClientRow owner = add_client("owner" + unique + "x");
    store::ClientRow client = owner;
    if (asker.role != Role::kOwner) client = add_client("asker" + unique + "x", asker.administrator);
    Scene out{add_project("p" + unique + "x", owner), "", {}};
    const store::ProjectRow other = add_project("q" + unique + "x", owner);
    const store::ClientRow member = add_client("member" + unique + "x");
    add_deployment(out.project, DeploymentState::kLive);
    const store::KeyRow key{new_uuid(), client.id, "ssh-ed25519", "AAAA", "SHA256:" + unique, "", 1};
    const std::string invitation = new_uuid();
    store::TokenRow token;
    token.client_id = client.id;
    token.name = "test";
    store::TokenRow login{new_uuid(), client.id, "login" + unique, "another login", clock_.now, clock_.now};
    store::TokenRow program{new_uuid(), client.id, "program" + unique, "ci", clock_.now, clock_.now};
    program.kind = "api";
    program.scope = Scope::kManage;
    token.scope = asker.scope;
    token.limited = asker.elsewhere;
    if (asker.elsewhere) token.projects = {other.id};
    if (asker.expired) token.expires_at = clock_.now;
    EXPECT_TRUE(database_->write([&](store::Tx& tx) -> Status {
      TRY(store::insert_key(tx, key));
      TRY(store::insert_token(tx, login));
      TRY(store::insert_token(tx, program));
      if (asker.suspended) TRY(store::set_suspended(tx, client.id, clock_.now));
      TRY(store::insert_project_invitation(tx, {.id = key.id,
                                                .hash = unique,
                                                .email = "guest@example.org",
                                                .project_id = out.project.id,
                                                .inviter_id = owner.id,
                                                .expires_at = clock_.now + 1'000}));
      TRY(store::insert_invitation(tx, {.id = invitation,
                                        .hash = invitation,
                                        .email = "guest" + unique + "@example.org",
                                        .inviter_id = owner.id,
                                        .expires_at = clock_.now + 1'000}));
      TRY(store::delete_announcement(tx, std::exchange(announcement_, key.id)));  // there is room for some only
      TRY(store::insert_announcement(tx, {announcement_, "info", "hello", clock_.now}));
      if (asker.role == Role::kOwner) return {};
      // Somebody is there to be removed, by itself or by an administrator.
      const Role role = asker.role == Role::kNone ? Role::kViewer : asker.role;
      return store::set_member(tx, {out.project.id, asker.role == Role::kNone ? member.id : client.id, role, 1});
    }));
    out.token = asker.anonymous ? "" : token_of(std::move(token));
    const store::RegistryRow registry{"registry.example:5000", "user", secrets_.seal("password", "registry")};
    EXPECT_TRUE(database_->write([&](store::Tx& tx) { return store::set_registry(tx, out.project.id, registry); }));
    out.parts = {{"{project}", out.project.name},
                 {"{number}", "1"},
                 {"{id}", key.id},
                 {"{session}", login.id},
                 {"{token}", program.id},
                 {"{client}", member.id},
                 {"{invitation}", invitation},
                 {"{plan}", "default"},
                 {"{host}", "registry.example:5000"},
                 {"{announcement}", announcement_},
                 {"{file}", "start.js"},
                 {"{username}", asker.role == Role::kNone ? member.username : client.username}};
    return out;
  }

 private:
  controller::MetricsCollector collector_;
  int scenes_ = 0;
  std::string announcement_;
};

TEST_F(PolicyMatrix, HoldsForEveryRouteAndAsker) {
  int asked = 0;
  for (const RouteInfo& route : HttpApi::routes()) {
    for (const Asker& asker : askers()) {
      const Scene here = scene(asker);
      std::string target(route.path);
      for (const auto& [part, value] : here.parts)
        if (const std::size_t at = target.find(part); at != std::string::npos) target.replace(at, part.size(), value);
      const net::HttpResponse answer = ask(std::string(route.method), target, here.token);
      int refusal = expected_refusal(route.permission, asker);
      if (refusal == 401 && route.page) {
        refusal = 303;
        EXPECT_TRUE(answer.headers.find("Location").value_or("").starts_with("/login")) << target;
      }
      ++asked;
      if (refusal != 0) {
        EXPECT_EQ(answer.status, refusal) << asker.name << " " << route.method << " " << target << ": " << answer.body;
      } else {
        EXPECT_TRUE(answer.status < 500 && answer.status != 401 && answer.status != 403 && answer.status != 404)
            << asker.name << " " << route.method << " " << target << " → " << answer.status << ": " << answer.body;
      }
    }
  }
  EXPECT_GE(asked, 300);
}

TEST_F(PolicyMatrix, EveryRouteThatChangesSomethingHasANameForTheAuditLog) {
  for (const RouteInfo& route : HttpApi::routes())
    EXPECT_EQ(route.action.empty(), route.method == "GET") << route.method << " " << route.path;
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
