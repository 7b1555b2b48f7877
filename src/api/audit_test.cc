// The audit log as the API writes and shows it.
#include "api/audit.h"

#include "api/test_support.h"
#include "store/members.h"

namespace paastech::api {
namespace {

class AuditLog : public ApiTest {
 protected:
  AuditLog() : ada_(add_client("ada")), token_(token_of(ada_)), root_(token_of(add_client("root", true))) {}
  // What is written beside its answer is written then.
  boost::json::array entries(const std::string& target, const std::string& token) {
    while (tasks_.size() > 0) io_.run_one();
    const net::HttpResponse answer = ask("GET", target, token);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return json(answer).at("items").as_array();
  }
  static std::string line(const boost::json::value& entry) {
    const auto text = [&](const char* field) {
      const auto* value = entry.as_object().if_contains(field);
      return value ? std::string(value->as_string()) : "-";
    };
    return text("actor") + " " + text("action") + " " + text("project") + "/" + text("object") + " " + text("result") +
           " " + text("detail");
  }
  std::vector<std::string> lines(const std::string& target, const std::string& token) {
    std::vector<std::string> out;
    for (const auto& entry : entries(target, token)) out.push_back(line(entry));
    return out;
  }
  const store::ClientRow ada_;
  std::string token_, root_;
};
using Lines = std::vector<std::string>;

TEST_F(AuditLog, HasEveryChangeBeforeItsAnswer) {
  ask("POST", "/api/v1/projects", token_, R"({"name":"hello"})");
  std::size_t rows = 0;
  EXPECT_TRUE(database_->read([&](store::Tx& tx) -> Status {
    TRY_ASSIGN(const auto all, store::list_audit(tx, {}, 10));
    rows = all.size();
    return {};
  }));
  EXPECT_EQ(rows, 1u);
  ask("PATCH", "/api/v1/projects/hello/environment", token_, R"({"set":{"SECRET":"canary-value"}})");
  ask("GET", "/api/v1/projects/hello", token_);
  clock_.now += 1;
  ask("DELETE", "/api/v1/projects/hello?confirm=hello", token_);
  EXPECT_EQ(
      lines("/api/v1/me/audit", token_),
      (Lines{"ada project.delete hello/ ok ", "ada environment.change hello/ ok ", "ada project.create hello/ ok "}));
  const boost::json::array own = entries("/api/v1/me/audit", token_);
  EXPECT_EQ(own.at(0).at("address"), "192.0.2.1");
  EXPECT_EQ(own.at(0).at("actor_id").as_string(), ada_.id);
  EXPECT_EQ(own.at(0).at("at"), "2027-01-15T08:00:00.001Z");
  EXPECT_EQ(boost::json::serialize(own).find("canary"), std::string::npos);
}

// The database is held by another just when the change is made.
TEST_F(AuditLog, HasAChangeOnceTheDatabaseIsThereAgainThatWasAwayWhenItsRowWasDue) {
  add_deployment(add_project("hello", ada_), DeploymentState::kLive);
  const std::unique_ptr<soci::session> other = place_.connect();
  controller_->after_entering = [&] {
    const bool server = store::FreshPlace::postgresql();
    *other << (server ? "BEGIN" : "BEGIN IMMEDIATE");
    if (server) *other << "LOCK TABLE audit IN ACCESS EXCLUSIVE MODE";
  };
  const net::HttpResponse made = ask("POST", "/api/v1/projects/hello/restart", token_);
  EXPECT_EQ(made.status, 202) << "it is made, and an error would say that it was not: " << made.body;
  EXPECT_EQ(controller_->asked, Lines{"redeploy restart"});
  EXPECT_GT(tasks_.size(), 0u) << "its row waits";
  *other << "ROLLBACK";
  EXPECT_EQ(lines("/api/v1/projects/hello/audit", token_), Lines{"ada application.restart hello/ ok "});
}

TEST_F(AuditLog, TellsWhoWasRefusedAndWhy) {
  const store::ClientRow bob = add_client("bob");
  const store::ProjectRow hello = add_project("hello", ada_);
  EXPECT_TRUE(
      database_->write([&](store::Tx& tx) { return store::set_member(tx, {hello.id, bob.id, Role::kViewer, 1}); }));
  EXPECT_EQ(ask("POST", "/api/v1/projects/hello/stop", token_of(bob)).status, 403);
  EXPECT_EQ(ask("POST", "/api/v1/projects/hello/stop", token_).status, 412);
  const std::string stranger = token_of(add_client("stan"));
  EXPECT_EQ(ask("POST", "/api/v1/projects/hello/stop", stranger).status, 404);
  const Lines inside{"ada application.stop hello/ failed failed_precondition",
                     "bob application.stop hello/ denied permission_denied"};
  EXPECT_EQ(lines("/api/v1/projects/hello/audit", token_), inside);
  EXPECT_EQ(lines("/api/v1/projects/hello/audit", token_of(bob)), inside);
  EXPECT_EQ(lines("/api/v1/me/audit", stranger), Lines{"stan application.stop hello/ denied not_found"});
  EXPECT_EQ(ask("GET", "/api/v1/projects/hello/audit", stranger).status, 404);
}

TEST_F(AuditLog, TellsNoStrangerWhichNameAUuidStandsFor) {
  const store::ProjectRow hello = add_project("hello", ada_);
  const std::string stop = "/api/v1/projects/" + hello.id + "/stop";
  const std::string stranger = token_of(add_client("stan"));
  EXPECT_EQ(ask("POST", stop, stranger).status, 404);
  EXPECT_EQ(ask("POST", stop, token_).status, 412);
  EXPECT_EQ(lines("/api/v1/me/audit", stranger), Lines{"stan application.stop " + hello.id + "/ denied not_found"});
  EXPECT_EQ(lines("/api/v1/me/audit", token_), Lines{"ada application.stop hello/ failed failed_precondition"});
}

TEST_F(AuditLog, HasNoRowOfALogoutWithoutALogin) {
  const auto log_out = [&](const std::string& token) { EXPECT_EQ(send_form("/logout", "", token).status, 200); };
  for (int i = 0; i < 3; ++i) log_out("");
  log_out(token_);
  EXPECT_EQ(lines("/api/v1/audit", root_), Lines{"ada session.end -/ ok "});
}

TEST_F(AuditLog, ShowsThePeerAndNotWhatAForgedHeaderClaims) {
  net::ServerRequest forged = request("POST", "/api/v1/projects", token_, R"({"name":"hello"})");
  forged.headers.add("X-Forwarded-For", "203.0.113.9");
  forged.headers.add("Forwarded", "for=203.0.113.9");
  EXPECT_EQ(send(std::move(forged)).status, 201);
  EXPECT_EQ(entries("/api/v1/me/audit", token_).at(0).at("address"), "192.0.2.1");
}

TEST_F(AuditLog, HasLoginsThatWorkedAndThoseThatDidNot) {
  EXPECT_EQ(ask("POST", "/api/v1/sessions", "", R"({"email":"ada@example.org","password":"correct-horse"})").status,
            201);
  EXPECT_EQ(ask("POST", "/api/v1/sessions", "", R"({"email":"ada@example.org","password":"wrong-horse-1"})").status,
            401);
  const boost::json::array all = entries("/api/v1/audit?action=session.create", root_);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all.at(0).at("result"), "denied");
  EXPECT_EQ(all.at(1).at("actor"), "ada");
  EXPECT_EQ(all.at(1).at("result"), "ok");
  EXPECT_EQ(boost::json::serialize(all).find("horse"), std::string::npos);
}

TEST_F(AuditLog, IsFilteredForTheAdministrator) {
  const std::string bob = token_of(add_client("bob"));
  ask("POST", "/api/v1/projects", token_, R"({"name":"hello"})");
  clock_.now += 60'000;
  ask("POST", "/api/v1/projects", bob, R"({"name":"world"})");
  const auto found = [&](const std::string& query) { return lines("/api/v1/audit?" + query, root_); };
  const Lines ada{"ada project.create hello/ ok "};
  const Lines bobs{"bob project.create world/ ok "};
  EXPECT_EQ(found("client=ada"), ada);
  EXPECT_EQ(found("client=" + ada_.id), ada);
  EXPECT_EQ(found("project=world"), bobs);
  EXPECT_EQ(found("since=2027-01-15T08:00:30Z"), bobs);
  EXPECT_EQ(found("until=2027-01-15T08:00:30Z"), ada);
  EXPECT_EQ(found("action=project.create&client=bob"), bobs);
  EXPECT_EQ(found("action=key.add"), Lines{});
  for (const char* bad : {"client=nobody", "project=nothing", "since=yesterday", "cursor=x", "limit=0"})
    EXPECT_EQ(ask("GET", std::string("/api/v1/audit?") + bad, root_).status, 422) << bad;
  EXPECT_EQ(ask("GET", "/api/v1/audit", token_).status, 403);
}

TEST_F(AuditLog, ComesByPagesInOrderEvenWithinOneMillisecond) {
  for (int i = 0; i < 5; ++i) ask("POST", "/api/v1/projects", token_, R"({"name":"p)" + std::to_string(i) + R"(x"})");
  Lines seen;
  std::string cursor;
  for (int page = 0; page < 3; ++page) {
    const auto answer = json(ask("GET", "/api/v1/me/audit?limit=2" + cursor, token_));
    for (const auto& entry : answer.at("items").as_array()) seen.emplace_back(entry.at("project").as_string());
    EXPECT_EQ(answer.contains("next"), page < 2);
    if (answer.contains("next")) cursor = "&cursor=" + std::string(answer.at("next").as_string());
  }
  EXPECT_EQ(seen, (Lines{"p4x", "p3x", "p2x", "p1x", "p0x"}));
}

TEST_F(AuditLog, LetsNobodyFillTheDiskWithRefusals) {
  for (int i = 0; i < 100; ++i) ask("DELETE", "/api/v1/projects/absent", token_);
  for (int i = 0; i < 100; ++i) ask("DELETE", "/api/v1/projects/absent", "");
  EXPECT_EQ(entries("/api/v1/audit?limit=100&client=ada", root_).size(), 30u);
  EXPECT_EQ(entries("/api/v1/audit?limit=100", root_).size(), 90u);
  clock_.now += 60'000;
  ask("DELETE", "/api/v1/projects/absent", token_);
  EXPECT_EQ(entries("/api/v1/audit?limit=100&client=ada", root_).size(), 31u);
}

TEST_F(AuditLog, BringsNoControlCharacterToATerminal) {
  ask("PUT", "/api/v1/projects/a\x1b]52;c;x\a/members/b\x1b[31m\x07", token_, R"({"role":"viewer"})");
  const boost::json::array own = entries("/api/v1/me/audit", token_);
  ASSERT_EQ(own.size(), 1u);
  for (const auto& [name, value] : own.at(0).as_object())
    for (const char c : value.as_string()) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << name;
}

TEST_F(AuditLog, SaysNothingToALimitedTokenAboutOtherProjects) {
  const store::ProjectRow hello = add_project("hello", ada_);
  add_project("other", ada_);
  for (const char* name : {"hello", "other"})
    ask("PATCH", std::string("/api/v1/projects/") + name + "/environment", token_, R"({"set":{"A":"1"}})");
  store::TokenRow limited;
  limited.client_id = ada_.id;
  limited.name = "limited";
  limited.scope = Scope::kRead;
  limited.limited = true;
  limited.projects = {hello.id};
  EXPECT_EQ(lines("/api/v1/me/audit", token_of(std::move(limited))), Lines{"ada environment.change hello/ ok "});
}

TEST_F(AuditLog, IsChangedByNoRoute) {
  for (const RouteInfo& route : HttpApi::routes()) {
    if (route.path.find("audit") == std::string_view::npos) continue;
    EXPECT_EQ(route.method, "GET") << route.path;
  }
  ask("POST", "/api/v1/projects", token_, R"({"name":"hello"})");
  const Lines before = lines("/api/v1/audit", root_);
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE"})
    for (const char* path : {"/api/v1/audit", "/api/v1/me/audit", "/api/v1/projects/hello/audit"})
      EXPECT_EQ(ask(method, path, root_).status, 405) << method << " " << path;
  EXPECT_EQ(lines("/api/v1/audit", root_), before);
}

TEST_F(AuditLog, LosesWhatIsOlderThanItIsKept) {
  ask("POST", "/api/v1/projects", token_, R"({"name":"hello"})");
  clock_.now += 10 * kDayMs;
  ask("POST", "/api/v1/projects", token_, R"({"name":"world"})");
  clock_.now += 1;
  net::TaskGroup sweeping(io_.get_executor());
  sweeping.spawn("sweep", sweep_audit(*context_, 10));
  while (lines("/api/v1/me/audit", token_).size() > 1) io_.run_one_for(std::chrono::milliseconds(10));
  EXPECT_EQ(lines("/api/v1/me/audit", token_), Lines{"ada project.create world/ ok "});
  sweeping.cancel();
  run_void(sweeping.join());
}

}  // namespace
}  // namespace paastech::api
