// What a Client does with its own account: password, address, its end – through the whole API.
#include <gmock/gmock.h>

#include "api/account_removal.h"
#include "api/mail_test_support.h"
#include "store/accounts.h"
#include "store/members.h"

namespace paastech::api {
namespace {

using testing::HasSubstr;

class MyAccount : public MailTest {
 protected:
  static std::string text(boost::json::object body) { return boost::json::serialize(body); }
  int log_in(const std::string& email, const std::string& password) {
    return ask("POST", "/api/v1/sessions", "", text({{"email", email}, {"password", password}})).status;
  }
  net::HttpResponse change_password(const std::string& token, const std::string& current, const std::string& wanted) {
    return ask("POST", "/api/v1/me/password", token, text({{"current", current}, {"password", wanted}}));
  }
  net::HttpResponse remove(const std::string& token, const std::string& name, const std::string& password) {
    return ask("DELETE", "/api/v1/me?confirm=" + name, token, text({{"password", password}}));
  }
  bool exists(const store::ClientRow& client) {
    return database_
        ->read([&](store::Tx& tx) -> Status {
          TRY(store::find_client(tx, client.id));
          return {};
        })
        .has_value();
  }
};

TEST_F(MyAccount, ANewPasswordEndsTheOtherLoginsAndIsTold) {
  const store::ClientRow ada = add_client("ada");
  const std::string here = token_of(ada);
  const std::string elsewhere = token_of(ada);
  EXPECT_EQ(change_password(here, "wrong-horse-1", "staple-of-my-own").status, 403);
  EXPECT_EQ(change_password(here, "correct-horse", "qwertyuiop").status, 422);
  EXPECT_EQ(change_password(here, "correct-horse", "my-ada-secret").status, 422);
  EXPECT_EQ(ask("GET", "/api/v1/me", elsewhere).status, 200);
  const net::HttpResponse done = change_password(here, "correct-horse", "staple-of-my-own");
  ASSERT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(json(done).at("sessions_ended"), 1);
  EXPECT_EQ(ask("GET", "/api/v1/me", here).status, 200);
  EXPECT_EQ(ask("GET", "/api/v1/me", elsewhere).status, 401);
  EXPECT_EQ(log_in("ada@example.org", "correct-horse"), 401);
  EXPECT_EQ(log_in("ada@example.org", "staple-of-my-own"), 201);
  EXPECT_THAT(sent_to("ada@example.org", "was changed").text, HasSubstr("192.0.2.1"));
}

TEST_F(MyAccount, WrongPasswordsAreLimitedThereToo) {
  const std::string token = token_of(add_client("ada"));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(change_password(token, "wrong-horse-1", "staple-of-my-own").status, 403);
  const net::HttpResponse eleventh = change_password(token, "correct-horse", "staple-of-my-own");
  EXPECT_EQ(eleventh.status, 429);
  EXPECT_TRUE(eleventh.headers.find("Retry-After"));
}

TEST_F(MyAccount, WithoutMailAPasswordStillChanges) {
  context_->mails = nullptr;
  const std::string token = token_of(add_client("ada"));
  EXPECT_EQ(change_password(token, "correct-horse", "staple-of-my-own").status, 200);
}

TEST_F(MyAccount, AnAddressChangesWhenTheNewOneIsConfirmed) {
  const store::ClientRow ada = add_client("ada");
  const std::string token = token_of(ada);
  add_client("bob");
  const auto change = [&](const std::string& email, const std::string& password) {
    return ask("POST", "/api/v1/me/email", token, text({{"email", email}, {"password", password}}));
  };
  EXPECT_EQ(change("new@example.org", "wrong-horse-1").status, 403);
  EXPECT_EQ(change("ada@example.org", "correct-horse").status, 422);
  const net::HttpResponse asked = change("New@example.org", "correct-horse");
  const net::HttpResponse taken = change("bob@example.org", "correct-horse");
  EXPECT_EQ(asked.status, 202);
  EXPECT_EQ(asked.body, taken.body) << "who else has an account is not told";
  const std::string secret = secret_in(sent_to("new@example.org", "Confirm your new address"));
  EXPECT_EQ(mails_to("bob@example.org"), 0u);
  EXPECT_EQ(json(ask("GET", "/api/v1/me", token)).at("email"), "ada@example.org");
  const net::HttpResponse confirmed = ask("POST", "/api/v1/confirmations", "", text({{"secret", secret}}));
  ASSERT_EQ(confirmed.status, 200) << confirmed.body;
  EXPECT_EQ(json(ask("GET", "/api/v1/me", token)).at("email"), "new@example.org");
  EXPECT_THAT(sent_to("ada@example.org", "Your address").text, HasSubstr("new@example.org"));
}

TEST_F(MyAccount, AnAddressThatWasTakenMeanwhileIsRefused) {
  const std::string token = token_of(add_client("ada"));
  ask("POST", "/api/v1/me/email", token, text({{"email", "new@example.org"}, {"password", "correct-horse"}}));
  const std::string secret = secret_in(sent_to("new@example.org", "Confirm your new address"));
  add_client("new");
  EXPECT_EQ(ask("POST", "/api/v1/confirmations", "", text({{"secret", secret}})).status, 409);
  EXPECT_EQ(json(ask("GET", "/api/v1/me", token)).at("email"), "ada@example.org");
}

TEST_F(MyAccount, DeletionSaysWhatGoesAndTakesIt) {
  const store::ClientRow ada = add_client("ada");
  const store::ClientRow bob = add_client("bob");
  const std::string token = token_of(ada);
  const store::ProjectRow own = add_project("own", ada);
  const store::ProjectRow shared = add_project("shared", bob);
  ASSERT_TRUE(
      database_->write([&](store::Tx& tx) { return store::set_member(tx, {shared.id, ada.id, Role::kViewer, 1}); }));
  const auto goes = json(ask("GET", "/api/v1/me/deletion", token));
  EXPECT_EQ(goes.at("projects"), boost::json::array{"own"});
  EXPECT_EQ(goes.at("memberships"), 1);
  EXPECT_EQ(goes.at("sessions"), 1);
  EXPECT_EQ(remove(token, "bob", "correct-horse").status, 422);
  EXPECT_EQ(remove(token, "ada", "wrong-horse-1").status, 403);
  EXPECT_EQ(ask("GET", "/api/v1/me", token).status, 200);
  const net::HttpResponse done = remove(token, "ada", "correct-horse");
  ASSERT_EQ(done.status, 202) << done.body;
  EXPECT_EQ(ask("GET", "/api/v1/me", token).status, 401);
  settle();
  EXPECT_FALSE(exists(ada));
  EXPECT_EQ(controller_->asked, std::vector<std::string>{"delete"});
  EXPECT_EQ(ask("GET", "/api/v1/projects/own", token_of(bob)).status, 404);
  EXPECT_EQ(ask("GET", "/api/v1/projects/shared", token_of(bob)).status, 200);
}

TEST_F(MyAccount, TheLastAdministratorStays) {
  const store::ClientRow root = add_client("root", true);
  const std::string token = token_of(root);
  const net::HttpResponse refused = remove(token, "root", "correct-horse");
  EXPECT_EQ(refused.status, 412) << refused.body;
  EXPECT_EQ(ask("GET", "/api/v1/me", token).status, 200);
  add_client("second", true);
  EXPECT_EQ(remove(token, "root", "correct-horse").status, 202);
}

// What a killed process left: the account is shut, its Projects are still there.
TEST_F(MyAccount, ADeletionThatWasCutOffIsGoneOnWith) {
  const store::ClientRow ada = add_client("ada");
  const store::ClientRow bob = add_client("bob");
  add_project("one", ada);
  add_project("two", ada);
  ASSERT_TRUE(database_->write([&](store::Tx& tx) { return store::begin_deletion(tx, ada.id, clock_.now); }));
  ASSERT_TRUE(exists(ada));
  ASSERT_TRUE(run(sweep_accounts(*context_)));
  EXPECT_FALSE(exists(ada));
  EXPECT_EQ(controller_->asked.size(), 2u);
  EXPECT_TRUE(exists(bob));
}

}  // namespace
}  // namespace paastech::api
