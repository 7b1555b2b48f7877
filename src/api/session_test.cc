// Logins: in a browser and elsewhere, their list, their end, and what other sites may not do with them.
#include "api/login.h"
#include "api/origin.h"
#include "api/test_support.h"

namespace paastech::api {
namespace {

class Sessions : public ApiTest {
 protected:
  Sessions() { context_->address.api_url = "https://api.example.org"; }

  net::HttpResponse log_in(const std::string& more = "") {
    return ask("POST", "/api/v1/sessions", "",
               R"({"email":"ada@example.org","password":"correct-horse","name":"laptop")" + more + "}");
  }
  // The cookie's value of an answer.
  static std::string cookie_of(const net::HttpResponse& answer) {
    const std::string header = answer.headers.find("Set-Cookie").value_or("");
    return header.substr(0, header.find(';'));
  }
  net::ServerRequest with_cookie(const std::string& method, const std::string& target, const std::string& cookie,
                                 const std::string& origin = "https://api.example.org") {
    net::ServerRequest asked = request(method, target, "", "");
    asked.headers.add("Cookie", cookie);
    if (!origin.empty()) asked.headers.add("Origin", origin);
    return asked;
  }
  // Beside the API, so that nothing but the database knows of it.
  static std::function<Status(store::Tx&)> end_logins_of(const store::ClientRow& client) {
    return [id = client.id](store::Tx& tx) -> Status {
      TRY_ASSIGN(const std::int64_t ended, store::delete_logins(tx, id, ""));
      EXPECT_EQ(ended, 1);
      return {};
    };
  }
  boost::json::array listed(const std::string& token) {
    return json(ask("GET", "/api/v1/sessions", token)).at("items").as_array();
  }
};

TEST_F(Sessions, OneTakenAwayByAnotherProcessIsGoodForOneMoreSecondAtMost) {
  const store::ClientRow ada = add_client("ada");
  const std::string token = token_of(ada);
  ASSERT_EQ(ask("GET", "/api/v1/me", token).status, 200);
  const auto other = store::Database::open(place_.url());
  ASSERT_TRUE(other);
  ASSERT_TRUE((*other)->write(end_logins_of(ada)));
  clock_.now += 1'000;
  EXPECT_EQ(ask("GET", "/api/v1/me", token).status, 401);
}

TEST_F(Sessions, OneTakenAwayByThisProcessEndsAtOnce) {
  const store::ClientRow ada = add_client("ada");
  const std::string token = token_of(ada);
  ASSERT_EQ(ask("GET", "/api/v1/me", token).status, 200);
  ASSERT_TRUE(database_->write(end_logins_of(ada)));
  EXPECT_EQ(ask("GET", "/api/v1/me", token).status, 401);
}

TEST_F(Sessions, HaveNamesWithoutControlCharacters) {
  add_client("ada");
  const auto named = [&](const std::string& name) {
    return ask("POST", "/api/v1/sessions", "",
               R"({"email":"ada@example.org","password":"correct-horse","name":")" + name + "\"}");
  };
  for (const char* bad : {"a\\nb", "\\u001b[2J", "a\\u009bb"}) {
    const net::HttpResponse refused = named(bad);
    EXPECT_EQ(refused.status, 422) << bad;
    EXPECT_EQ(json(refused).at("detail"), "`name` must be: one line without control characters") << bad;
  }
  const net::HttpResponse made = named("Käthes Rechner");
  ASSERT_EQ(made.status, 201) << "the control: " << made.body;
  EXPECT_EQ(listed(std::string(json(made).at("token").as_string())).at(0).at("name"), "Käthes Rechner");
}

TEST_F(Sessions, AreListedAndEnded) {
  const store::ClientRow ada = add_client("ada");
  const std::string mine = token_of(ada);
  const std::string bobs = token_of(add_client("bob"));
  peer_ = "198.51.100.7";
  const auto other = json(log_in());
  const auto list = listed(mine);
  ASSERT_EQ(list.size(), 2u);
  const auto find = [&](const boost::json::value& id) {
    for (const auto& one : list)
      if (one.at("id") == id) return one;
    return boost::json::value();
  };
  const boost::json::value second = find(other.at("token_id"));
  EXPECT_EQ(second.at("name"), "laptop");
  EXPECT_EQ(second.at("kind"), "cli");
  EXPECT_EQ(second.at("address"), "198.51.100.7");
  EXPECT_EQ(second.at("current"), false);
  const std::string path = "/api/v1/sessions/" + std::string(other.at("token_id").as_string());
  EXPECT_EQ(ask("DELETE", path, bobs).status, 404);
  EXPECT_EQ(ask("DELETE", path, mine).status, 204);
  EXPECT_EQ(ask("DELETE", path, mine).status, 404);
  EXPECT_EQ(ask("GET", "/api/v1/me", std::string(other.at("token").as_string())).status, 401);
  log_in();
  log_in();
  EXPECT_EQ(json(ask("DELETE", "/api/v1/sessions", mine)).at("ended"), 2);
  EXPECT_EQ(listed(mine).size(), 1u);
  EXPECT_EQ(ask("GET", "/api/v1/me", mine).status, 200);
  EXPECT_EQ(ask("GET", "/api/v1/me", bobs).status, 200);
}

TEST_F(Sessions, EndByThemselves) {
  add_client("ada");
  const std::string program(json(log_in()).at("token").as_string());
  const std::string cookie = cookie_of(log_in(R"(,"cookie":true)"));
  const auto alive = [&] { return send(with_cookie("GET", "/api/v1/me", cookie)).status == 200; };
  const auto settle = [&] {
    while (tasks_.size() > 0) io_.run_one();
  };
  const std::int64_t begun = clock_.now;
  for (std::int64_t day = 6; day < 30; day += 6) {  // used once in six days
    clock_.now = begun + day * kDayMs;
    EXPECT_TRUE(alive()) << day;
    settle();
  }
  clock_.now = begun + 30 * kDayMs;
  EXPECT_FALSE(alive());
  EXPECT_EQ(ask("GET", "/api/v1/me", program).status, 200);
  settle();
  const std::string second = cookie_of(log_in(R"(,"cookie":true)"));
  clock_.now += 7 * kDayMs - 1;
  EXPECT_EQ(listed(program).size(), 2u);
  settle();
  clock_.now += 1;
  EXPECT_EQ(send(with_cookie("GET", "/api/v1/me", second)).status, 401);
  EXPECT_EQ(listed(program).size(), 1u);
  settle();
  clock_.now += 90 * kDayMs;
  EXPECT_EQ(ask("GET", "/api/v1/me", program).status, 401);
}

TEST_F(Sessions, OfOneClientAreAtMostAHundred) {
  const store::ClientRow ada = add_client("ada");
  const std::string first = token_of(ada);
  for (int i = 0; i < 100; ++i) {
    clock_.now += 1;
    token_of(ada);
  }
  const std::string last = token_of(ada);
  EXPECT_EQ(ask("GET", "/api/v1/me", first).status, 401);
  EXPECT_EQ(listed(last).size(), 100u);
}

TEST_F(Sessions, InABrowserComeAsACookieThatNoScriptSees) {
  add_client("ada");
  const net::HttpResponse answer = log_in(R"(,"cookie":true)");
  ASSERT_EQ(answer.status, 201) << answer.body;
  EXPECT_FALSE(json(answer).contains("token"));
  const std::string header = *answer.headers.find("Set-Cookie");
  EXPECT_TRUE(header.starts_with("__Host-paastech=pt_")) << header;
  EXPECT_TRUE(header.ends_with("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure")) << header;
  const std::string cookie = cookie_of(answer);
  EXPECT_EQ(json(send(with_cookie("GET", "/api/v1/me", cookie))).at("username"), "ada");
  net::ServerRequest both = with_cookie("GET", "/api/v1/me", cookie);
  both.headers.add("Authorization", "Bearer nonsense");  // stands before the cookie
  EXPECT_EQ(send(std::move(both)).status, 401);
  const net::HttpResponse out = send(with_cookie("DELETE", "/api/v1/sessions/current", cookie));
  EXPECT_EQ(out.status, 204);
  EXPECT_NE(out.headers.find("Set-Cookie").value_or("").find("__Host-paastech=; Path=/; Max-Age=0"), std::string::npos);
  EXPECT_EQ(send(with_cookie("GET", "/api/v1/me", cookie)).status, 401);
}

TEST_F(Sessions, InABrowserNeedHttpsOrThisMachine) {
  add_client("ada");
  context_->address.api_url = "http://api.example.org";
  const net::HttpResponse refused = log_in(R"(,"cookie":true)");
  EXPECT_EQ(refused.status, 412);
  EXPECT_NE(refused.body.find("service.api_url"), std::string::npos) << refused.body;
  EXPECT_FALSE(refused.headers.find("Set-Cookie"));
  EXPECT_EQ(log_in().status, 201);
  context_->address.api_url = "http://127.0.0.1:8000";
  const std::string here = log_in(R"(,"cookie":true)").headers.find("Set-Cookie").value_or("");
  EXPECT_TRUE(here.starts_with("paastech=pt_")) << here;
  EXPECT_EQ(here.find("Secure"), std::string::npos);
}

TEST_F(Sessions, ByCookieChangeNothingWithoutTheBrowsersWordWhereItComesFrom) {
  add_client("ada");
  const std::string cookie = cookie_of(log_in(R"(,"cookie":true)"));
  const auto make = [&](const std::string& origin, const std::string& site) {
    net::ServerRequest asked = request("POST", "/api/v1/projects", "", R"({"name":"hello"})");
    asked.headers.add("Cookie", cookie);
    if (!origin.empty()) asked.headers.add("Origin", origin);
    if (!site.empty()) asked.headers.add("Sec-Fetch-Site", site);
    return send(std::move(asked)).status;
  };
  EXPECT_EQ(make("", ""), 403);
  EXPECT_EQ(make("https://evil.example", ""), 403);
  EXPECT_EQ(make("null", "same-origin"), 403);
  EXPECT_EQ(make("", "same-site"), 403);
  EXPECT_EQ(make("", "same-origin"), 201);
  EXPECT_EQ(make("https://api.example.org", ""), 409);  // it is there: the control
}

// Threat 19: whatever changes something, whoever asks.
TEST_F(Sessions, LetNoOtherSiteUseAnyRouteThatChangesSomething) {
  const store::ClientRow ada = add_client("ada", true);
  const store::ProjectRow project = add_project("hello", ada);
  const std::string token = token_of(ada);
  int asked = 0;
  for (const RouteInfo& route : HttpApi::routes()) {
    if (route.method == "GET") continue;
    std::string target(route.path);
    for (std::size_t at = target.find('{'); at != std::string::npos; at = target.find('{'))
      target.replace(at, target.find('}') - at + 1, target.substr(at).starts_with("{project}") ? "hello" : "1");
    for (const char* origin : {"https://evil.example", "null", "https://hello.user-app.example.org"}) {
      for (const std::string& who : {token, std::string()}) {
        net::ServerRequest evil = request(std::string(route.method), target, who, "");
        evil.headers.add("Origin", origin);
        const net::HttpResponse answer = send(std::move(evil));
        EXPECT_EQ(answer.status, 403) << route.method << " " << route.path << " from " << origin;
        EXPECT_FALSE(answer.headers.find("Access-Control-Allow-Origin"));
        ++asked;
      }
    }
    net::ServerRequest ours = request(std::string(route.method), target, "", "");
    ours.headers.add("Origin", "https://api.example.org");
    EXPECT_NE(send(std::move(ours)).status, 403) << "the control: " << route.method << " " << route.path;
  }
  EXPECT_GE(asked, 60);
}

TEST_F(Sessions, GiveScriptsOfOtherSitesNothingToRead) {
  net::ServerRequest preflight = request("OPTIONS", "/api/v1/projects", "", "");
  preflight.headers.add("Origin", "https://evil.example");
  preflight.headers.add("Access-Control-Request-Method", "POST");
  const net::HttpResponse answer = send(std::move(preflight));
  EXPECT_EQ(answer.status, 405);
  for (const auto& [name, value] : answer.headers.items()) EXPECT_FALSE(name.starts_with("Access-Control")) << name;
}

TEST_F(Sessions, AreRefusedToTheSuspendedAfterTheRightPasswordOnly) {
  const store::ClientRow ada = add_client("ada");
  const std::string before = token_of(ada);
  ASSERT_TRUE(database_->write([&](store::Tx& tx) { return store::set_suspended(tx, ada.id, clock_.now); }));
  EXPECT_EQ(log_in().status, 403);
  EXPECT_EQ(ask("GET", "/api/v1/me", before).status, 403);
  const net::HttpResponse wrong =
      ask("POST", "/api/v1/sessions", "", R"({"email":"ada@example.org","password":"wrong-horse-1"})");
  EXPECT_EQ(wrong.status, 401);
  ASSERT_TRUE(database_->write([&](store::Tx& tx) { return store::set_suspended(tx, ada.id, 0); }));
  EXPECT_EQ(log_in().status, 201);
}

TEST_F(Sessions, AreCountedByWhatTheTrustedProxySays) {
  add_client("ada");
  context_->trusted_proxy = CidrList::parse("192.0.2.0/24").value();
  const auto from = [&](const std::string& forwarded, const std::string& password) {
    net::ServerRequest asked =
        request("POST", "/api/v1/sessions", "",
                R"({"email":")" + new_uuid() + R"(@example.org","password":")" + password + "\"}");
    asked.headers.add("X-Forwarded-For", forwarded);
    return send(std::move(asked)).status;
  };
  for (int i = 0; i < 10; ++i) EXPECT_EQ(from("10.9.8." + std::to_string(i) + ", 203.0.113.9", "wrong"), 401);
  EXPECT_EQ(from("10.9.8.77, 203.0.113.9", "wrong"), 429);
  EXPECT_EQ(from("203.0.113.10", "wrong"), 401);
  net::ServerRequest good =
      request("POST", "/api/v1/sessions", "", R"({"email":"ada@example.org","password":"correct-horse"})");
  good.headers.add("X-Forwarded-For", "203.0.113.44");
  const auto session = json(send(std::move(good)));
  EXPECT_EQ(listed(std::string(session.at("token").as_string())).at(0).at("address"), "203.0.113.44");
}

TEST_F(Sessions, AreCheckedByFewAtATimeAndTheRestIsPutOff) {
  std::vector<TestWriter> writers(100);
  for (std::size_t i = 0; i < writers.size(); ++i) {
    peer_ = "198.51." + std::to_string(i) + ".1";
    net::ServerRequest asked = request("POST", "/api/v1/sessions", "",
                                       R"({"email":"nobody)" + std::to_string(i) + R"(@example.org","password":"x"})");
    tasks_.spawn("login", api_->handle(std::move(asked), writers[i]));
  }
  while (tasks_.size() > 0) io_.run_one();
  std::map<int, int> statuses;
  for (const TestWriter& writer : writers) {
    ++statuses[writer.response.status];
    if (writer.response.status == 503) {
      EXPECT_TRUE(writer.response.headers.find("Retry-After"));
    }
  }
  EXPECT_GE(statuses[401], 66);
  EXPECT_GE(statuses[503], 1);
  EXPECT_EQ(statuses[401] + statuses[503], 100);
  EXPECT_EQ(log_in().status, 401) << "once they are through, the next is checked again";
}

class LoginPage : public Sessions {
 protected:
  net::HttpResponse post(const std::string& target, const std::string& form, const std::string& cookie = "") {
    return send_form(target, form, "", cookie);
  }
  net::HttpResponse get(const std::string& target, const std::string& cookie = "") {
    return send(with_cookie("GET", target, cookie, ""));
  }
};

TEST_F(LoginPage, LogsInAndLeadsBack) {
  add_client("ada");
  const net::HttpResponse first = get("/device?user_code=BCDF-GHJK");
  EXPECT_EQ(first.status, 303);
  const std::string login = *first.headers.find("Location");
  EXPECT_EQ(login, "/login?then=%2Fdevice%3Fuser_code%3DBCDF-GHJK");
  const net::HttpResponse form = get(login);
  EXPECT_EQ(form.status, 200);
  EXPECT_NE(form.body.find("name=\"then\" value=\"/device?user_code=BCDF-GHJK\""), std::string::npos) << form.body;
  EXPECT_EQ(form.body.find("<script"), std::string::npos);
  const net::HttpResponse done =
      post("/login", "email=ada%40example.org&password=correct-horse&then=%2Fdevice%3Fuser_code%3DBCDF-GHJK");
  EXPECT_EQ(done.status, 303) << done.body;
  EXPECT_EQ(done.headers.find("Location"), "/device?user_code=BCDF-GHJK");
  const std::string cookie = cookie_of(done);
  EXPECT_NE(get("/login", cookie).body.find("logged in as <strong>ada"), std::string::npos);
  EXPECT_NE(post("/logout", "", cookie).body.find("logged out"), std::string::npos);
  EXPECT_EQ(send(with_cookie("GET", "/api/v1/me", cookie)).status, 401);
}

TEST_F(LoginPage, LeadsToNoOtherSite) {
  add_client("ada");
  EXPECT_EQ(get("/login?then=%2F%2Fevil.example").body.find("evil"), std::string::npos);
  const net::HttpResponse done =
      post("/login", "email=ada%40example.org&password=correct-horse&then=%2F%2Fevil.example");
  EXPECT_EQ(done.headers.find("Location"), "/login");
}

TEST_F(LoginPage, SaysOnItselfWhatWentWrong) {
  add_client("ada");
  const net::HttpResponse wrong = post("/login", "email=ada%40example.org&password=open-sesame");
  EXPECT_EQ(wrong.status, 401);
  EXPECT_NE(wrong.body.find("role=\"alert\""), std::string::npos);
  EXPECT_NE(wrong.body.find("value=\"ada@example.org\""), std::string::npos);
  EXPECT_EQ(wrong.body.find("sesame"), std::string::npos);
  for (int i = 0; i < 9; ++i) post("/login", "email=ada%40example.org&password=wrong");
  const net::HttpResponse eleventh = post("/login", "email=ada%40example.org&password=correct-horse");
  EXPECT_EQ(eleventh.status, 429);
  EXPECT_TRUE(eleventh.headers.find("Retry-After"));
  const net::HttpResponse json_body = send(request("POST", "/login", "", "{}"));
  EXPECT_EQ(json_body.status, 415);
  EXPECT_NE(json_body.headers.find("Content-Type").value_or("").find("text/html"), std::string::npos);
}

}  // namespace
}  // namespace paastech::api
