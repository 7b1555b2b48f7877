// API tokens and the last use of keys, through the whole API.
#include "api/test_support.h"
#include "api/token_text.h"
#include "store/members.h"

namespace paastech::api {
namespace {

class Tokens : public ApiTest {
 protected:
  net::HttpResponse make(const std::string& session, const std::string& body) {
    return ask("POST", "/api/v1/tokens", session, body);
  }
  static std::string secret(const net::HttpResponse& answer) {
    return std::string(json(answer).at("token").as_string());
  }
  boost::json::array listed(const std::string& session) {
    return json(ask("GET", "/api/v1/tokens", session)).at("items").as_array();
  }
};

TEST_F(Tokens, AreShownOnceListedAndRevoked) {
  const std::string ada = token_of(add_client("ada"));
  const std::string bob = token_of(add_client("bob"));
  const net::HttpResponse made = make(ada, R"({"name":"ci","scope":"read"})");
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string token = secret(made);
  EXPECT_TRUE(token.starts_with("ptat_"));
  EXPECT_TRUE(is_token(token));
  const auto list = listed(ada);
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list.at(0).at("name"), "ci");
  EXPECT_EQ(list.at(0).at("scope"), "read");
  EXPECT_FALSE(list.at(0).as_object().contains("token"));
  EXPECT_FALSE(list.at(0).as_object().contains("last_used_at"));
  EXPECT_FALSE(list.at(0).as_object().contains("projects"));
  EXPECT_EQ(listed(bob).size(), 0u);
  peer_ = "198.51.100.9";
  EXPECT_EQ(ask("GET", "/api/v1/projects", token).status, 200);
  while (tasks_.size() > 0) io_.run_one();
  EXPECT_EQ(listed(ada).at(0).at("address"), "198.51.100.9");
  const std::string path = "/api/v1/tokens/" + std::string(json(made).at("id").as_string());
  EXPECT_EQ(ask("DELETE", path, bob).status, 404);
  EXPECT_EQ(ask("DELETE", path, token).status, 403) << "a token manages no tokens";
  EXPECT_EQ(ask("DELETE", path, ada).status, 204);
  EXPECT_EQ(ask("GET", "/api/v1/projects", token).status, 401);
}

TEST_F(Tokens, AreNoLoginsAndLoginsAreNone) {
  const std::string ada = token_of(add_client("ada"));
  const std::string id(json(make(ada, R"({"name":"ci","scope":"manage"})")).at("id").as_string());
  const auto sessions = json(ask("GET", "/api/v1/sessions", ada)).at("items").as_array();
  ASSERT_EQ(sessions.size(), 1u);
  const std::string session(sessions.at(0).at("id").as_string());
  EXPECT_EQ(ask("DELETE", "/api/v1/sessions/" + id, ada).status, 404);
  EXPECT_EQ(ask("DELETE", "/api/v1/tokens/" + session, ada).status, 404);
  EXPECT_EQ(json(ask("DELETE", "/api/v1/sessions", ada)).at("ended"), 0);
  EXPECT_EQ(listed(ada).size(), 1u);
}

TEST_F(Tokens, ReachTheProjectsTheyAreMadeFor) {
  const store::ClientRow ada = add_client("ada");
  const store::ClientRow bob = add_client("bob");
  const std::string session = token_of(ada);
  add_project("hello", ada);
  add_project("other", ada);
  const store::ProjectRow shared = add_project("shared", bob);
  add_project("secret", bob);
  ASSERT_TRUE(
      database_->write([&](store::Tx& tx) { return store::set_member(tx, {shared.id, ada.id, Role::kViewer, 1}); }));
  const net::HttpResponse made =
      make(session, R"({"name":"ci","scope":"manage","projects":["hello","shared",")" + shared.id + R"("]})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(boost::json::serialize(json(made).at("projects")), R"(["hello","shared"])");
  const std::string token = secret(made);
  EXPECT_EQ(ask("GET", "/api/v1/projects/hello", token).status, 200);
  EXPECT_EQ(ask("GET", "/api/v1/projects/shared", token).status, 200);
  EXPECT_EQ(ask("GET", "/api/v1/projects/other", token).status, 404);
  EXPECT_EQ(ask("PATCH", "/api/v1/projects/shared/environment", token, R"({"set":{"A":"b"}})").status, 403)
      << "never more than its Client";
  const net::HttpResponse foreign = make(session, R"({"name":"x","scope":"read","projects":["secret"]})");
  const net::HttpResponse missing = make(session, R"({"name":"x","scope":"read","projects":["absent"]})");
  EXPECT_EQ(foreign.status, 404);
  EXPECT_EQ(json(foreign).at("detail"), "project secret does not exist, or is not yours");
  EXPECT_EQ(json(missing).at("detail"), "project absent does not exist, or is not yours");
  EXPECT_EQ(listed(session).size(), 1u);
}

TEST_F(Tokens, Expire) {
  const std::string ada = token_of(add_client("ada"));
  const std::string token = secret(make(ada, R"({"name":"ci","scope":"read","expires_in_days":1})"));
  clock_.now += 1;
  const std::string lasting = secret(make(ada, R"({"name":"for ever","scope":"read","expires_in_days":null})"));
  clock_.now += kDayMs - 2;
  EXPECT_EQ(ask("GET", "/api/v1/projects", token).status, 200);
  clock_.now += 1;
  EXPECT_EQ(ask("GET", "/api/v1/projects", token).status, 401);
  EXPECT_EQ(ask("GET", "/api/v1/projects", lasting).status, 200);
  EXPECT_EQ(listed(ada).at(0).at("expired"), true);
  EXPECT_EQ(listed(ada).at(1).at("expired"), false);
}

TEST_F(Tokens, AreRefusedWhereTheyMakeNoSense) {
  const std::string ada = token_of(add_client("ada"));
  for (const char* bad :
       {R"({"name":"","scope":"read"})", R"({"name":"x","scope":"session"})", R"({"name":"x","scope":"all"})",
        R"({"name":"x"})", R"({"name":"x","scope":"read","projects":[]})",
        R"({"name":"x","scope":"read","expires_in_days":0})", R"({"name":"x","scope":"read","expires_in_days":366})",
        R"({"name":"x","scope":"read","expires_in_days":"1"})"})
    EXPECT_EQ(make(ada, bad).status, 422) << bad;
  EXPECT_EQ(make(secret(make(ada, R"({"name":"x","scope":"manage"})")), R"({"name":"y","scope":"read"})").status, 403);
}

TEST_F(Tokens, KeepTheirNamesAsTheyAreGiven) {
  const std::string ada = token_of(add_client("ada"));
  std::string name;
  for (int i = 0; i < 60; ++i) name += "ü";
  const net::HttpResponse made = make(ada, R"({"name":")" + name + R"(","scope":"read"})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(json(made).at("name").as_string(), name);
  EXPECT_EQ(listed(ada).at(0).at("name").as_string(), name);
  for (const char* bad : {"a\\nb", "\\u001b[2J", "a\\u007f", "a\\u0085b"}) {
    const net::HttpResponse refused = make(ada, R"({"name":")" + std::string(bad) + R"(","scope":"read"})");
    EXPECT_EQ(refused.status, 422) << bad;
    EXPECT_EQ(json(refused).at("code"), "invalid_argument") << bad;
    EXPECT_EQ(json(refused).at("detail"), "`name` must be: one line without control characters") << bad;
  }
  EXPECT_EQ(listed(ada).size(), 1u);
}

TEST_F(Tokens, AreAtMostAHundred) {
  const std::string ada = token_of(add_client("ada"));
  for (int i = 0; i < 100; ++i) ASSERT_EQ(make(ada, R"({"name":"x","scope":"read"})").status, 201) << i;
  EXPECT_EQ(make(ada, R"({"name":"x","scope":"read"})").status, 412);
  EXPECT_EQ(ask("GET", "/api/v1/me", ada).status, 200) << "logins are not counted among them";
}

}  // namespace
}  // namespace paastech::api
