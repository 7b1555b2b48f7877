// How often one account and one address may ask.
#include "api/request_limits.h"

#include <spdlog/sinks/ostream_sink.h>

#include <sstream>

#include "api/test_support.h"

namespace paastech::api {
namespace {

class RequestLimitsTest : public ApiTest {
 protected:
  void limit(const RequestRates& rates) {
    context_->rates = rates;
    api_ = std::make_unique<HttpApi>(*context_);
  }
  int status(const std::string& method, const std::string& target, const std::string& token = "") {
    return ask(method, target, token, method == "POST" ? R"({"name":"Not A Name"})" : "").status;
  }
  // A request without a login, that came as one of `forwarded` says.
  net::HttpResponse ask_by_proxy(const std::string& forwarded) {
    net::ServerRequest asked = request("GET", "/api/v1/service", "", "");
    asked.headers.add("X-Forwarded-For", forwarded);
    return send(std::move(asked));
  }
  void expect_refusal(const net::HttpResponse& answer, const std::string& seconds, const std::string& what) {
    EXPECT_EQ(answer.status, 429) << answer.body;
    EXPECT_EQ(answer.headers.find("Retry-After"), seconds);
    EXPECT_EQ(answer.headers.find("Content-Type"), "application/problem+json");
    const auto body = json(answer);
    EXPECT_EQ(body.at("code"), "resource_exhausted");
    EXPECT_EQ(body.at("request_id").as_string(), "request-" + std::to_string(requests_));
    EXPECT_NE(answer.body.find(what), std::string::npos) << answer.body;
  }
};

TEST_F(RequestLimitsTest, OfReadsOneAccountHasItsShareOverAllItsTokens) {
  const store::ClientRow ada = add_client("ada");
  const std::string token = token_of(ada);
  const std::string bob = token_of(add_client("bob"));
  limit({.reads = 6});
  for (int i = 0; i < 6; ++i) EXPECT_EQ(status(i % 2 == 0 ? "GET" : "HEAD", "/api/v1/projects", token), 200);
  expect_refusal(ask("GET", "/api/v1/projects", token), "10", "requests to read by this account");
  expect_refusal(ask("GET", "/api/v1/projects", token_of(ada)), "10", "api.reads_per_minute");
  EXPECT_EQ(status("GET", "/api/v1/projects", bob), 200);
  EXPECT_EQ(status("POST", "/api/v1/projects", token), 422) << "changes have a limit of their own, here none";
  clock_.now += 3'500;
  expect_refusal(ask("GET", "/api/v1/projects", token), "7", "wait 7 seconds");
  clock_.now += 6'500;
  EXPECT_EQ(status("GET", "/api/v1/projects", token), 200);
  expect_refusal(ask("GET", "/api/v1/projects", token), "10", "6 a minute");
}

TEST_F(RequestLimitsTest, OfChangesOneAccountHasItsShareWhateverComesOfThem) {
  const std::string token = token_of(add_client("ada"));
  limit({.changes = 60});
  for (int i = 0; i < 59; ++i) EXPECT_EQ(status("POST", "/api/v1/projects", token), 422);
  EXPECT_EQ(ask("DELETE", "/api/v1/projects/missing", token).status, 404);
  expect_refusal(ask("POST", "/api/v1/projects", token, R"({"name":"hello"})"), "1", "wait 1 second and");
  EXPECT_EQ(json(ask("GET", "/api/v1/projects", token)).at("items").as_array().size(), 0u);
  clock_.now += 1'000;
  EXPECT_EQ(ask("POST", "/api/v1/projects", token, R"({"name":"hello"})").status, 201);
}

TEST_F(RequestLimitsTest, WithoutALoginAnAddressHasItsShare) {
  const std::string token = token_of(add_client("ada"));
  limit({.anonymous = 4});
  EXPECT_EQ(status("GET", "/api/v1/service"), 200);
  EXPECT_EQ(status("GET", "/api/v1/me", "pt_of-nobody"), 401);
  EXPECT_EQ(status("GET", "/api/v1/nothing", token), 404) << "of a path that is none nobody asks who came";
  EXPECT_EQ(status("PUT", "/api/v1/projects"), 405);
  expect_refusal(ask("GET", "/api/v1/service"), "15", "without a login from this address");
  expect_refusal(ask("GET", "/api/v1/me", "pt_of-nobody"), "15", "api.anonymous_per_minute");
  expect_refusal(ask("GET", "/api/v1/nothing"), "15", "4 a minute");
  EXPECT_EQ(status("GET", "/api/v1/me", token), 200) << "who has logged in does not suffer for the neighbours";
  peer_ = "192.0.2.2";
  EXPECT_EQ(status("GET", "/api/v1/service"), 200);
  peer_ = "2001:db8::1";
  for (int i = 0; i < 4; ++i) EXPECT_EQ(status("GET", "/api/v1/service"), 200);
  peer_ = "2001:db8::ffff:2";
  EXPECT_EQ(status("GET", "/api/v1/service"), 429) << "one customer has a /64";
}

TEST_F(RequestLimitsTest, APageSaysItAsAPage) {
  limit({.anonymous = 1});
  EXPECT_EQ(status("GET", "/api/v1/service"), 200);
  const net::HttpResponse page = ask("GET", "/login");
  EXPECT_EQ(page.status, 429);
  EXPECT_EQ(page.headers.find("Retry-After"), "60");
  EXPECT_NE(page.body.find("<html"), std::string::npos) << page.body;
}

TEST_F(RequestLimitsTest, BehindATrustedProxyEachAddressCountsForItself) {
  limit({.anonymous = 2});
  context_->trusted_proxy = CidrList::parse("192.0.2.0/24").value();
  for (const char* address : {"198.51.100.1", "198.51.100.2"}) {
    EXPECT_EQ(ask_by_proxy(address).status, 200);
    EXPECT_EQ(ask_by_proxy(address).status, 200);
    EXPECT_EQ(ask_by_proxy(address).status, 429);
  }
  peer_ = "203.0.113.9";  // no proxy of ours, whatever it says
  EXPECT_EQ(ask_by_proxy("198.51.100.3").status, 200);
  EXPECT_EQ(ask_by_proxy("198.51.100.4").status, 200);
  EXPECT_EQ(ask_by_proxy("198.51.100.5").status, 429);
}

TEST_F(RequestLimitsTest, TheMachineItselfMayAlwaysLookAfterItsHealth) {
  limit({.reads = 2, .anonymous = 2});
  peer_ = "127.0.0.1";
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(status("GET", "/healthz"), 200);
    EXPECT_EQ(status("GET", "/metrics"), 200);
  }
  for (int i = 0; i < 2; ++i) EXPECT_EQ(ask_by_proxy("198.51.100.1").status, 200);
  EXPECT_EQ(ask_by_proxy("198.51.100.1").status, 429) << "a proxy on the machine brings others";
}

TEST_F(RequestLimitsTest, TheLogNamesOneInASecondOfThoseThatWerePutOff) {
  add_project("hello", add_client("bob"));
  const std::string root = token_of(add_client("root", true));
  limit({.anonymous = 1});
  std::ostringstream text;
  const auto before = spdlog::default_logger();
  auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(text);
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("captured", sink));
  EXPECT_EQ(ask("GET", "/api/v1/service").status, 200);
  const auto lines = [&text] {
    const std::string out = text.str();
    text.str("");
    return out;
  };
  EXPECT_EQ(lines(), "") << "what went well is not logged";
  EXPECT_EQ(ask("GET", "/api/v1/service").status, 429);
  std::string log = lines();
  EXPECT_NE(log.find("GET /api/v1/service 429 "), std::string::npos) << log;
  EXPECT_NE(log.find(" id=request-" + std::to_string(requests_) + " "), std::string::npos) << log;
  EXPECT_NE(log.find(": too many requests without a login"), std::string::npos) << log;
  clock_.now += 999;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask("GET", "/api/v1/service").status, 429);
  EXPECT_EQ(lines(), "");
  engine_.down = true;
  EXPECT_EQ(ask("GET", "/api/v1/projects/hello/instances", root).status, 503);
  log = lines();
  EXPECT_NE(log.find(" 503 "), std::string::npos) << "each of the two has its own second" << log;
  clock_.now += 1;
  EXPECT_EQ(ask("GET", "/api/v1/service").status, 429);
  log = lines();
  EXPECT_NE(log.find("(and 3 more answers of 429 before)"), std::string::npos) << log;
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 1) << log;
  spdlog::set_default_logger(before);
}

}  // namespace
}  // namespace paastech::api
