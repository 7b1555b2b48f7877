// What administrators do: Clients, plans, announcements, the overview.
#include <gmock/gmock.h>

#include "api/test_support.h"
#include "base/clock.h"
#include "domain/process_json.h"
#include "store/accounts.h"
#include "store/members.h"

namespace paastech::api {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class Administration : public ApiTest {
 protected:
  std::vector<std::string> usernames(const net::HttpResponse& answer) {
    const boost::json::object list = json(answer);
    std::vector<std::string> out;
    for (const boost::json::value& item : list.at("items").as_array())
      out.emplace_back(item.at("username").as_string());
    return out;
  }
  std::string state_of(const std::string& username) {
    return std::string(json(ask("GET", "/api/v1/clients/" + username, root_token)).at("state").as_string());
  }
  net::HttpResponse suspend(const std::string& username, const std::string& reason = "mining") {
    return ask("POST", "/api/v1/clients/" + username + "/suspend", root_token, R"({"reason":")" + reason + "\"}");
  }
  net::HttpResponse log_in(const store::ClientRow& client) {
    return ask("POST", "/api/v1/sessions", "", R"({"email":")" + client.email + R"(","password":"correct-horse"})");
  }
  const store::ClientRow root = add_client("root", true);
  const std::string root_token = token_of(root);
  const store::ClientRow ada = add_client("ada");
};

TEST_F(Administration, WhoIsAnAdministratorIsDecidedByOneAndNotByAToken) {
  store::TokenRow row;
  row.client_id = root.id;
  row.kind = "api";
  row.scope = Scope::kManage;
  const std::string program = token_of(std::move(row));
  const auto create = [&](const std::string& token, const std::string& name, bool administrator) {
    boost::json::object body{{"email", name + "@example.org"}, {"username", name}, {"administrator", administrator}};
    return ask("POST", "/api/v1/clients", token, boost::json::serialize(body)).status;
  };
  EXPECT_EQ(create(program, "zoe", true), 403);
  EXPECT_EQ(create(program, "zoe", false), 201) << "the control: other accounts it makes";
  EXPECT_EQ(create(root_token, "zac", true), 201);
  for (const char* change : {R"({"administrator":true})", R"({"administrator":false})"}) {
    EXPECT_EQ(ask("PATCH", "/api/v1/clients/zac", program, change).status, 403);
    EXPECT_EQ(ask("PATCH", "/api/v1/clients/zac", root_token, change).status, 200);
  }
  EXPECT_EQ(ask("PATCH", "/api/v1/clients/zac", program, R"({"plan":"default"})").status, 200);
}

TEST_F(Administration, ATokenNeitherSuspendsNorDeletesAnAdministrator) {
  store::TokenRow row;
  row.client_id = root.id;
  row.kind = "api";
  row.scope = Scope::kManage;
  const std::string program = token_of(std::move(row));
  const auto end = [&](const std::string& token, const std::string& name) {
    const net::HttpResponse suspended =
        ask("POST", "/api/v1/clients/" + name + "/suspend", token, R"({"reason":"mining"})");
    const net::HttpResponse deleted = ask("DELETE", "/api/v1/clients/" + name + "?confirm=" + name, token);
    return std::vector<int>{suspended.status, deleted.status};
  };
  ASSERT_EQ(ask("PATCH", "/api/v1/clients/ada", root_token, R"({"administrator":true})").status, 200);
  EXPECT_THAT(end(program, "ada"), ElementsAre(403, 403));
  EXPECT_EQ(state_of("ada"), "active");
  EXPECT_THAT(ask("DELETE", "/api/v1/clients/ada?confirm=ada", program).body, HasSubstr("paastech login"));
  add_client("bob");
  EXPECT_THAT(end(program, "bob"), ElementsAre(200, 202)) << "the control: other accounts it ends";
  EXPECT_THAT(end(root_token, "ada"), ElementsAre(200, 202)) << "the control: whoever logged in ends that one too";
}

TEST_F(Administration, ClientsAreListedSearchedAndPaged) {
  for (const char* name : {"bob", "bobby"}) add_client(name);
  add_project("shop", ada);
  EXPECT_THAT(usernames(ask("GET", "/api/v1/clients", root_token)), ElementsAre("ada", "bob", "bobby", "root"));
  EXPECT_THAT(usernames(ask("GET", "/api/v1/clients?q=BOB", root_token)), ElementsAre("bob", "bobby"));
  const net::HttpResponse first = ask("GET", "/api/v1/clients?limit=2", root_token);
  EXPECT_THAT(usernames(first), ElementsAre("ada", "bob"));
  const std::string next(json(first).at("next").as_string());
  const net::HttpResponse second = ask("GET", "/api/v1/clients?limit=2&cursor=" + next, root_token);
  EXPECT_THAT(usernames(second), ElementsAre("bobby", "root"));
  EXPECT_FALSE(json(second).contains("next"));
}

TEST_F(Administration, AClientIsShownByNameOrIdWithWhatItUses) {
  add_project("shop", ada);
  for (const std::string& name : {ada.username, ada.id}) {
    const boost::json::object shown = json(ask("GET", "/api/v1/clients/" + name, root_token));
    EXPECT_EQ(shown.at("username"), "ada");
    EXPECT_EQ(shown.at("projects"), 1);
    EXPECT_EQ(shown.at("plan"), "default");
    EXPECT_EQ(shown.at("usage").at("used").at("disk_bytes"), 1'000);
    EXPECT_EQ(shown.at("usage").at("limits").at("projects"), 20);
  }
  EXPECT_EQ(ask("GET", "/api/v1/clients/nobody", root_token).status, 404);
}

TEST_F(Administration, PlansAndRolesOfClientsAreChanged) {
  const net::HttpResponse made = ask(
      "PUT", "/api/v1/plans/large", root_token,
      R"({"projects":-1,"instances":9,"memory_bytes":8,"milli_cpus":7,"build_minutes":6,"disk_bytes":9007199254740991})");
  EXPECT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(json(ask("GET", "/api/v1/plans/large", root_token)).at("limits").at("instances"), 9);
  EXPECT_EQ(json(ask("PATCH", "/api/v1/clients/ada", root_token, R"({"plan":"large"})")).at("plan"), "large");
  EXPECT_EQ(json(ask("GET", "/api/v1/me/usage", token_of(ada))).at("plan"), "large");
  EXPECT_EQ(ask("DELETE", "/api/v1/plans/large", root_token).status, 412);
  const net::HttpResponse unknown = ask("PATCH", "/api/v1/clients/ada", root_token, R"({"plan":"huge"})");
  EXPECT_EQ(unknown.status, 422);
  EXPECT_THAT(unknown.body, HasSubstr("no plan of that name"));
  EXPECT_EQ(ask("PATCH", "/api/v1/clients/ada", root_token, "{}").status, 422);
  const net::HttpResponse misnamed =
      ask("PUT", "/api/v1/plans/Large", root_token,
          R"({"projects":1,"instances":1,"memory_bytes":1,"milli_cpus":1,"build_minutes":1,"disk_bytes":1})");
  EXPECT_EQ(misnamed.status, 404);  // no plan can have that name, whatever is done with it
  EXPECT_THAT(misnamed.body, HasSubstr("lower-case letters"));
  EXPECT_EQ(json(ask("PATCH", "/api/v1/clients/ada", root_token, R"({"administrator":true})")).at("administrator"),
            true);
  EXPECT_EQ(ask("GET", "/api/v1/clients", token_of(ada)).status, 200);
  EXPECT_EQ(ask("PATCH", "/api/v1/clients/ada", root_token, R"({"plan":"default"})").status, 200);
  EXPECT_EQ(ask("DELETE", "/api/v1/plans/large", root_token).status, 204);
  EXPECT_EQ(json(ask("GET", "/api/v1/plans", root_token)).at("items").as_array().size(), 2u);
}

TEST_F(Administration, WhoIsMadeGetsThePlanThatIsAskedForOrThatOfItsKind) {
  const auto plan_of = [&](const std::string& username, const std::string& more) {
    EXPECT_EQ(ask("POST", "/api/v1/clients", root_token,
                  R"({"email":")" + username + R"(@example.org","username":")" + username + "\"" + more + "}")
                  .status,
              201);
    return json(ask("GET", "/api/v1/clients/" + username, root_token)).at("plan");
  };
  EXPECT_EQ(plan_of("bob", ""), "default");
  EXPECT_EQ(plan_of("eve", R"(,"plan":"unlimited")"), "unlimited");
  EXPECT_EQ(plan_of("zoe", R"(,"administrator":true)"), "unlimited");
  EXPECT_EQ(ask("POST", "/api/v1/clients", root_token, R"({"email":"x@example.org","username":"xaver","plan":"huge"})")
                .status,
            422);
  EXPECT_EQ(ask("GET", "/api/v1/clients/xaver", root_token).status, 404);
}

TEST_F(Administration, SuspendingEndsLoginsAndRefusesTokensWithTheReason) {
  const std::string login = token_of(ada);
  store::TokenRow row;
  row.client_id = ada.id;
  row.kind = "api";
  row.name = "ci";
  row.scope = Scope::kRead;
  const std::string program = token_of(std::move(row));
  ASSERT_EQ(ask("GET", "/api/v1/me", login).status, 200);
  const net::HttpResponse suspended = suspend("ada");
  ASSERT_EQ(suspended.status, 200) << suspended.body;
  EXPECT_EQ(json(suspended).at("state"), "suspended");
  EXPECT_EQ(json(suspended).at("suspended_reason"), "mining");
  EXPECT_THAT(controller_->asked, Contains("follow " + ada.id));
  EXPECT_EQ(ask("GET", "/api/v1/me", login).status, 401);
  EXPECT_EQ(ask("GET", "/api/v1/me", program).status, 403);
  const net::HttpResponse refused = log_in(ada);
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(json(refused).at("detail"), "your account is suspended: mining");

  EXPECT_EQ(json(suspend("ada", "for good")).at("suspended_reason"), "for good");
  controller_->asked.clear();
  const boost::json::object resumed = json(ask("POST", "/api/v1/clients/ada/resume", root_token));
  EXPECT_EQ(resumed.at("state"), "active");
  EXPECT_FALSE(resumed.contains("suspended_reason"));
  EXPECT_THAT(controller_->asked, Contains("follow " + ada.id));
  EXPECT_EQ(ask("GET", "/api/v1/me", login).status, 401);  // ended for good
  EXPECT_EQ(ask("GET", "/api/v1/me", program).status, 200);
  EXPECT_EQ(log_in(ada).status, 201);
  for (const char* bad : {R"({})", R"({"reason":""})", R"({"reason":"a\u001b[31m"})", R"({"reason":"a\nb"})"})
    EXPECT_EQ(ask("POST", "/api/v1/clients/ada/suspend", root_token, bad).status, 422) << bad;
}

TEST_F(Administration, ProjectsOfASuspendedOwnerAreShownAsSuchToItsMembers) {
  const store::ProjectRow shop = add_project("shop", ada);
  const store::ClientRow bob = add_client("bob");
  ASSERT_TRUE(
      database_->write([&](store::Tx& tx) { return store::set_member(tx, {shop.id, bob.id, Role::kMaintainer, 1}); }));
  add_deployment(shop, DeploymentState::kLive);
  const std::string token = token_of(bob);
  EXPECT_EQ(json(ask("GET", "/api/v1/projects/shop", token)).at("state"), "live");
  suspend("ada");
  EXPECT_EQ(json(ask("GET", "/api/v1/projects/shop", token)).at("state"), "suspended");
}

TEST_F(Administration, TheLastAdministratorIsNeitherDemotedNorSuspendedNorDeleted) {
  const auto all = [&](int expected) {
    EXPECT_EQ(ask("PATCH", "/api/v1/clients/root", root_token, R"({"administrator":false})").status, expected);
    if (expected != 200) {
      EXPECT_EQ(suspend("root").status, expected);
      EXPECT_EQ(ask("DELETE", "/api/v1/clients/root?confirm=root", root_token).status, expected);
    }
  };
  all(412);
  EXPECT_EQ(state_of("root"), "active");
  ASSERT_EQ(ask("PATCH", "/api/v1/clients/ada", root_token, R"({"administrator":true})").status, 200);
  ASSERT_EQ(suspend("ada").status, 200);
  all(412);  // ada cannot act
  ASSERT_EQ(ask("POST", "/api/v1/clients/ada/resume", root_token).status, 200);
  all(200);
}

TEST_F(Administration, DeletingAClientTakesItsProjectsAndNeedsItsName) {
  add_project("shop", ada);
  EXPECT_EQ(ask("DELETE", "/api/v1/clients/ada", root_token).status, 422);
  const net::HttpResponse wrong = ask("DELETE", "/api/v1/clients/ada?confirm=adam", root_token);
  EXPECT_EQ(wrong.status, 422);
  EXPECT_THAT(wrong.body, HasSubstr("its 1 projects"));
  EXPECT_EQ(state_of("ada"), "active");
  EXPECT_EQ(ask("DELETE", "/api/v1/clients/ada?confirm=ada", root_token).status, 202);
  while (ask("GET", "/api/v1/clients/ada", root_token).status == 200) io_.run_one_for(std::chrono::milliseconds(10));
  EXPECT_THAT(controller_->asked, Contains("delete"));
}

TEST_F(Administration, AnAccountThatIsBeingDeletedIsNotResumed) {
  ASSERT_TRUE(database_->write([&](store::Tx& tx) { return store::begin_deletion(tx, ada.id, clock_.now); }));
  EXPECT_EQ(state_of("ada"), "deleting");
  EXPECT_EQ(ask("POST", "/api/v1/clients/ada/resume", root_token).status, 412);
  EXPECT_EQ(ask("PATCH", "/api/v1/clients/ada", root_token, R"({"plan":"unlimited"})").status, 412);
  EXPECT_EQ(suspend("ada").status, 412);
}

TEST_F(Administration, AProjectTooManyIsRefusedWithLimitUsageAndRemedy) {
  ASSERT_EQ(ask("PUT", "/api/v1/plans/default", root_token,
                R"({"projects":1,"instances":1,"memory_bytes":1,"milli_cpus":1,"build_minutes":1,"disk_bytes":1})")
                .status,
            200);
  const std::string token = token_of(ada);
  EXPECT_EQ(ask("POST", "/api/v1/projects", token, R"({"name":"first"})").status, 201);
  const net::HttpResponse refused = ask("POST", "/api/v1/projects", token, R"({"name":"second"})");
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(json(refused).at("detail"), "the plan `default` allows 1 project; in use: 1");
  EXPECT_THAT(refused.body, HasSubstr("ask the administrator"));
}

TEST_F(Administration, AProjectThatIsTakenOverCountsForWhoTakesIt) {
  const store::ClientRow bob = add_client("bob");
  add_project("shop", ada);
  add_project("own", bob);
  const net::HttpResponse made = ask("POST", "/api/v1/projects/shop/transfer", token_of(ada), R"({"username":"bob"})");
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string link(json(made).at("link").as_string());
  const std::string body = R"({"secret":")" + link.substr(link.find('=') + 1) + "\"}";
  const auto limit = [&](const std::string& projects) {
    return ask("PUT", "/api/v1/plans/default", root_token,
               R"({"projects":)" + projects +
                   R"(,"instances":1,"memory_bytes":1,"milli_cpus":1,"build_minutes":1,"disk_bytes":-1})")
        .status;
  };
  ASSERT_EQ(limit("1"), 200);
  const net::HttpResponse refused = ask("POST", "/api/v1/invitations/accept", token_of(bob), body);
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, HasSubstr("allows 1 project; in use: 1"));
  ASSERT_EQ(limit("2"), 200);
  EXPECT_EQ(ask("POST", "/api/v1/invitations/accept", token_of(bob), body).status, 200);
}

TEST_F(Administration, UsageIsShownAlsoWithoutTheGitRole) {
  add_project("shop", ada);
  const boost::json::object usage = json(ask("GET", "/api/v1/me/usage", token_of(ada)));
  EXPECT_EQ(usage.at("month"), "2027-01");
  EXPECT_EQ(usage.at("used").at("projects"), 1);
  EXPECT_EQ(usage.at("used").at("disk_bytes"), 1'000);
  controller_->bytes_of_each = -1;
  const net::HttpResponse without = ask("GET", "/api/v1/me/usage", token_of(ada));
  EXPECT_EQ(without.status, 200);
  EXPECT_FALSE(json(without).at("used").as_object().contains("disk_bytes"));
}

TEST_F(Administration, AnnouncementsAreShownToEverybodyUntilTheyEnd) {
  const std::string token = token_of(ada);
  const auto shown = [&] { return json(ask("GET", "/api/v1/me/announcements", token)).at("items").as_array(); };
  const net::HttpResponse made =
      ask("POST", "/api/v1/announcements", root_token,
          R"({"level":"warning","text":"Down on Sunday","ends_at":")" + rfc3339(clock_.now + 60'000) + "\"}");
  ASSERT_EQ(made.status, 201) << made.body;
  ASSERT_EQ(shown().size(), 1u);
  EXPECT_EQ(shown()[0].at("text"), "Down on Sunday");
  clock_.now += 60'000;
  EXPECT_TRUE(shown().empty());
  EXPECT_EQ(json(ask("GET", "/api/v1/announcements", root_token)).at("items").as_array().size(), 1u);
  const std::string path = "/api/v1/announcements/" + std::string(json(made).at("id").as_string());
  EXPECT_EQ(ask("DELETE", path, root_token).status, 204);
  EXPECT_EQ(ask("DELETE", path, root_token).status, 404);
  for (const std::string& bad :
       {std::string(R"({"level":"loud","text":"x"})"), std::string(R"({"level":"info","text":""})"),
        R"({"level":"info","text":")" + std::string(501, 'x') + "\"}",
        R"({"level":"info","text":"x","ends_at":")" + rfc3339(clock_.now) + "\"}",
        std::string(R"({"level":"info","text":"x","ends_at":"soon"})"),
        std::string(R"({"level":"info","text":"a\u0007"})")})
    EXPECT_EQ(ask("POST", "/api/v1/announcements", root_token, bad).status, 422) << bad;
}

TEST_F(Administration, TheOverviewCountsAndOutlivesTheEngine) {
  add_deployment(add_project("shop", ada), DeploymentState::kLive);
  boost::json::object overview = json(ask("GET", "/api/v1/overview", root_token));
  EXPECT_EQ(overview.at("clients").at("active"), 2);
  EXPECT_EQ(overview.at("projects").at("live"), 1);
  EXPECT_EQ(overview.at("engine").at("version"), "24.0.1");
  EXPECT_EQ(overview.at("instances").at("running"), 1);
  EXPECT_EQ(overview.at("instances").at("memory_bytes"), 1'024);
  EXPECT_EQ(overview.at("instances").at("milli_cpus"), 25);
  EXPECT_EQ(overview.at("mails_waiting"), 0);
  engine_.down = true;
  overview = json(ask("GET", "/api/v1/overview", root_token));
  EXPECT_EQ(overview.at("engine").at("available"), false);
  EXPECT_FALSE(overview.contains("instances"));
  EXPECT_EQ(overview.at("projects").at("live"), 1);
}

TEST_F(Administration, TheOverviewSumsWhatEachInstanceMayUse) {
  const auto may_use = [&] {
    const boost::json::object overview = json(ask("GET", "/api/v1/overview", root_token));
    const boost::json::value& instances = overview.at("instances");
    return std::pair(instances.at("memory_limit_bytes").as_int64(), instances.at("milli_cpus_limit").as_int64());
  };
  EXPECT_EQ(may_use(), std::pair(kInstanceMemoryBytes, kInstanceMilliCpus)) << "of which nothing is known";
  const store::ProjectRow shop = add_project("shop", ada);
  ProcessList list;
  list.processes["web"] = {.memory_bytes = 64 << 20, .milli_cpus = 250};
  ASSERT_EQ(add_deployment(shop, DeploymentState::kLive, process_list_to_json(list)), 1);
  engine_.project = shop.id;
  EXPECT_EQ(may_use(), std::pair(std::int64_t{64 << 20}, std::int64_t{250}));
}

TEST_F(Administration, EachActStandsInTheAuditLogUnderTheNameOfTheClient) {
  suspend("ada");
  ask("POST", "/api/v1/clients/" + ada.id + "/resume", root_token);
  const boost::json::object log = json(ask("GET", "/api/v1/audit", root_token));
  std::vector<std::string> done;
  for (const boost::json::value& item : log.at("items").as_array())
    done.push_back(std::string(item.at("action").as_string()) + " " + std::string(item.at("object").as_string()));
  EXPECT_THAT(done, ElementsAre("client.resume ada", "client.suspend ada"));
}

}  // namespace
}  // namespace paastech::api
