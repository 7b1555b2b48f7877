// Requests through the whole API: held to the contract, repeated with Idempotency-Key, and made against a version.
#include <gmock/gmock.h>

#include "api/etag.h"
#include "api/test_support.h"
#include "store/idempotency.h"

namespace paastech::api {
namespace {

class RequestContract : public ApiTest {
 protected:
  RequestContract() : ada_(add_client("ada")), token_(token_of(ada_)) {}

  net::HttpResponse with(const std::string& name, const std::string& value, const std::string& method,
                         const std::string& target, const std::string& body = "", std::string token = "") {
    net::ServerRequest asked = request(method, target, token.empty() ? token_ : token, body);
    asked.headers.add(name, value);
    return send(std::move(asked));
  }
  net::HttpResponse create(const std::string& key, const std::string& project, const std::string& token = "") {
    return with("Idempotency-Key", key, "POST", "/api/v1/projects", R"({"name":")" + project + "\"}", token);
  }
  std::string detail(const net::HttpResponse& answer) { return std::string(json(answer).at("detail").as_string()); }
  std::size_t created() {
    return static_cast<std::size_t>(std::count_if(controller_->asked.begin(), controller_->asked.end(),
                                                  [](const std::string& one) { return one.starts_with("create "); }));
  }
  std::optional<store::IdempotencyRow> row(const std::string& key) {
    std::optional<store::IdempotencyRow> found;
    EXPECT_TRUE(database_->read([&](store::Tx& tx) -> Status {
      TRY_ASSIGN(found, store::find_answer(tx, ada_.id, key));
      return {};
    }));
    return found;
  }
  std::string tag() {
    return ask("GET", "/api/v1/projects/hello/environment", token_).headers.find("ETag").value_or("none");
  }

  store::ClientRow ada_;
  std::string token_;
};

TEST_F(RequestContract, RefusesABodyInTheContractsWords) {
  const auto refusal = [&](const std::string& body) {
    const net::HttpResponse answer = ask("POST", "/api/v1/projects", token_, body);
    EXPECT_EQ(answer.status, 422) << body;
    return detail(answer);
  };
  EXPECT_EQ(refusal(R"({})"), "`name` is missing");
  EXPECT_EQ(refusal(R"({"name":7})"), "`name` must be a string");
  EXPECT_EQ(refusal(R"({"name":"ab"})"), "`name` must have at least 3 characters");
  EXPECT_EQ(refusal(R"({"name":"hello","colour":1})"), "`colour` is not a field of this request");
  EXPECT_EQ(created(), 0u);
  EXPECT_EQ(ask("POST", "/api/v1/projects", token_, R"({"name":"hello"})").status, 201) << "the control";
}

TEST_F(RequestContract, RefusesParametersInTheContractsWords) {
  add_project("hello", ada_);
  const std::string list = "/api/v1/projects/hello/deployments";
  EXPECT_EQ(ask("GET", list + "?limit=100", token_).status, 200) << "the control";
  const net::HttpResponse many = ask("GET", list + "?limit=101", token_);
  EXPECT_EQ(many.status, 422);
  EXPECT_EQ(detail(many), "query parameter `limit` must be at most 100");
  EXPECT_EQ(ask("GET", list + "?limit=x", token_).status, 422);
  EXPECT_EQ(ask("GET", list + "/0", token_).status, 404);
  EXPECT_EQ(ask("DELETE", "/api/v1/keys/not-a-uuid", token_).status, 404);
  EXPECT_EQ(ask("DELETE", "/api/v1/projects/hello", token_).status, 422);
  EXPECT_EQ(create(std::string(256, 'k'), "other").status, 422);
  EXPECT_EQ(create("a b", "other").status, 422);
}

TEST_F(RequestContract, FindsNothingUnderANameWithANul) {
  const std::string root = token_of(add_client("root", true));
  add_project("hello", ada_);
  EXPECT_EQ(ask("GET", "/api/v1/clients/ada", root).status, 200) << "the control";
  for (const std::string path : {"/api/v1/clients/ada", "/api/v1/plans/default", "/api/v1/projects/hello"})
    EXPECT_EQ(ask("GET", path + '\0', root).status, 404) << path;
  EXPECT_EQ(ask("DELETE", std::string("/api/v1/projects/hello/members/ada") + '\0' + "x", token_).status, 404);
}

TEST_F(RequestContract, AsksWhoItIsBeforeItLooksAtTheRequest) {
  EXPECT_EQ(ask("POST", "/api/v1/projects", "", R"({"name":7})").status, 401);
  EXPECT_EQ(ask("DELETE", "/api/v1/keys/not-a-uuid", "").status, 401);
}

TEST_F(RequestContract, AnswersARepeatedCreationAsTheFirstTime) {
  const net::HttpResponse first = create("k1", "hello");
  ASSERT_EQ(first.status, 201) << first.body;
  const net::HttpResponse second = create("k1", "hello");
  EXPECT_EQ(second.status, 201);
  EXPECT_EQ(second.body, first.body);
  EXPECT_EQ(second.headers.find("Content-Type"), first.headers.find("Content-Type"));
  EXPECT_EQ(created(), 1u);
  EXPECT_EQ(create("k2", "hello").status, 409) << "the control: another key is another request";
}

TEST_F(RequestContract, KeepsASecretOfARepeatedAnswerSealed) {
  const std::string body = R"({"name":"ci","scope":"deploy","expires_in_days":7})";
  const net::HttpResponse first = with("Idempotency-Key", "k1", "POST", "/api/v1/tokens", body);
  ASSERT_EQ(first.status, 201) << first.body;
  EXPECT_EQ(with("Idempotency-Key", "k1", "POST", "/api/v1/tokens", body).body, first.body);
  const std::optional<store::IdempotencyRow> kept = row("k1");
  ASSERT_TRUE(kept.has_value());
  EXPECT_EQ(kept->body.find("\"name\":\"ci\""), std::string::npos);
  EXPECT_TRUE(secrets_.open(kept->body, "idempotency/" + ada_.id + "/k1").has_value());
  const std::string print = secrets_.open(kept->fingerprint, "fingerprint/" + ada_.id + "/k1").value_or("");
  EXPECT_EQ(print.size(), 64u) << "a hash of the body alone would let passwords be tried";
  EXPECT_EQ(kept->fingerprint.find(print), std::string::npos);
}

TEST_F(RequestContract, RefusesAKeyForAnotherRequest) {
  ASSERT_EQ(create("k1", "hello").status, 201);
  const net::HttpResponse other = create("k1", "other");
  EXPECT_EQ(other.status, 422);
  EXPECT_EQ(detail(other), "this Idempotency-Key was used for another request");
}

TEST_F(RequestContract, GivesEachClientKeysOfItsOwn) {
  ASSERT_EQ(create("k1", "hello").status, 201);
  EXPECT_EQ(create("k1", "other", token_of(add_client("bob"))).status, 201);
}

TEST_F(RequestContract, FreesTheKeyOfARequestThatMadeNothing) {
  ASSERT_EQ(create("k0", "taken").status, 201);
  EXPECT_EQ(create("k1", "taken").status, 409);
  EXPECT_EQ(create("k1", "hello").status, 201);
}

TEST_F(RequestContract, ForgetsAKeyAfterADay) {
  ASSERT_EQ(create("k1", "hello").status, 201);
  clock_.now += 24LL * 3'600'000;
  EXPECT_EQ(create("k1", "hello").status, 201) << "the same answer still";
  clock_.now += 1;
  EXPECT_EQ(create("k1", "hello").status, 409) << "made anew";
}

TEST_F(RequestContract, SaysThatAKeyIsAtWork) {
  add_deployment(add_project("hello", ada_), DeploymentState::kLive);
  controller_->held = true;
  net::ServerRequest asked = request("POST", "/api/v1/projects/hello/restart", token_, "");
  asked.headers.add("Idempotency-Key", "k1");
  TestWriter slow;
  bool done = false;
  net::asio::co_spawn(io_, api_->handle(asked, slow), [&](std::exception_ptr) { done = true; });
  while (!row("k1")) io_.run_one_for(std::chrono::milliseconds(10));
  const net::HttpResponse second = send(asked);
  EXPECT_EQ(second.status, 409);
  EXPECT_THAT(detail(second), testing::HasSubstr("still at work"));
  controller_->held = false;
  controller_->gate.notify();
  while (!done) io_.run_one();
  EXPECT_EQ(slow.response.status, 202);
  EXPECT_EQ(send(asked).body, slow.response.body);
}

TEST_F(RequestContract, DoesNotRepeatWhatTheServicesEndCutOff) {
  ASSERT_EQ(create("k1", "hello").status, 201);
  store::IdempotencyRow row{ada_.id, "k1", "", 0, "", 0};  // as kill -9 leaves it
  ASSERT_TRUE(database_->write([&](store::Tx& tx) { return store::complete_answer(tx, row); }));
  const net::HttpResponse again = create("k1", "hello");
  EXPECT_EQ(again.status, 409);
  EXPECT_THAT(detail(again), testing::HasSubstr("cut off"));
  EXPECT_EQ(created(), 1u);
}

TEST_F(RequestContract, BoundsTheKeysOfAClient) {
  const Status filled = store::write_rows(*database_, 1'000, [&](store::Tx& tx, int i) {
    return store::insert_answer(tx, {ada_.id, "old" + std::to_string(i), "print", 201, "", clock_.now});
  });
  ASSERT_TRUE(filled) << filled.error().message;
  const net::HttpResponse refused = create("k1", "hello");
  EXPECT_EQ(refused.status, 429);
  EXPECT_NE(refused.headers.find("Retry-After").value_or(""), "");
  EXPECT_EQ(ask("POST", "/api/v1/projects", token_, R"({"name":"hello"})").status, 201) << "without a key it goes on";
}

TEST_F(RequestContract, ChangesTheEnvironmentOnlyInTheVersionThatWasRead) {
  add_project("hello", ada_);
  const std::string path = "/api/v1/projects/hello/environment";
  const std::string before = tag();
  const net::HttpResponse changed = with("If-Match", before, "PATCH", path, R"({"set":{"A":"1"}})");
  ASSERT_EQ(changed.status, 202) << changed.body;
  EXPECT_EQ(changed.headers.find("ETag").value_or(""), tag());
  EXPECT_NE(tag(), before);
  const net::HttpResponse late = with("If-Match", before, "PATCH", path, R"({"set":{"A":"2"}})");
  EXPECT_EQ(late.status, 412);
  EXPECT_EQ(json(ask("GET", path + "?reveal=true", token_)).at("items").at(0).at("value"), "1");
  EXPECT_EQ(with("If-Match", "*", "PATCH", path, R"({"set":{"A":"2"}})").status, 202);
  EXPECT_EQ(with("If-Match", "7", "PATCH", path, R"({"set":{"A":"3"}})").status, 422) << "not an entity tag";
}

TEST_F(RequestContract, KeepsTheVersionWhereNothingChanged) {
  add_project("hello", ada_);
  const std::string path = "/api/v1/projects/hello/environment";
  ASSERT_EQ(ask("PATCH", path, token_, R"({"set":{"A":"1"}})").status, 202);
  const std::string before = tag();
  ASSERT_EQ(ask("PATCH", path, token_, R"({"set":{"A":"1"},"unset":["B"]})").status, 202);
  EXPECT_EQ(tag(), before);
}

TEST_F(RequestContract, SendsAnEnvironmentAgainOnlyWhereItChanged) {
  add_project("hello", ada_);
  const std::string path = "/api/v1/projects/hello/environment";
  const std::string known = tag();
  const net::HttpResponse same = with("If-None-Match", known, "GET", path);
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.body, "");
  EXPECT_EQ(same.headers.find("ETag").value_or(""), known);
  EXPECT_EQ(with("If-None-Match", known, "GET", path + "?reveal=true").status, 200) << "with values it is another text";
  ASSERT_EQ(ask("PATCH", path, token_, R"({"set":{"A":"1"}})").status, 202);
  EXPECT_EQ(with("If-None-Match", known, "GET", path).status, 200);
}

TEST_F(RequestContract, ShowsItselfWithoutALogin) {
  const net::HttpResponse page = ask("GET", "/docs");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.headers.find("Content-Security-Policy").value_or(""), testing::HasSubstr("default-src 'none'"));
  for (const std::string file : {"start.js", "swagger-ui-bundle.js", "swagger-ui.css"}) {
    EXPECT_THAT(page.body, testing::HasSubstr("/docs/" + file));
    const net::HttpResponse answer = ask("GET", "/docs/" + file);
    EXPECT_EQ(answer.status, 200) << file;
    EXPECT_FALSE(answer.body.empty()) << file;
  }
  EXPECT_EQ(ask("GET", "/docs/package.json").status, 404);
  EXPECT_EQ(json(ask("GET", "/api/v1/openapi.json")).at("openapi"), "3.1.0");
  EXPECT_THAT(ask("GET", "/api/v1/openapi.yaml").body, testing::StartsWith("openapi: 3.1.0\n"));
}

}  // namespace
}  // namespace paastech::api
