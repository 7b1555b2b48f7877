// Projects, their environment, Deployments and what runs – through the whole API.
#include "api/test_support.h"
#include "controller/groups.h"
#include "store/members.h"
#include "store/registries.h"

#include <sodium.h>

namespace paastech::api {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Project : public ApiTest {
 protected:
  Project() : ada_(add_client("ada")), token_(token_of(ada_)) {}
  net::HttpResponse patch(const std::string& body) {
    return ask("PATCH", "/api/v1/projects/hello/environment", token_, body);
  }
  store::ClientRow ada_;
  std::string token_;
};

TEST_F(Project, IsCreatedListedShownAndDeletedByName) {
  const net::HttpResponse made = ask("POST", "/api/v1/projects", token_, R"({"name":"hello"})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(json(made).at("url"), "http://hello.user-app.localhost:8080");
  EXPECT_EQ(json(made).at("state"), "empty");
  EXPECT_EQ(json(made).at("owner"), "ada");
  EXPECT_EQ(ask("POST", "/api/v1/projects", token_, R"({"name":"hello"})").status, 409);
  EXPECT_EQ(ask("POST", "/api/v1/projects", token_, R"({"name":"No Name"})").status, 422);
  EXPECT_EQ(json(ask("GET", "/api/v1/projects", token_)).at("items").as_array().size(), 1u);
  EXPECT_EQ(ask("DELETE", "/api/v1/projects/hello", token_).status, 422);
  EXPECT_EQ(ask("DELETE", "/api/v1/projects/hello?confirm=hallo", token_).status, 422);
  EXPECT_EQ(ask("GET", "/api/v1/projects/hello", token_).status, 200);
  const net::HttpResponse gone = ask("DELETE", "/api/v1/projects/hello?confirm=hello", token_);
  EXPECT_EQ(gone.status, 200);
  EXPECT_EQ(json(gone).at("removed").at("containers"), 2);
  EXPECT_EQ(json(gone).at("leftovers").as_array().size(), 1u);
  EXPECT_EQ(ask("GET", "/api/v1/projects/hello", token_).status, 404);
}

TEST_F(Project, TellsItsStateFromItsDeployments) {
  const auto state = [&](const std::string& name) {
    return json(ask("GET", "/api/v1/projects/" + name, token_)).at("state");
  };
  const store::ProjectRow hello = add_project("hello", ada_);
  add_deployment(hello, DeploymentState::kFailed);
  EXPECT_EQ(state("hello"), "failed");
  add_deployment(hello, DeploymentState::kLive);
  EXPECT_EQ(state("hello"), "live");
  add_deployment(hello, DeploymentState::kFailed);
  EXPECT_EQ(state("hello"), "live");
  EXPECT_EQ(ask("POST", "/api/v1/projects/hello/stop", token_).status, 200);
  EXPECT_EQ(state("hello"), "stopped");
  EXPECT_EQ(ask("POST", "/api/v1/projects/hello/restart", token_).status, 412);
  EXPECT_EQ(ask("POST", "/api/v1/projects/hello/start", token_).status, 202);
  EXPECT_EQ(state("hello"), "deploying");
  EXPECT_EQ(ask("POST", "/api/v1/projects/hello/start", token_).status, 202);  // is on its way: nothing more to do
  EXPECT_EQ(ask("POST", "/api/v1/projects/hello/restart", token_).status, 202);
  EXPECT_EQ(controller_->asked, (std::vector<std::string>{"stop", "start", "redeploy restart"}));
}

TEST_F(Project, RollsBackToTheOneThatIsNamedOrTheOneBefore) {
  add_project("hello", ada_);
  const net::HttpResponse named = ask("POST", "/api/v1/projects/hello/rollback", token_, R"({"deployment":3})");
  EXPECT_EQ(named.status, 202);
  EXPECT_EQ(json(named).at("deployment").at("cause"), "rollback");
  EXPECT_EQ(ask("POST", "/api/v1/projects/hello/rollback", token_, "{}").status, 202);
  EXPECT_EQ(ask("POST", "/api/v1/projects/hello/rollback", token_, R"({"deployment":0})").status, 422);
  EXPECT_EQ(controller_->asked, (std::vector<std::string>{"roll back 3", "roll back 0"}));
}

TEST_F(Project, DeploysAnImageByItsName) {
  add_project("hello", ada_);
  const std::string path = "/api/v1/projects/hello/deployments";
  EXPECT_EQ(ask("POST", path, token_, R"({"image":"registry.example:5000/shop:2"})").status, 202);
  EXPECT_EQ(ask("POST", path, token_, R"({"image":"-x"})").status, 422);
  EXPECT_EQ(ask("POST", path, token_, R"({"image":"a b"})").status, 422);
  EXPECT_EQ(controller_->asked, std::vector<std::string>{"deploy image registry.example:5000/shop:2"});
}

TEST_F(Project, KeepsRegistryLoginsSealedAndNeverAnswersThem) {
  add_project("hello", ada_);
  const std::string path = "/api/v1/projects/hello/registries";
  const net::HttpResponse made =
      ask("PUT", path + "/registry.example:5000", token_, R"({"username":"u","password":"canary-7"})");
  EXPECT_EQ(made.status, 200) << made.body;
  EXPECT_THAT(made.body, Not(HasSubstr("canary")));
  const net::HttpResponse listed = ask("GET", path, token_);
  EXPECT_THAT(listed.body, HasSubstr("registry.example:5000"));
  EXPECT_THAT(listed.body, Not(HasSubstr("canary")));
  const auto stored = database_->read([](store::Tx& tx) -> Status {
    std::string password;
    tx.sql << "SELECT password FROM registries", soci::into(password);
    EXPECT_THAT(password, Not(HasSubstr("canary")));
    return {};
  });
  EXPECT_TRUE(stored);
  EXPECT_EQ(ask("DELETE", path + "/registry.example:5000", token_).status, 204);
  EXPECT_EQ(ask("DELETE", path + "/registry.example:5000", token_).status, 404);
}

TEST_F(Project, HasLoginsForAHundredRegistries) {
  const store::ProjectRow hello = add_project("hello", ada_);
  ASSERT_TRUE(database_->write([&](store::Tx& tx) -> Status {
    for (int i = 0; i < 100; ++i) TRY(store::set_registry(tx, hello.id, {fmt::format("r{}.example", i), "u", "p"}));
    return {};
  }));
  const std::string path = "/api/v1/projects/hello/registries/";
  const std::string body = R"({"username":"u","password":"p"})";
  const net::HttpResponse refused = ask("PUT", path + "one-more.example", token_, body);
  EXPECT_EQ(refused.status, 412);
  EXPECT_THAT(refused.body, HasSubstr("logins for 100 registries already"));
  EXPECT_EQ(ask("PUT", path + "r7.example", token_, body).status, 200);
}

TEST_F(Project, DeploysAChangeOfEnvironmentOnlyWhereSomethingIsLive) {
  const store::ProjectRow hello = add_project("hello", ada_);
  const net::HttpResponse before = patch(R"({"set":{"A":"1"}})");
  EXPECT_EQ(before.status, 202);
  EXPECT_FALSE(json(before).contains("deployment"));
  add_deployment(hello, DeploymentState::kLive);
  const net::HttpResponse after = patch(R"({"set":{"A":"2","B":"x"},"unset":["C"]})");
  EXPECT_EQ(after.status, 202);
  EXPECT_EQ(json(after).at("deployment").at("cause"), "config");
  EXPECT_EQ(json(after).at("changed"), (boost::json::array{"A", "B"}));
  EXPECT_EQ(controller_->asked.size(), 1u);
  EXPECT_FALSE(json(patch(R"({"set":{"A":"2"}})")).contains("deployment"));  // nothing is different
  EXPECT_EQ(json(patch(R"({"unset":["A"]})")).at("changed"), boost::json::array{"A"});
}

TEST_F(Project, SaysThatAChangeOfEnvironmentWasStoredWhereItsDeploymentIsRefused) {
  add_deployment(add_project("hello", ada_), DeploymentState::kLive);
  controller_->refuses = fail(Code::kPermissionDenied, "the plan is too small");
  const net::HttpResponse refused = patch(R"({"set":{"A":"1"}})");
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, HasSubstr("the variables were stored, but the new deployment could not begin: the plan"));
  const net::HttpResponse stored = ask("GET", "/api/v1/projects/hello/environment", token_);
  EXPECT_EQ(refused.headers.find("ETag"), stored.headers.find("ETag"));
  EXPECT_EQ(json(stored).at("items").as_array().size(), 1u);
}

// As after a release command that failed.
TEST_F(Project, DeploysAChangeOfEnvironmentThatWasStoredBeforeButIsNotWhatServes) {
  const store::ProjectRow hello = add_project("hello", ada_);
  patch(R"({"set":{"A":"1","B":"x"}})");
  const std::int64_t number = add_deployment(hello, DeploymentState::kLive);
  ASSERT_TRUE(database_->write([&](store::Tx& tx) -> Status {
    TRY_ASSIGN(store::DeploymentRow row, store::find_deployment(tx, hello.id, number));
    row.environment = controller::seal_environment(secrets_, R"({"A":"0","B":"x"})", hello.id, number);
    return store::set_snapshot(tx, row);
  }));
  EXPECT_FALSE(json(patch(R"({"set":{"B":"x"},"unset":["C"]})")).contains("deployment"));
  const auto again = json(patch(R"({"set":{"A":"1"}})"));
  EXPECT_TRUE(again.at("changed").as_array().empty());
  EXPECT_EQ(again.at("deployment").at("cause"), "config");
}

TEST_F(Project, DeploysAChangeOfEnvironmentOfWhatIsStoppedOnlyBehindADeploymentThatStartsIt) {
  const store::ProjectRow hello = add_project("hello", ada_);
  add_deployment(hello, DeploymentState::kLive);
  EXPECT_EQ(ask("POST", "/api/v1/projects/hello/stop", token_).status, 200);
  EXPECT_FALSE(json(patch(R"({"set":{"A":"1"}})")).contains("deployment"));
  add_deployment(hello, DeploymentState::kQueued);  // a push; it has the environment of before
  EXPECT_TRUE(json(patch(R"({"set":{"A":"2"}})")).contains("deployment"));
}

TEST_F(Project, ShowsValuesOnlyWhereTheyAreAskedForAndKeepsThemSealed) {
  const store::ProjectRow hello = add_project("hello", ada_);
  patch(R"({"set":{"TOKEN":"canary-4711"}})");
  const net::HttpResponse hidden = ask("GET", "/api/v1/projects/hello/environment", token_);
  EXPECT_EQ(hidden.body.find("canary-4711"), std::string::npos);
  const net::HttpResponse revealed = ask("GET", "/api/v1/projects/hello/environment?reveal=true", token_);
  EXPECT_EQ(json(revealed).at("items").at(0).at("value"), "canary-4711");
  std::string stored;
  EXPECT_TRUE(database_->read([&](store::Tx& tx) -> Status {
    TRY_ASSIGN(auto rows, store::list_environment(tx, hello.id));
    stored = rows.at(0).value;
    return {};
  }));
  EXPECT_EQ(stored.find("canary"), std::string::npos);
  // A row moved to another Project does not open there (threat 33).
  const store::ProjectRow other = add_project("other", ada_);
  EXPECT_TRUE(
      database_->write([&](store::Tx& tx) { return store::set_environment(tx, other.id, {"TOKEN", stored, 1}); }));
  const net::HttpResponse moved = ask("GET", "/api/v1/projects/other/environment?reveal=true", token_);
  EXPECT_EQ(moved.status, 500);
  EXPECT_EQ(moved.body.find("canary"), std::string::npos);
}

TEST_F(Project, CarriesEveryValueThroughUnchanged) {
  add_project("hello", ada_);
  boost::json::object set;
  set["EMPTY"] = "";
  set["LINES"] = "a\nb\r\n\tc = d # \"quoted\" 'x' $(id) `id` \\";
  set["UTF8"] = "\xc3\xa9\xe2\x82\xac\xf0\x9f\x99\x82";
  std::uint32_t seed = 7;
  for (int i = 0; i < 200; ++i) {
    std::string value;
    for (int j = 0; j < 40; ++j)
      value.push_back(static_cast<char>(1 + (seed = seed * 1664525 + 1013904223, seed >> 24) % 127));
    set["R" + std::to_string(i)] = value;
  }
  boost::json::object body;
  body["set"] = set;
  ASSERT_EQ(patch(boost::json::serialize(body)).status, 202);
  const auto answer = json(ask("GET", "/api/v1/projects/hello/environment?reveal=true", token_));
  ASSERT_EQ(answer.at("items").as_array().size(), set.size());
  for (const auto& item : answer.at("items").as_array())
    EXPECT_EQ(item.at("value"), set.at(item.at("name").as_string())) << item.at("name");
}

TEST_F(Project, RefusesNamesAndSizesThatCannotBe) {
  add_project("hello", ada_);
  for (const char* bad :
       {R"({})", R"({"set":{}})", R"({"set":{"PORT":"1"}})", R"({"set":{"PAASTECH_X":"1"}})", R"({"set":{"1A":"1"}})",
        R"({"set":{"A=B":"1"}})", R"({"set":{"A\nB":"1"}})", R"({"set":{"":"1"}})", R"({"set":{"A":"\u0000"}})",
        R"({"set":{"A":1}})", R"({"set":{"A":"1"},"unset":["A"]})", R"({"unset":"A"})", R"({"Set":{"A":"1"}})"})
    EXPECT_EQ(patch(bad).status, 422) << bad;
  boost::json::object set;
  for (int i = 0; i < 5; ++i) set["BIG" + std::to_string(i)] = std::string(60'000, 'x');
  boost::json::object body;
  body["set"] = set;
  EXPECT_EQ(patch(boost::json::serialize(body)).status, 422);  // all or none
  EXPECT_EQ(json(ask("GET", "/api/v1/projects/hello/environment", token_)).at("items").as_array().size(), 0u);
}

TEST_F(Project, PagesThroughItsDeployments) {
  const store::ProjectRow hello = add_project("hello", ada_);
  for (int i = 0; i < 5; ++i) add_deployment(hello, DeploymentState::kFailed);
  const auto first = json(ask("GET", "/api/v1/projects/hello/deployments?limit=3", token_));
  EXPECT_EQ(first.at("items").as_array().size(), 3u);
  EXPECT_EQ(first.at("items").at(0).at("number"), 5);
  EXPECT_EQ(first.at("items").at(0).at("duration_ms"), 1000);
  EXPECT_EQ(first.at("items").at(0).at("actor"), "ada");
  EXPECT_EQ(first.at("next"), 3);
  const auto rest = json(ask("GET", "/api/v1/projects/hello/deployments?limit=3&before=3", token_));
  EXPECT_EQ(rest.at("items").as_array().size(), 2u);
  EXPECT_FALSE(rest.contains("next"));
  EXPECT_EQ(ask("GET", "/api/v1/projects/hello/deployments?limit=0", token_).status, 422);
  EXPECT_EQ(ask("GET", "/api/v1/projects/hello/deployments/6", token_).status, 404);
  EXPECT_EQ(ask("GET", "/api/v1/projects/hello/deployments/x", token_).status, 404);
  EXPECT_EQ(ask("GET", "/api/v1/projects/hello/deployments/5", token_).status, 200);
}

TEST_F(Project, CancelsADeploymentUnderWayOnly) {
  const store::ProjectRow hello = add_project("hello", ada_);
  add_deployment(hello, DeploymentState::kFailed);
  add_deployment(hello, DeploymentState::kQueued);
  EXPECT_EQ(ask("POST", "/api/v1/projects/hello/deployments/1/cancel", token_).status, 409);
  const net::HttpResponse cancelled = ask("POST", "/api/v1/projects/hello/deployments/2/cancel", token_);
  EXPECT_EQ(cancelled.status, 202) << cancelled.body;
  EXPECT_EQ(json(cancelled).at("state"), "cancelled");
  EXPECT_EQ(ask("POST", "/api/v1/projects/hello/deployments/3/cancel", token_).status, 404);
}

TEST_F(Project, StreamsADeploymentsLinesAndItsResult) {
  const store::ProjectRow hello = add_project("hello", ada_);
  add_deployment(hello, DeploymentState::kQueued);
  const net::HttpResponse log = ask("GET", "/api/v1/projects/hello/deployments/1/log", token_);
  EXPECT_EQ(log.headers.find("Content-Type"), "text/event-stream");
  EXPECT_EQ(
      log.body.find("event: line\ndata: {\"text\":\"==> Building\"}\n\nevent: line\ndata: {\"text\":\"done\"}\n\n"), 0u)
      << log.body;
  EXPECT_NE(log.body.find("event: result\ndata: {\"number\":1,\"cause\":\"push\",\"state\":\"live\""),
            std::string::npos)
      << log.body;
  EXPECT_TRUE(writer_.finished);
  EXPECT_EQ(ask("GET", "/api/v1/projects/hello/deployments/9/log", token_).status, 404);
  EXPECT_TRUE(log_->append(hello.id, 1, "kept"));
  net::ServerRequest plain = request("GET", "/api/v1/projects/hello/deployments/1/log", token_, "");
  plain.headers.add("Accept", "text/plain");
  EXPECT_EQ(send(std::move(plain)).body, "kept\n");
}

TEST_F(Project, EndsAStreamWhoseReaderMayReadNoMore) {
  const store::ClientRow bob = add_client("bob");
  const store::ProjectRow hello = add_project("hello", ada_);
  add_deployment(hello, DeploymentState::kQueued);
  const auto change = [&](std::function<Status(store::Tx&)> work) { EXPECT_TRUE(database_->write(std::move(work))); };
  const auto read = [&](const std::string& token, std::int64_t later, std::function<Status(store::Tx&)> meanwhile) {
    writer_.on_write = [&] {
      clock_.now += later;
      if (meanwhile) change(std::exchange(meanwhile, nullptr));
    };
    const std::string body = ask("GET", "/api/v1/projects/hello/deployments/1/log", token).body;
    writer_.on_write = nullptr;
    while (tasks_.size() > 0) io_.run_one();
    EXPECT_NE(body.find("event: line\n"), std::string::npos) << body;
    return body;
  };
  const auto join = [&](store::Tx& tx) { return store::set_member(tx, {hello.id, bob.id, Role::kViewer, 1}); };
  const auto leave = [&](store::Tx& tx) -> Status {
    TRY(store::delete_member(tx, hello.id, bob.id));
    return {};
  };
  const auto log_out = [&](store::Tx& tx) -> Status {
    TRY(store::delete_logins(tx, bob.id, ""));
    return {};
  };
  const auto suspend = [&](store::Tx& tx) { return store::set_suspended(tx, bob.id, 1); };
  change(join);
  const std::string token = token_of(bob);
  EXPECT_NE(read(token, 15'000, nullptr).find("event: result\n"), std::string::npos) << "the control";
  EXPECT_NE(read(token, 14'000, log_out).find("event: result\n"), std::string::npos) << "not yet asked again";
  const auto expect_end = [&](const std::string& body, const std::string& why) {
    EXPECT_EQ(body.find("event: result\n"), std::string::npos) << body;
    EXPECT_NE(body.find("event: error\n"), std::string::npos) << body;
    EXPECT_NE(body.find(why), std::string::npos) << body;
  };
  expect_end(read(token_of(bob), 15'000, log_out), "this login has ended");
  store::TokenRow brief;
  brief.client_id = ada_.id;
  brief.name = "brief";
  brief.expires_at = clock_.now + 10'000;
  expect_end(read(token_of(std::move(brief)), 15'000, nullptr), "this login has ended");
  expect_end(read(token_of(bob), 15'000, leave), "not_found");
  change(join);
  expect_end(read(token_of(bob), 15'000, suspend), "suspended");
}

// Threat 29: Applications' pages are on the same site, so that a browser sends the cookie along.
TEST_F(Project, StreamsToNoOtherSite) {
  const store::ProjectRow hello = add_project("hello", ada_);
  add_deployment(hello, DeploymentState::kQueued);
  context_->address.api_url = "https://api.example.org";
  writer_.peer_leaves_after = 0;
  book_->add(hello.id, 1, "platform", "a line that is written, so that the peer is found to be gone");
  const auto read = [&](const std::string& target, const std::string& origin, bool cookie) {
    net::ServerRequest asked = request("GET", target, cookie ? "" : token_, "");
    if (cookie) asked.headers.add("Cookie", "__Host-paastech=" + token_);
    asked.headers.add("Origin", origin);
    const int status = send(std::move(asked)).status;
    while (tasks_.size() > 0) io_.run_one();
    return status;
  };
  for (const char* stream : {"/api/v1/projects/hello/deployments/1/log", "/api/v1/projects/hello/logs?follow=true"}) {
    EXPECT_EQ(read(stream, "https://hello.user-app.example.org", true), 403) << stream;
    EXPECT_EQ(read(stream, "null", true), 403) << stream;
    EXPECT_EQ(read(stream, "https://api.example.org", true), 200) << stream;
    EXPECT_EQ(read(stream, "https://hello.user-app.example.org", false), 200) << "a token is no cookie: " << stream;
  }
}

TEST_F(Project, ThatIsNotNamedByTextIsMissing) {
  for (const std::string& name : {std::string("a\0b", 3), std::string("\xff"), std::string("\xc3")})
    EXPECT_EQ(ask("GET", "/api/v1/projects/" + name, token_).status, 404);
}

TEST_F(Project, FinishesAChangeWhoseCallerHangsUp) {
  const store::ProjectRow hello = add_project("hello", ada_);
  add_deployment(hello, DeploymentState::kLive);
  controller_->held = true;
  net::asio::cancellation_signal hang_up;
  bool ended = false;
  net::ServerRequest asked = request("POST", "/api/v1/projects/hello/restart", token_, "");
  net::asio::co_spawn(io_, api_->handle(std::move(asked), writer_),
                      net::asio::bind_cancellation_slot(hang_up.slot(), [&](std::exception_ptr) { ended = true; }));
  while (tasks_.size() == 0) io_.run_one();
  io_.poll();
  hang_up.emit(net::asio::cancellation_type::terminal);
  while (!ended) io_.run_one();
  EXPECT_TRUE(controller_->asked.empty());
  controller_->held = false;
  controller_->gate.notify();
  while (tasks_.size() > 0) io_.run_one();
  EXPECT_EQ(controller_->asked, std::vector<std::string>{"redeploy restart"});
}

TEST_F(Project, ShowsWhatRuns) {
  add_project("hello", ada_);
  EXPECT_EQ(json(ask("GET", "/api/v1/projects/hello/instances", token_)).at("items").at(0).at("name"), "web.1");
  EXPECT_EQ(json(ask("GET", "/api/v1/projects/hello/stats", token_)).at("items").at(0).at("cpu_percent"), 2.5);
}

TEST_F(Project, SaysWhyItCannotBeRepaired) {
  add_project("hello", ada_);
  EXPECT_FALSE(json(ask("GET", "/api/v1/projects/hello", token_)).contains("problem"));
  controller_->condition_now.problem = "web.1 exited with code 1";
  controller_->condition_now.problem_since_ms = 1'769'860'800'000;
  const boost::json::object problem{{"message", "web.1 exited with code 1"}, {"since", "2026-01-31T12:00:00.000Z"}};
  EXPECT_EQ(json(ask("GET", "/api/v1/projects/hello", token_)).at("problem"), problem);
  EXPECT_EQ(json(ask("GET", "/api/v1/projects", token_)).at("items").at(0).at("problem"), problem);
}

TEST_F(Project, SaysThatTheEngineDoesNotAnswer) {
  add_project("hello", ada_);
  engine_.down = true;
  const net::HttpResponse instances = ask("GET", "/api/v1/projects/hello/instances", token_);
  EXPECT_EQ(instances.status, 503);
  EXPECT_EQ(json(instances).at("detail"), "the Docker Engine does not answer");
}

}  // namespace
}  // namespace paastech::api
