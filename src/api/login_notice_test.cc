// The mail about a login from where its Client has not logged in before.
#include <gmock/gmock.h>

#include "api/mail_test_support.h"

namespace paastech::api {
namespace {

using testing::HasSubstr;

class LoginNotice : public MailTest {
 protected:
  LoginNotice() { log_in("192.0.2.1"); }

  void log_in(const std::string& from) {
    peer_ = from;
    const std::string body = R"({"email":"ada@example.org","password":"correct-horse","name":"paastech on lab"})";
    EXPECT_EQ(ask("POST", "/api/v1/sessions", "", body).status, 201) << from;
  }
  std::size_t mails() { return mails_to("ada@example.org"); }

  const store::ClientRow ada_ = add_client("ada");
};

TEST_F(LoginNotice, OfAnAddressNotSeenBeforeSaysWhenFromWhereAndWhatToDo) {
  EXPECT_EQ(mails(), 0u) << "the first login to a new account is no news";
  log_in("198.51.100.7");
  const mail::Message mail = sent_to("ada@example.org", "sign-in");
  EXPECT_THAT(mail.text, HasSubstr("198.51.100.7"));
  EXPECT_THAT(mail.text, HasSubstr("paastech on lab"));
  EXPECT_THAT(mail.text, HasSubstr("/forgot"));
}

TEST_F(LoginNotice, OfAnAddressSeenBeforeIsNotSent) {
  log_in("192.0.2.1");
  EXPECT_EQ(mails(), 0u);
  log_in("2001:db8:0:1::1");
  EXPECT_EQ(mails(), 1u) << "the control";
  log_in("2001:db8:0:1:ffff::9");  // the same network of one household: RFC 8981 gives a device new addresses daily
  log_in("192.0.2.1");
  EXPECT_EQ(mails(), 1u);
}

TEST_F(LoginNotice, OfAnAddressNotSeenFor90DaysIsSentAgain) {
  clock_.now += 89 * kDayMs;
  log_in("192.0.2.1");
  EXPECT_EQ(mails(), 0u);
  clock_.now += 91 * kDayMs;
  log_in("192.0.2.1");
  EXPECT_EQ(mails(), 1u);
}

TEST_F(LoginNotice, CountsTheOwnLoginsOnly) {
  const std::string wrong = R"({"email":"ada@example.org","password":"wrong-horse-1"})";
  peer_ = "198.51.100.7";
  EXPECT_EQ(ask("POST", "/api/v1/sessions", "", wrong).status, 401);
  add_client("bob");
  EXPECT_EQ(ask("POST", "/api/v1/sessions", "", R"({"email":"bob@example.org","password":"correct-horse"})").status,
            201);
  log_in("198.51.100.7");
  EXPECT_EQ(mails(), 1u);
}

TEST_F(LoginNotice, IsSentOfADeviceToo) {
  peer_ = "203.0.113.9";
  const boost::json::object device = json(ask("POST", "/api/v1/device/code", "", R"({"name":"tablet"})"));
  peer_ = "192.0.2.1";
  const std::string form = "decision=approve&user_code=" + std::string(device.at("user_code").as_string());
  const net::HttpResponse approved = send_form("/device", form, token_of(ada_));
  ASSERT_EQ(approved.status, 200) << approved.body;
  EXPECT_EQ(mails(), 0u);
  peer_ = "203.0.113.9";
  const std::string body = R"({"device_code":")" + std::string(device.at("device_code").as_string()) + "\"}";
  ASSERT_EQ(ask("POST", "/api/v1/device/token", "", body).status, 201);
  EXPECT_THAT(sent_to("ada@example.org", "sign-in").text, HasSubstr("203.0.113.9"));
}

}  // namespace
}  // namespace paastech::api
