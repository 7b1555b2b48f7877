#include "mail/templates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/names.h"

namespace paastech::mail {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kLink = "https://paas.example.org/confirm?a=1&b=2";
constexpr const char* kLinkInHtml = "href=\"https://paas.example.org/confirm?a=1&amp;b=2\"";

const Recipient kAda{.service = "paas.example.org", .to = "ada@example.org", .name = "ada"};
const Event kEvent{.at_ms = 1'769'860'800'000, .address = "192.0.2.1", .program = "Firefox on Linux"};

struct Named {
  std::string name;
  Message message;
  bool has_link;
};

// Every mail, with `foreign` in each place that holds somebody's text.
std::vector<Named> all_mails(const std::string& foreign, const Recipient& recipient) {
  const Event event{.at_ms = kEvent.at_ms, .address = foreign, .program = foreign};
  return {
      {"confirm_address", confirm_address(recipient, kLink, 24h), true},
      {"reset_password", reset_password(recipient, kLink, 1h), true},
      {"change_address", change_address(recipient, kLink, 1h), true},
      {"invitation_to_service", invitation_to_service(recipient, foreign, kLink, 168h), true},
      {"address_in_use", address_in_use(recipient, kLink), true},
      {"invitation_to_project", invitation_to_project(recipient, foreign, foreign, foreign, kLink, 168h), true},
      {"password_changed", password_changed(recipient, event, kLink), true},
      {"address_changed", address_changed(recipient, event, foreign), false},
      {"new_login", new_login(recipient, event, kLink), true},
      {"two_factor_off", two_factor_off(recipient, event, kLink), true},
      {"account_suspended", account_suspended(recipient, foreign), false},
  };
}

TEST(Templates, EachNamesTheServiceTheRecipientAndTheLinkInBothForms) {
  for (auto& [name, message, has_link] : all_mails("eve", kAda)) {
    EXPECT_EQ(message.to, "ada@example.org") << name;
    EXPECT_THAT(message.text, AllOf(HasSubstr("paas.example.org"), HasSubstr("Hello ada,"))) << name;
    EXPECT_THAT(message.html, AllOf(HasSubstr("paas.example.org"), HasSubstr("Hello ada,"))) << name;
    EXPECT_EQ(message.text.find(std::string("\n") + kLink + "\n") != std::string::npos, has_link) << name;
    EXPECT_EQ(message.html.find(kLinkInHtml) != std::string::npos, has_link) << name;
    EXPECT_FALSE(message.subject.empty()) << name;
    message.message_id = "id";
    const auto mail = compose(message, "paas@example.org", "paas.example.org");
    EXPECT_TRUE(mail) << name << ": " << mail.error().message;
  }
}

TEST(Templates, EachSaysWhatHappensIfOneIgnoresIt) {
  for (const auto& [name, message, has_link] : all_mails("eve", kAda)) {
    const bool request = message.text.find("ignore this message") != std::string::npos;
    const bool notice = message.text.find("If that was you, nothing is left to do.") != std::string::npos;
    EXPECT_NE(request, notice) << name;
  }
}

TEST(Templates, ForeignTextIsEscapedInHtml) {
  const std::string foreign = "<script>alert('x')</script>\"&amp;";
  const Recipient recipient{.service = "paas.example.org", .to = "ada@example.org", .name = foreign};
  for (const auto& [name, message, has_link] : all_mails(foreign, recipient)) {
    EXPECT_THAT(message.html, Not(HasSubstr("<script"))) << name;
    EXPECT_THAT(message.html, HasSubstr("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;amp;")) << name;
    EXPECT_THAT(message.text, HasSubstr(foreign)) << name;
  }
}

TEST(Templates, ForeignTextStaysOneBoundedLineWithoutSteeringCharacters) {
  const std::string steering[] = {"a\r\nBcc: eve@example.org",
                                  std::string("a\0b", 3),
                                  "a\x1b[31mb",
                                  "a\xc2\x9b"
                                  "b",
                                  "a\xe2\x80\xae"
                                  "b",
                                  "a\xe2\x81\xa6"
                                  "b",
                                  "a\xe2\x80\x8b"
                                  "b",
                                  "a\xef\xbb\xbf"
                                  "b",
                                  "a\xe2\x80\xa8"
                                  "b",
                                  "a\xd8\x9c"
                                  "b",
                                  "a\xff\xe2\x80"
                                  "b"};
  for (const std::string& foreign : steering) {
    const Recipient recipient{.service = "paas.example.org", .to = "ada@example.org", .name = foreign};
    const auto plain = all_mails("x", {.service = "paas.example.org", .to = "ada@example.org", .name = "x"});
    const auto mails = all_mails(foreign, recipient);
    for (std::size_t i = 0; i < mails.size(); ++i) {
      Message message = mails[i].message;
      EXPECT_EQ(std::ranges::count(message.text, '\n'), std::ranges::count(plain[i].message.text, '\n'))
          << mails[i].name;
      EXPECT_THAT(message.text, Not(HasSubstr(foreign))) << mails[i].name;
      EXPECT_TRUE(is_utf8(message.text)) << mails[i].name;
      message.message_id = "id";
      EXPECT_TRUE(compose(message, "paas@example.org", "paas.example.org")) << mails[i].name;
    }
  }
}

TEST(Templates, LongForeignTextIsCutAtACharacter) {
  std::string foreign;
  for (int i = 0; i < 1000; ++i) foreign += "€";
  for (auto& [name, message, has_link] :
       all_mails(foreign, {.service = "paas.example.org", .to = "ada@example.org", .name = foreign})) {
    EXPECT_LT(message.text.size(), 1500u) << name;
    EXPECT_THAT(message.text, HasSubstr("€…")) << name;
    message.message_id = "id";
    EXPECT_TRUE(compose(message, "paas@example.org", "paas.example.org")) << name;
  }
}

TEST(Templates, GreetsNobodyByNameWithoutAnAccount) {
  const Message message =
      invitation_to_service({.service = "paas.example.org", .to = "new@example.org"}, "ada", kLink, 168h);
  EXPECT_TRUE(message.text.starts_with("Hello,\n\n"));
  EXPECT_THAT(message.text, HasSubstr("The link works once, for 7 days."));
}

TEST(Templates, SaysHowLongALinkWorks) {
  EXPECT_THAT(reset_password(kAda, kLink, 1min).text, HasSubstr("for 1 minute."));
  EXPECT_THAT(reset_password(kAda, kLink, 30min).text, HasSubstr("for 30 minutes."));
  EXPECT_THAT(reset_password(kAda, kLink, 60min).text, HasSubstr("for 1 hour."));
  EXPECT_THAT(reset_password(kAda, kLink, 90min).text, HasSubstr("for 90 minutes."));
  EXPECT_THAT(reset_password(kAda, kLink, 24h).text, HasSubstr("for 24 hours."));
  EXPECT_THAT(reset_password(kAda, kLink, 48h).text, HasSubstr("for 2 days."));
}

TEST(Templates, NoticesSayWhenFromWhereAndWithWhat) {
  EXPECT_THAT(new_login(kAda, kEvent, kLink).text,
              HasSubstr("on 2026-01-31 at 12:00 UTC, from 192.0.2.1, with Firefox on Linux."));
  EXPECT_THAT(new_login(kAda, {.at_ms = kEvent.at_ms}, kLink).text, HasSubstr("on 2026-01-31 at 12:00 UTC."));
  EXPECT_THAT(password_changed(kAda, kEvent, "").text, Not(HasSubstr("http")));
}

TEST(Templates, AnInvitationToAProjectSaysToWhatAndAsWhat) {
  const Message message = invitation_to_project(kAda, "eve", "shop", "maintainer", kLink, 168h);
  EXPECT_EQ(message.subject, "An invitation to the project shop");
  EXPECT_THAT(message.text, HasSubstr("eve invites you to the project shop at paas.example.org, as its maintainer."));
}

TEST(Templates, ASuspensionGivesItsReasonWhereThereIsOne) {
  EXPECT_THAT(account_suspended(kAda, "unpaid").text, HasSubstr("The reason: unpaid\n"));
  EXPECT_THAT(account_suspended(kAda, "").text, Not(HasSubstr("The reason")));
}

}  // namespace
}  // namespace paastech::mail
