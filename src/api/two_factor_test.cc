// The second factor through the whole API: set up, asked for, used up, turned off.
#include "api/test_support.h"
#include "domain/totp.h"

namespace paastech::api {
namespace {

class TwoFactor : public ApiTest {
 protected:
  static std::string decoded(const std::string& base32_text) {
    std::string out;
    unsigned buffer = 0;
    int bits = 0;
    for (const char c : base32_text) {
      buffer = (buffer << 5) | static_cast<unsigned>(std::string("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567").find(c));
      if ((bits += 5) < 8) continue;
      bits -= 8;
      out.push_back(static_cast<char>(buffer >> bits));
    }
    return out;
  }
  std::string code(std::int64_t away = 0) { return totp_code(seed_, totp_step_at(clock_.now) + away); }
  net::HttpResponse begin(const std::string& token, const std::string& password = "correct-horse") {
    return ask("POST", "/api/v1/me/two-factor", token, R"({"password":")" + password + "\"}");
  }
  // With the recovery codes.
  boost::json::array turn_on(const std::string& token) {
    seed_ = decoded(std::string(json(begin(token)).at("secret").as_string()));
    const net::HttpResponse confirmed =
        ask("POST", "/api/v1/me/two-factor/confirm", token, R"({"code":")" + code() + "\"}");
    EXPECT_EQ(confirmed.status, 200) << confirmed.body;
    return json(confirmed).at("recovery_codes").as_array();
  }
  net::HttpResponse log_in(const std::string& code_text = "", const std::string& password = "correct-horse") {
    const std::string more = code_text.empty() ? "" : R"(,"code":")" + code_text + "\"";
    return ask("POST", "/api/v1/sessions", "",
               R"({"email":"ada@example.org","password":")" + password + "\"" + more + "}");
  }
  std::string seed_;
};

TEST_F(TwoFactor, IsAskedForOnceItIsConfirmed) {
  const std::string token = token_of(add_client("ada"));
  EXPECT_EQ(begin(token, "wrong-horse-1").status, 403);
  const auto begun = json(begin(token));
  EXPECT_NE(std::string(begun.at("uri").as_string()).find("otpauth://totp/PaaSTech%20localhost:ada%40example.org"),
            std::string::npos);
  EXPECT_EQ(log_in().status, 201) << "a secret that was never confirmed locks nobody out";
  const boost::json::array codes = turn_on(token);
  EXPECT_EQ(codes.size(), 10u);
  EXPECT_EQ(json(ask("GET", "/api/v1/me", token)).at("second_factor"), true);
  const net::HttpResponse asked = log_in();
  EXPECT_EQ(asked.status, 401);
  EXPECT_EQ(json(asked).at("code"), "second_factor_required");
  EXPECT_EQ(json(log_in("", "wrong-horse-1")).at("code"), "unauthenticated") << "only after the right password";
  clock_.now += 30'000;
  EXPECT_EQ(log_in(code()).status, 201);
}

TEST_F(TwoFactor, TakesEachCodeOnce) {
  const std::string token = token_of(add_client("ada"));
  turn_on(token);
  EXPECT_EQ(log_in(code()).status, 401) << "it confirmed the second factor already";
  clock_.now += 60'000;
  const std::string now = code();
  EXPECT_EQ(log_in(now).status, 201);
  EXPECT_EQ(log_in(now).status, 401);
  EXPECT_EQ(log_in(code(-1)).status, 401);
  EXPECT_EQ(log_in(code(1)).status, 201);
  EXPECT_EQ(log_in(code(2)).status, 401);
}

TEST_F(TwoFactor, TakesEachRecoveryCodeOnce) {
  const std::string token = token_of(add_client("ada"));
  const boost::json::array codes = turn_on(token);
  const std::string first(codes.at(0).as_string());
  EXPECT_EQ(log_in("AAAA-AAAA-AAAA-AAAA").status, 401);
  EXPECT_EQ(log_in(first).status, 201);
  EXPECT_EQ(log_in(first).status, 401);
  EXPECT_EQ(json(ask("GET", "/api/v1/me/two-factor", token)).at("recovery_codes_left"), 9);
  std::string second;
  for (const char c : std::string(codes.at(1).as_string()))
    if (c != '-') second.push_back(static_cast<char>(std::tolower(c)));
  EXPECT_EQ(log_in(second).status, 201);
}

TEST_F(TwoFactor, CannotBeGuessedByWhoHasThePassword) {
  const std::string token = token_of(add_client("ada"));
  turn_on(token);
  int tried = 0;
  for (int minute = 0; minute < 4; ++minute) {
    clock_.now += 60'000;
    for (int i = 0; i < 10; ++i) {
      peer_ = "198.51.100." + std::to_string(tried);
      if (log_in("AAAA-AAAA-AAAA-AAAA").status == 401) ++tried;
    }
  }
  EXPECT_EQ(tried, 20) << "10 a minute, and 20 an hour";
  EXPECT_EQ(log_in(code()).status, 429);
  clock_.now += 3'600'000;
  EXPECT_EQ(log_in(code()).status, 201);
}

TEST_F(TwoFactor, IsTurnedOffWithBothFactors) {
  const std::string token = token_of(add_client("ada"));
  const auto off = [&](const std::string& password, const std::string& code_text) {
    return ask("DELETE", "/api/v1/me/two-factor", token,
               R"({"password":")" + password + R"(","code":")" + code_text + "\"}")
        .status;
  };
  EXPECT_EQ(off("correct-horse", "123456"), 412);
  const boost::json::array codes = turn_on(token);
  EXPECT_EQ(begin(token).status, 412);
  clock_.now += 30'000;
  EXPECT_EQ(off("wrong-horse-1", code()), 403);
  EXPECT_EQ(off("correct-horse", "AAAA-AAAA-AAAA-AAAA"), 403);
  EXPECT_EQ(off("correct-horse", code()), 204);
  EXPECT_EQ(log_in().status, 201);
  EXPECT_EQ(json(ask("GET", "/api/v1/me/two-factor", token)).at("recovery_codes_left"), 0);
  turn_on(token);
  EXPECT_EQ(log_in(std::string(codes.at(0).as_string())).status, 401) << "codes of before are void";
}

TEST_F(TwoFactor, IsAMatterOfAdministratorsWhereTheOperatorSaysSo) {
  context_->accounts.administrators_need_second_factor = true;
  const std::string root = token_of(add_client("ada", true));
  const std::string client = token_of(add_client("bob"));
  const net::HttpResponse due = ask("GET", "/api/v1/projects", root);
  EXPECT_EQ(due.status, 403);
  EXPECT_NE(due.body.find("paastech 2fa enable"), std::string::npos) << due.body;
  EXPECT_EQ(ask("GET", "/api/v1/projects", client).status, 200);
  begin(root);
  EXPECT_EQ(ask("GET", "/api/v1/projects", root).status, 403) << "begun is not done";
  turn_on(root);
  EXPECT_EQ(ask("GET", "/api/v1/projects", root).status, 200);
}

TEST_F(TwoFactor, KeepsNothingReadableInTheDatabase) {
  const store::ClientRow ada = add_client("ada");
  const std::string token = token_of(ada);
  const boost::json::array codes = turn_on(token);
  const auto row = [&] {
    std::string totp;
    EXPECT_TRUE(database_->read([&](store::Tx& tx) -> Status {
      TRY_ASSIGN(const store::ClientRow found, store::find_client(tx, ada.id));
      totp = found.totp;
      return {};
    }));
    return totp;
  }();
  EXPECT_EQ(secrets_.open(row, "totp/" + ada.id), seed_);
  EXPECT_FALSE(secrets_.open(row, "totp/" + new_uuid())) << "it opens for its own Client only";
}

TEST_F(TwoFactor, IsTheSecondStepOfThePage) {
  add_client("ada");
  const std::string token(json(log_in()).at("token").as_string());
  const boost::json::array codes = turn_on(token);
  const auto post = [&](const std::string& form) { return send_form("/login", form); };
  const net::HttpResponse step = post("email=ada%40example.org&password=correct-horse&then=%2Fdevice");
  ASSERT_EQ(step.status, 200) << step.body;
  EXPECT_FALSE(step.headers.find("Set-Cookie"));
  EXPECT_EQ(step.body.find("correct-horse"), std::string::npos);
  const std::size_t at = step.body.find("name=\"ticket\" value=\"") + 21;
  std::string ticket;
  for (const char c : step.body.substr(at, step.body.find('"', at) - at)) {
    if (c == '+') ticket += "%2B";
    if (c == '=') ticket += "%3D";
    if (c != '+' && c != '=') ticket.push_back(c);
  }
  const std::string wrong = "&code=AAAA-AAAA-AAAA-AAAA";
  EXPECT_EQ(post("ticket=" + ticket + wrong).status, 401);
  EXPECT_EQ(post("ticket=v2:k1:AAAA&code=" + std::string(codes.at(0).as_string())).status, 401);
  const net::HttpResponse done =
      post("ticket=" + ticket + "&then=%2Fdevice&code=" + std::string(codes.at(0).as_string()));
  EXPECT_EQ(done.status, 303) << done.body;
  EXPECT_EQ(done.headers.find("Location"), "/device");
  EXPECT_TRUE(done.headers.find("Set-Cookie"));
  clock_.now += 300'000;
  const net::HttpResponse late = post("ticket=" + ticket + "&code=" + std::string(codes.at(1).as_string()));
  EXPECT_EQ(late.status, 401);
  EXPECT_NE(late.body.find("took too long"), std::string::npos) << late.body;
}

}  // namespace
}  // namespace paastech::api
