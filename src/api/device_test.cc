// A device is let in from a browser (RFC 8628), through the whole API.
#include "api/account_removal.h"
#include "api/device_login.h"
#include "api/login.h"
#include "api/test_support.h"
#include "api/token_text.h"

namespace paastech::api {
namespace {

class Device : public ApiTest {
 protected:
  Device() { context_->address.api_url = "https://api.example.org"; }
  boost::json::object begin(const std::string& name = "laptop") {
    const net::HttpResponse answer = ask("POST", "/api/v1/device/code", "", R"({"name":")" + name + "\"}");
    EXPECT_EQ(answer.status, 201) << answer.body;
    return json(answer);
  }
  net::HttpResponse poll(const boost::json::object& device) {
    return ask("POST", "/api/v1/device/token", "",
               R"({"device_code":")" + std::string(device.at("device_code").as_string()) + "\"}");
  }
  std::string outcome(const boost::json::object& device) {
    clock_.now += kPollMs;
    return std::string(json(poll(device)).at("code").as_string());
  }
  net::HttpResponse get(const std::string& target, const std::string& token) {
    return send(request("GET", target, token, ""));
  }
  net::HttpResponse post(const std::string& token, const std::string& form) {
    return send_form("/device", form, token);
  }
  static std::string user_code(const boost::json::object& device) {
    return std::string(device.at("user_code").as_string());
  }
};

TEST_F(Device, IsLetInByWhoIsLoggedInElsewhere) {
  const std::string ada = token_of(add_client("ada"));
  peer_ = "198.51.100.7";
  const auto device = begin("<b>laptop</b>");
  EXPECT_EQ(device.at("verification_uri"), "https://api.example.org/device");
  EXPECT_EQ(std::string(device.at("verification_uri_complete").as_string()),
            "https://api.example.org/device?user_code=" + user_code(device));
  EXPECT_EQ(device.at("expires_in"), 600);
  EXPECT_EQ(device.at("interval"), 5);
  EXPECT_EQ(outcome(device), "authorization_pending");
  const net::HttpResponse question = get("/device?user_code=" + user_code(device), ada);
  EXPECT_EQ(question.status, 200);
  for (const std::string& shown :
       {std::string("&lt;b&gt;laptop&lt;/b&gt;"), std::string("198.51.100.7"), user_code(device), std::string("ada")})
    EXPECT_NE(question.body.find(shown), std::string::npos) << shown << question.body;
  EXPECT_EQ(outcome(device), "authorization_pending") << "looking approves nothing";
  EXPECT_EQ(post(ada, "user_code=" + user_code(device) + "&decision=approve").status, 200);
  clock_.now += kPollMs;
  const net::HttpResponse session = poll(device);
  ASSERT_EQ(session.status, 201) << session.body;
  const std::string token(json(session).at("token").as_string());
  EXPECT_EQ(json(ask("GET", "/api/v1/me", token)).at("username"), "ada");
  EXPECT_EQ(outcome(device), "expired_token") << "it is good for one login";
}

TEST_F(Device, HasANameWithoutControlCharacters) {
  for (const char* bad : {"a\\nb", "\\u001b[2J", "a\\u009bb"}) {
    const net::HttpResponse refused = ask("POST", "/api/v1/device/code", "", R"({"name":")" + std::string(bad) + "\"}");
    EXPECT_EQ(refused.status, 422) << bad;
    EXPECT_EQ(json(refused).at("detail"), "`name` must be: one line without control characters") << bad;
  }
  begin("Käthes Rechner");
}

TEST_F(Device, IsDenied) {
  const std::string ada = token_of(add_client("ada"));
  const auto device = begin();
  EXPECT_EQ(post(ada, "user_code=" + user_code(device) + "&decision=deny").status, 200);
  EXPECT_EQ(outcome(device), "access_denied");
  EXPECT_EQ(post(ada, "user_code=" + user_code(device) + "&decision=approve").status, 404) << "decided is decided";
}

TEST_F(Device, WaitsTenMinutes) {
  const std::string ada = token_of(add_client("ada"));
  const auto device = begin();
  clock_.now += kDeviceMs - 10'000;
  EXPECT_EQ(outcome(device), "authorization_pending");
  clock_.now += 5'000;
  EXPECT_EQ(post(ada, "user_code=" + user_code(device) + "&decision=approve").status, 404);
  EXPECT_EQ(outcome(device), "expired_token");
  boost::json::object forged;
  forged["device_code"] = std::string(43, 'A');
  EXPECT_EQ(outcome(forged), "expired_token");
}

TEST_F(Device, IsToldToAskLessOften) {
  const auto device = begin();
  EXPECT_EQ(outcome(device), "authorization_pending");
  clock_.now += 1'000;
  const net::HttpResponse soon = poll(device);
  EXPECT_EQ(soon.status, 400);
  EXPECT_EQ(json(soon).at("code"), "slow_down");
  EXPECT_EQ(outcome(device), "authorization_pending");
}

TEST_F(Device, CannotBeFoundByGuessing) {
  const std::string ada = token_of(add_client("ada"));
  const auto device = begin();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(get("/device?user_code=BBBB-BBBB", ada).status, 404);
  const net::HttpResponse eleventh = get("/device?user_code=" + user_code(device), ada);
  EXPECT_EQ(eleventh.status, 429);
  EXPECT_TRUE(eleventh.headers.find("Retry-After"));
  peer_ = "203.0.113.5";
  EXPECT_EQ(get("/device?user_code=" + user_code(device), ada).status, 429) << "the account is counted too";
  clock_.now += 60'000;
  EXPECT_EQ(get("/device?user_code=" + user_code(device), ada).status, 200);
}

TEST_F(Device, IsFoundHoweverItsCodeIsTyped) {
  const std::string ada = token_of(add_client("ada"));
  const auto device = begin();
  std::string typed;
  for (const char c : user_code(device))
    if (c != '-') typed.push_back(static_cast<char>(std::tolower(c)));
  EXPECT_EQ(post(ada, "user_code=" + typed).status, 200);
  EXPECT_EQ(normal_user_code("bcdf-ghjk"), "BCDFGHJK");
  for (const char* bad : {"", "BCDF", "AEIO-UUUU", "BCDFGHJKL", "BCDF GHJ1"})
    EXPECT_EQ(normal_user_code(bad), "") << bad;
}

TEST_F(Device, IsLetInByAPersonAndNotByAToken) {
  const store::ClientRow ada = add_client("ada");
  const auto device = begin();
  store::TokenRow row;
  row.client_id = ada.id;
  row.kind = "api";
  row.scope = Scope::kManage;
  EXPECT_EQ(post(token_of(std::move(row)), "user_code=" + user_code(device) + "&decision=approve").status, 403);
  EXPECT_EQ(post("", "user_code=" + user_code(device) + "&decision=approve").status, 303);
  EXPECT_EQ(outcome(device), "authorization_pending");
}

TEST_F(Device, IsNotLetInForWhoWasSuspendedMeanwhile) {
  const store::ClientRow ada = add_client("ada");
  const auto device = begin();
  post(token_of(ada), "user_code=" + user_code(device) + "&decision=approve");
  ASSERT_TRUE(database_->write([&](store::Tx& tx) { return store::set_suspended(tx, ada.id, clock_.now); }));
  clock_.now += kPollMs;
  EXPECT_EQ(poll(device).status, 403);
}

TEST_F(Device, IsNotLetInOnceTheApprovingClientHasEndedItsOtherLogins) {
  const std::string ada = token_of(add_client("ada"));
  const auto device = begin();
  post(ada, "user_code=" + user_code(device) + "&decision=approve");
  ASSERT_EQ(ask("DELETE", "/api/v1/sessions", ada).status, 200);
  EXPECT_EQ(outcome(device), "expired_token");
}

TEST_F(Device, IsLetInByWhatHoldsAtThatMoment) {
  const store::ClientRow ada = add_client("ada");
  const auto device = begin();
  post(token_of(ada), "user_code=" + user_code(device) + "&decision=approve");
  const std::string hash = token_hash(std::string(device.at("device_code").as_string()));
  const auto use_up = [&](const std::string& client, std::int64_t now) {
    const store::TokenRow token{new_uuid(), client, new_uuid(), "laptop", now, now};
    Result<std::optional<store::ClientRow>> whose;
    EXPECT_TRUE(database_->write([&](store::Tx& tx) -> Status {
      whose = use_up_device_login(tx, hash, token);
      return {};
    }));
    return whose;
  };
  const auto suspend = [&](std::int64_t at) {
    return database_->write([&](store::Tx& tx) { return store::set_suspended(tx, ada.id, at); });
  };
  ASSERT_TRUE(suspend(clock_.now));
  EXPECT_EQ(use_up(ada.id, clock_.now).error().code, Code::kPermissionDenied);
  ASSERT_TRUE(suspend(0));
  EXPECT_FALSE(use_up(add_client("bob").id, clock_.now)->has_value());
  EXPECT_FALSE(use_up(ada.id, clock_.now + kDeviceMs)->has_value());
  EXPECT_EQ(use_up(ada.id, clock_.now).value()->id, ada.id) << "the control";
  EXPECT_FALSE(use_up(ada.id, clock_.now)->has_value()) << "it is good for one login";
}

TEST_F(Device, CanBeginAgainOnceThoseWhoFilledTheTableHaveExpired) {
  const auto count = [&] {
    std::int64_t found = -1;
    EXPECT_TRUE(database_->read([&](store::Tx& tx) -> Status {
      TRY_ASSIGN(found, store::count_device_logins(tx));
      return {};
    }));
    return found;
  };
  const Status filled = store::write_rows(*database_, 10'000, [&](store::Tx& tx, int i) {
    const std::string code = std::to_string(i);
    return store::insert_device_login(tx, {code, code, "x", "", "", "pending", 0, 1, clock_.now + 1});
  });
  ASSERT_TRUE(filled) << filled.error().message;
  EXPECT_EQ(ask("POST", "/api/v1/device/code", "", R"({"name":"x"})").status, 503) << "the control: it is full";
  clock_.now += 1;
  begin();
  EXPECT_EQ(count(), 1);
  clock_.now += kDeviceMs;
  ASSERT_TRUE(run(sweep_accounts(*context_)));
  EXPECT_EQ(count(), 0) << "the sweep takes them too";
}

TEST_F(Device, MayBeginTenTimesAMinuteFromOneAddress) {
  for (int i = 0; i < 10; ++i) begin();
  EXPECT_EQ(ask("POST", "/api/v1/device/code", "", R"({"name":"x"})").status, 429);
  peer_ = "203.0.113.5";
  begin();
}

TEST_F(Device, HasCodesOfEqualLikelihood) {
  std::map<char, int> seen;
  for (int i = 0; i < 2'000; ++i)
    for (const char c : new_user_code()) ++seen[c];
  EXPECT_EQ(seen.size(), 20u);
  for (const auto& [letter, count] : seen) EXPECT_NEAR(count, 800, 200) << letter;  // 7 standard deviations
}

}  // namespace
}  // namespace paastech::api
