// Processes: what is shown of them, their scale – through the whole API.
#include <gmock/gmock.h>

#include "api/test_support.h"
#include "domain/process_json.h"
#include "domain/scale.h"
#include "store/managed_clients.h"
#include "store/plans.h"
#include "store/scales.h"

namespace paastech::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Processes : public ApiTest {
 protected:
  Processes() : ada_(add_client("ada")), token_(token_of(ada_)), hello_(add_project("hello", ada_)) {}
  net::HttpResponse scale(const std::string& processes) {
    return ask("PATCH", "/api/v1/projects/hello/processes", token_, "{\"processes\":" + processes + "}");
  }
  boost::json::array shown() {
    return json(ask("GET", "/api/v1/projects/hello/processes", token_)).at("items").as_array();
  }
  std::vector<Scale> stored() {
    std::vector<Scale> out;
    EXPECT_TRUE(database_->read([&](store::Tx& tx) -> Status {
      TRY_ASSIGN(out, store::list_scales(tx, hello_.id));
      return {};
    }));
    return out;
  }
  // Live: web, whose Instance the engine of the tests has, and a worker.
  void go_live() {
    ProcessList list;
    list.processes["web"].command = shell_words("node server.js | tee log");
    list.processes["worker"].command = {"./work", "hard er"};
    add_deployment(hello_, DeploymentState::kLive, process_list_to_json(list));
  }
  store::ClientRow ada_;
  std::string token_;
  store::ProjectRow hello_;
};

TEST_F(Processes, AreShownWithWhatIsWantedAndWhatRuns) {
  EXPECT_THAT(shown(), IsEmpty());
  go_live();
  const boost::json::array before = shown();
  ASSERT_EQ(before.size(), 2u);
  EXPECT_EQ(before[0], (boost::json::object{{"name", "web"},
                                            {"command", "node server.js | tee log"},
                                            {"count", 1},
                                            {"memory_bytes", 536870912},
                                            {"milli_cpus", 1000},
                                            {"ready", 1},
                                            {"restarts", 0},
                                            {"deployment", 1}}));
  EXPECT_EQ(before[1].at("command"), "./work 'hard er'");
  EXPECT_EQ(before[1].at("ready"), 0);
  ASSERT_EQ(scale(R"({"worker":{"count":2,"memory_bytes":67108864,"milli_cpus":250}})").status, 202);
  const boost::json::array after = shown();
  EXPECT_EQ(after[1].at("count"), 2);
  EXPECT_EQ(after[1].at("memory_bytes"), 67108864);
  EXPECT_EQ(after[1].at("milli_cpus"), 250);
}

TEST_F(Processes, TheEngineAwayIsSaid) {
  go_live();
  engine_.down = true;
  EXPECT_EQ(ask("GET", "/api/v1/projects/hello/processes", token_).status, 503);
}

TEST_F(Processes, AChangeKeepsWhatItDoesNotNameAndDeploys) {
  go_live();
  const net::HttpResponse sized = scale(R"({"web":{"memory_bytes":67108864}})");
  ASSERT_EQ(sized.status, 202) << sized.body;
  EXPECT_EQ(json(sized).at("deployment").at("cause"), "scale");
  ASSERT_EQ(scale(R"({"web":{"count":3},"worker":{"count":0,"milli_cpus":10}})").status, 202);
  EXPECT_THAT(stored(), ElementsAre(Scale{"web", 3, 64 << 20, 0}, Scale{"worker", 0, 0, 10}));
  EXPECT_THAT(controller_->asked, ElementsAre("redeploy scale", "redeploy scale"));
}

TEST_F(Processes, AChangeByETagIsMadeOnlyWhereNobodyHasChangedTheScaleMeanwhile) {
  go_live();
  const auto tag_of = [](const net::HttpResponse& response) { return response.headers.find("ETag").value_or("none"); };
  const auto scale_if = [&](const std::string& tag, int count) {
    net::ServerRequest asked = request("PATCH", "/api/v1/projects/hello/processes", token_,
                                       fmt::format(R"({{"processes":{{"web":{{"count":{}}}}}}})", count));
    asked.headers.add("If-Match", tag);
    return send(std::move(asked));
  };
  const std::string read = tag_of(ask("GET", "/api/v1/projects/hello/processes", token_));
  const net::HttpResponse mine = scale_if(read, 2);
  ASSERT_EQ(mine.status, 202) << mine.body;
  EXPECT_NE(tag_of(mine), read);
  EXPECT_EQ(tag_of(ask("GET", "/api/v1/projects/hello/processes", token_)), tag_of(mine));
  const net::HttpResponse late = scale_if(read, 5);
  EXPECT_EQ(late.status, 412) << late.body;
  EXPECT_THAT(stored(), ElementsAre(Scale{"web", 2}));
  EXPECT_EQ(scale_if(tag_of(mine), 1).status, 202);
  EXPECT_EQ(tag_of(ask("GET", "/api/v1/projects/hello/processes", token_)), read) << "the scale is what it was";
}

TEST_F(Processes, WithoutADeploymentOrStoppedItIsOnlyStored) {
  const net::HttpResponse early = scale(R"({"anything":{"count":2}})");
  EXPECT_EQ(early.status, 202) << early.body;
  EXPECT_FALSE(json(early).contains("deployment"));
  go_live();
  EXPECT_EQ(ask("POST", "/api/v1/projects/hello/stop", token_).status, 200);
  EXPECT_FALSE(json(scale(R"({"web":{"count":2}})")).contains("deployment"));
  EXPECT_THAT(stored(), ElementsAre(Scale{"anything", 2}, Scale{"web", 2}));
  add_deployment(hello_, DeploymentState::kQueued);  // a start on its way
  EXPECT_TRUE(json(scale(R"({"web":{"count":3}})")).contains("deployment"));
}

TEST_F(Processes, AChangeWhoseDeploymentIsRefusedIsStoredAndSaysSo) {
  go_live();
  controller_->refuses = fail(Code::kFailedPrecondition, "the account of the owner is suspended");
  const net::HttpResponse refused = scale(R"({"web":{"count":2}})");
  EXPECT_EQ(refused.status, 412);
  EXPECT_THAT(refused.body, HasSubstr("the scale was stored, but the new deployment could not begin: the account"));
  EXPECT_THAT(stored(), ElementsAre(Scale{"web", 2}));
}

TEST_F(Processes, BeforeTheFirstDeploymentNoMoreAreStoredThanAProjectMayHave) {
  for (std::size_t i = 0; i < kMostProcesses; ++i)
    ASSERT_EQ(scale(fmt::format(R"({{"p{}":{{"count":1}}}})", i)).status, 202);
  const net::HttpResponse refused = scale(R"({"p1":{"count":9},"one-more":{"count":1}})");
  EXPECT_EQ(refused.status, 412);
  EXPECT_THAT(refused.body, HasSubstr("`one-more` is one process too many"));
  EXPECT_EQ(stored().size(), kMostProcesses);
  EXPECT_THAT(stored(), testing::Contains(Scale{"p1", 1})) << "all or none";
}

TEST_F(Processes, AnUnknownOneIsRefusedByTheNamesOfThoseThatExist) {
  go_live();
  const net::HttpResponse refused = scale(R"({"web":{"count":2},"wroker":{"count":2}})");
  EXPECT_EQ(refused.status, 404);
  EXPECT_THAT(refused.body, HasSubstr("project hello has no process `wroker`"));
  EXPECT_THAT(refused.body, HasSubstr("its processes are: web, worker"));
  EXPECT_THAT(stored(), IsEmpty()) << "all or none";
  EXPECT_THAT(controller_->asked, IsEmpty());
}

TEST_F(Processes, WhatIsOutOfItsLimitsIsRefused) {
  go_live();
  for (const char* wrong :
       {R"({"web":{"count":101}})", R"({"web":{"count":-1}})", R"({"web":{"count":"2"}})", R"({"web":{"count":1.5}})",
        R"({"web":{"memory_bytes":1024}})", R"({"web":{"memory_bytes":68719476737}})", R"({"web":{"milli_cpus":9}})",
        R"({"web":{"milli_cpus":64001}})", R"({"web":{}})", R"({})", R"({"web":3})", R"({"web":{"size":1}})",
        R"({"Web":{"count":1}})"})
    EXPECT_EQ(scale(wrong).status, 422) << wrong;
  EXPECT_THAT(stored(), IsEmpty());
}

TEST_F(Processes, ThePlanOfTheOwnerIsTheLimit) {
  go_live();
  ASSERT_TRUE(database_->write([&](store::Tx& tx) -> Status {
    TRY(store::set_plan(tx, {"small", {.projects = 1, .instances = 4, .memory_bytes = 4LL << 30, .milli_cpus = 9000}}));
    return store::set_plan_of(tx, ada_.id, "small");
  }));
  EXPECT_EQ(scale(R"({"web":{"count":3}})").status, 202);
  const net::HttpResponse more = scale(R"({"web":{"count":4}})");
  EXPECT_EQ(more.status, 403);
  EXPECT_THAT(more.body, HasSubstr("allows 4 Instances"));
  EXPECT_EQ(scale(R"({"web":{"memory_bytes":4294967296}})").status, 403);
  EXPECT_THAT(stored(), ElementsAre(Scale{"web", 3}));
}

TEST_F(Processes, TheAuditLogSaysWhatWasAskedFor) {
  go_live();
  ASSERT_EQ(scale(R"({"web":{"count":3},"worker":{"memory_bytes":67108864}})").status, 202);
  const net::HttpResponse audit = ask("GET", "/api/v1/projects/hello/audit", token_);
  EXPECT_EQ(json(audit).at("items").at(0).at("action"), "processes.scale");
  EXPECT_EQ(json(audit).at("items").at(0).at("object"), "web count=3, worker memory_bytes=67108864");
}

}  // namespace
}  // namespace paastech::api
