// Logging in, tokens, accounts, keys – through the whole API.
#include "api/test_support.h"

#include <sodium.h>

namespace paastech::api {
namespace {

const std::string kKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIsLLa8k+YwzKbXyJfbCx4B+VbKbpGCKXT/tx2UhYd2u ada@laptop";

class Account : public ApiTest {
 protected:
  net::HttpResponse log_in(const std::string& email, const std::string& password) {
    boost::json::object body;
    body["email"] = email;
    body["password"] = password;
    return ask("POST", "/api/v1/sessions", "", boost::json::serialize(body));
  }
};

TEST_F(Account, LogsInAndOutWithARevocableTokenKeptHashed) {
  add_client("ada");
  const net::HttpResponse answer = log_in("ADA@example.org", "correct-horse");
  ASSERT_EQ(answer.status, 201) << answer.body;
  const std::string token(json(answer).at("token").as_string());
  EXPECT_EQ(token.size(), 46u);
  EXPECT_EQ(json(ask("GET", "/api/v1/me", token)).at("username"), "ada");
  Status kept = database_->read([&](store::Tx& tx) -> Status {
    TRY(store::find_token(tx, token_hash(token)));
    return {};
  });
  EXPECT_TRUE(kept);
  EXPECT_FALSE(database_->read([&](store::Tx& tx) -> Status {
    TRY(store::find_token(tx, token));
    return {};
  }));
  EXPECT_EQ(ask("DELETE", "/api/v1/sessions/current", token).status, 204);
  EXPECT_EQ(ask("GET", "/api/v1/me", token).status, 401);
}

TEST_F(Account, TakesNoTokenThatIsForgedOrMisshapen) {
  const std::string token = token_of(add_client("ada"));
  EXPECT_EQ(ask("GET", "/api/v1/me", token).status, 200);
  std::string forged = token;
  forged.back() = forged.back() == 'A' ? 'B' : 'A';
  const std::string hash = token_hash(token);
  for (const std::string& bad :
       {forged, hash, token + "A", token.substr(1), std::string("pt_"), std::string("' OR 1=1")})
    EXPECT_EQ(ask("GET", "/api/v1/me", bad).status, 401) << bad;
  net::ServerRequest basic = request("GET", "/api/v1/me", "", "");
  basic.headers.add("Authorization", "Basic " + token);
  EXPECT_EQ(send(std::move(basic)).status, 401);
  net::ServerRequest lower_case = request("GET", "/api/v1/me", "", "");
  lower_case.headers.add("Authorization", "bearer " + token);
  EXPECT_EQ(send(std::move(lower_case)).status, 200);
}

TEST_F(Account, NotesATokensUseAtMostOnceAMinute) {
  const std::string token = token_of(add_client("ada"));
  const auto last_used = [&] {
    while (tasks_.size() > 0) io_.run_one();  // it is noted beside the answer
    std::int64_t at = 0;
    EXPECT_TRUE(database_->read([&](store::Tx& tx) -> Status {
      TRY_ASSIGN(store::TokenRow row, store::find_token(tx, token_hash(token)));
      at = row.last_used_at;
      return {};
    }));
    return at;
  };
  const std::int64_t issued = clock_.now;
  clock_.now = issued + 59'999;
  ask("GET", "/api/v1/me", token);
  EXPECT_EQ(last_used(), issued);
  clock_.now = issued + 60'000;
  ask("GET", "/api/v1/me", token);
  EXPECT_EQ(last_used(), issued + 60'000);
}

TEST_F(Account, AnswersAnUnknownAddressLikeAWrongPassword) {
  add_client("ada");
  auto wrong = json(log_in("ada@example.org", "wrong-horse-1"));
  auto unknown = json(log_in("bob@example.org", "wrong-horse-1"));
  EXPECT_EQ(wrong.at("status"), 401);
  wrong.erase("request_id");
  unknown.erase("request_id");
  EXPECT_EQ(wrong, unknown);
}

// The time is equal because the work is: the dummy has the very parameters of a true hash, and is verified in full.
TEST_F(Account, ChecksAnUnknownAddressAgainstAHashOfTheSameCost) {
  const std::string true_hash = hash_password("x");
  const std::string dummy(dummy_password_hash());
  const std::size_t salt = true_hash.find("p=1$");
  ASSERT_NE(salt, std::string::npos);
  EXPECT_EQ(true_hash.substr(0, salt), dummy.substr(0, salt));
  EXPECT_EQ(true_hash.size(), dummy.size());
  EXPECT_EQ(crypto_pwhash_str_needs_rehash(dummy.c_str(), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                           crypto_pwhash_MEMLIMIT_INTERACTIVE),
            0);
  EXPECT_FALSE(verify_password(dummy, "x"));
}

TEST_F(Account, RefusesTheEleventhFailureInAMinuteFromAnAddress) {
  add_client("ada");
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(log_in("nobody" + std::to_string(i) + "@example.org", "wrong-horse-1").status, 401);
  net::ServerRequest eleventh =
      request("POST", "/api/v1/sessions", "", R"({"email":"ada@example.org","password":"correct-horse"})");
  eleventh.headers.add("X-Forwarded-For", "203.0.113.9");  // a header moves nobody
  const net::HttpResponse answer = send(std::move(eleventh));
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.headers.find("Retry-After"), "60");
  peer_ = "192.0.2.2";
  EXPECT_EQ(log_in("ada@example.org", "correct-horse").status, 201);
  peer_ = "192.0.2.1";
  clock_.now += 60'000;
  EXPECT_EQ(log_in("ada@example.org", "correct-horse").status, 201);
}

TEST_F(Account, LogsNobodyInByWhatIsNoAddressAndCountsItAsAFailure) {
  store::ClientRow odd = add_client("odd");
  odd.id = new_uuid();
  odd.username = "odder";
  odd.email = "odd one@example.org";  // no address, so none that anything here would have stored
  ASSERT_TRUE(database_->write([&](store::Tx& tx) { return store::insert_client(tx, odd); }));
  EXPECT_EQ(log_in("odd@example.org", "correct-horse").status, 201) << "the control";
  for (int i = 0; i < 10; ++i) EXPECT_EQ(log_in(odd.email, "correct-horse").status, 401);
  EXPECT_EQ(log_in("odd@example.org", "correct-horse").status, 429);
  peer_ = "203.0.113.1";
  EXPECT_EQ(log_in(std::string("odd@example.org") + '\0' + "1", "correct-horse").status, 422);
}

TEST_F(Account, RefusesTheEleventhFailureInAMinuteOfAnAccountFromManyAddresses) {
  add_client("ada");
  for (int i = 0; i < 10; ++i) {
    peer_ = "198.51.100." + std::to_string(i);
    EXPECT_EQ(log_in("Ada@example.org", "wrong-horse-1").status, 401);
  }
  peer_ = "203.0.113.1";
  EXPECT_EQ(log_in("ada@example.org", "correct-horse").status, 429);
}

TEST_F(Account, DoesNotCountLoginsThatSucceed) {
  add_client("ada");
  for (int i = 0; i < 12; ++i) ASSERT_EQ(log_in("ada@example.org", "correct-horse").status, 201);
}

TEST_F(Account, IsMadeByTheAdministratorAndLogsIn) {
  const std::string administrator = token_of(add_client("root", true));
  const net::HttpResponse made =
      ask("POST", "/api/v1/clients", administrator, R"({"email":"Ada@Example.org","username":"Ada"})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(json(made).at("email"), "ada@example.org");
  const std::string password(json(made).at("password").as_string());
  EXPECT_GE(password.size(), 20u);
  EXPECT_EQ(log_in("ada@example.org", password).status, 201);
  EXPECT_EQ(ask("POST", "/api/v1/clients", administrator, R"({"email":"ada@example.org","username":"ada2"})").status,
            409);
  EXPECT_EQ(ask("POST", "/api/v1/clients", administrator, R"({"email":"a@example.org","username":"ada"})").status, 409);
  const net::HttpResponse given = ask("POST", "/api/v1/clients", administrator,
                                      R"({"email":"bob@example.org","username":"bob","password":"long-enough-1"})");
  EXPECT_EQ(given.status, 201);
  EXPECT_FALSE(json(given).contains("password"));
  for (const char* bad : {R"({"email":"no","username":"carl"})", R"({"email":"c@example.org","username":"-"})",
                          R"({"email":"c@example.org","username":"carl","password":"short"})",
                          R"({"email":"c@example.org","username":"carl","administrator":"yes"})"})
    EXPECT_EQ(ask("POST", "/api/v1/clients", administrator, bad).status, 422) << bad;
}

TEST_F(Account, KeepsKeysThatBelongToOneClientOnly) {
  const std::string ada = token_of(add_client("ada"));
  const std::string bob = token_of(add_client("bob"));
  boost::json::object body;
  body["public_key"] = kKey;
  const net::HttpResponse added = ask("POST", "/api/v1/keys", ada, boost::json::serialize(body));
  ASSERT_EQ(added.status, 201) << added.body;
  EXPECT_EQ(json(added).at("fingerprint"), "SHA256:RsIHhTp1RyP0n6hGbw0+1Q3dl3f07TRiP/p4hr2QCy4");
  EXPECT_EQ(json(added).at("comment"), "ada@laptop");
  EXPECT_EQ(ask("POST", "/api/v1/keys", bob, boost::json::serialize(body)).status, 409);
  const std::string path = "/api/v1/keys/" + std::string(json(added).at("id").as_string());
  EXPECT_EQ(ask("DELETE", path, bob).status, 404);
  EXPECT_EQ(ask("DELETE", path).status, 401);
  EXPECT_EQ(json(ask("GET", "/api/v1/keys", bob)).at("items").as_array().size(), 0u);
  EXPECT_EQ(json(ask("GET", "/api/v1/keys", ada)).at("items").as_array().size(), 1u);
  EXPECT_EQ(ask("DELETE", path, ada).status, 204);
  EXPECT_EQ(ask("DELETE", path, ada).status, 404);
  EXPECT_EQ(ask("POST", "/api/v1/keys", bob, boost::json::serialize(body)).status, 201);
  EXPECT_EQ(ask("POST", "/api/v1/keys", ada, R"({"public_key":"-----BEGIN OPENSSH PRIVATE KEY-----\nx"})").status, 422);
}

}  // namespace
}  // namespace paastech::api
