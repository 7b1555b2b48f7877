#include "mail/smtp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mail/test_server.h"

namespace paastech::mail {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kPassword = "s3cret \"pass\\word\" ü";

SmtpOptions options_of(int port, std::string security = "none") {
  SmtpOptions options;
  options.host = "127.0.0.1";
  options.port = port;
  options.security = std::move(security);
  options.from = "PaaSTech <paas@example.org>";
  options.service = "paas.example.org";
  options.timeout_s = 20;
  return options;
}

Message message_to(std::string to) {
  Message message;
  message.to = std::move(to);
  message.subject = "Grüße aus Île-de-France, 日本 🚀";
  message.text =
      "Hello,\n\n.a line with a dot\nFrom the start\n" + std::string(5000, 'x') + "\ntrailing \n= ü 日本 🚀\n";
  message.html = "<p>" + std::string(3000, 'y') + "é</p>\n.\n";
  message.message_id = "0198-abc";
  message.date_ms = 1'769'860'800'123;  // 2026-01-31 12:00:00 UTC
  return message;
}

std::string text_at(const boost::json::object& mail, const char* name) {
  return std::string(mail.at(name).as_string());
}

TEST(Smtp, AMailArrivesIntact) {
  const SmtpServer server;
  const Message message = message_to("ada@example.org");
  const Status sent = send(options_of(server.port()), message);
  ASSERT_TRUE(sent) << sent.error().message;
  const auto mails = server.mails();
  ASSERT_EQ(mails.size(), 1u);
  const auto& mail = mails[0];
  EXPECT_EQ(text_at(mail, "mail_from"), "paas@example.org");
  EXPECT_EQ(boost::json::serialize(mail.at("rcpt_tos")), R"(["ada@example.org"])");
  EXPECT_EQ(text_at(mail, "helo"), "paas.example.org");
  EXPECT_EQ(text_at(mail, "text"), message.text);
  EXPECT_EQ(text_at(mail, "html"), message.html);
  EXPECT_EQ(text_at(mail, "type"), "multipart/alternative");
  EXPECT_EQ(boost::json::serialize(mail.at("defects")), "[]");
  EXPECT_EQ(mail.at("date").to_number<double>(), 1'769'860'800);
  const auto& headers = mail.at("headers").as_object();
  EXPECT_EQ(text_at(headers, "subject"), message.subject);
  EXPECT_EQ(text_at(headers, "from"), "PaaSTech <paas@example.org>");
  EXPECT_EQ(text_at(headers, "to"), "ada@example.org");
  EXPECT_EQ(text_at(headers, "message-id"), "<0198-abc@paas.example.org>");
  EXPECT_EQ(text_at(headers, "auto-submitted"), "auto-generated");
}

TEST(Smtp, StarttlsWithAVerifiedCertificateAndTheRightPassword) {
  const SmtpServer server({"--security", "starttls", "--user", "paas", "--password", kPassword});
  SmtpOptions options = options_of(server.port(), "starttls");
  options.ca_file = server.certificate();
  options.username = "paas";
  options.password = kPassword;
  const Status sent = send(options, message_to("ada@example.org"));
  ASSERT_TRUE(sent) << sent.error().message;
  const auto mails = server.mails();
  ASSERT_EQ(mails.size(), 1u);
  EXPECT_TRUE(mails[0].at("tls").as_bool());
  EXPECT_EQ(text_at(mails[0], "user"), "paas");
}

TEST(Smtp, EitherWayToSayThePasswordIsEnough) {
  for (const char* missing : {"PLAIN", "LOGIN"}) {
    const SmtpServer server({"--user", "paas", "--password", kPassword, "--without", missing});
    SmtpOptions options = options_of(server.port());
    options.username = "paas";
    options.password = kPassword;
    const Status sent = send(options, message_to("ada@example.org"));
    ASSERT_TRUE(sent) << missing << ": " << sent.error().message;
    EXPECT_EQ(text_at(server.mails().at(0), "user"), "paas") << missing;
  }
}

TEST(Smtp, TlsFromTheFirstByte) {
  const SmtpServer server({"--security", "tls", "--user", "paas", "--password", kPassword});
  SmtpOptions options = options_of(server.port(), "tls");
  options.ca_file = server.certificate();
  options.username = "paas";
  options.password = kPassword;
  const Status sent = send(options, message_to("ada@example.org"));
  ASSERT_TRUE(sent) << sent.error().message;
  const auto mails = server.mails();
  ASSERT_EQ(mails.size(), 1u);
  EXPECT_TRUE(mails[0].at("tls").as_bool());
  EXPECT_EQ(text_at(mails[0], "user"), "paas");
}

TEST(Smtp, AWrongPasswordIsTheOperatorsMatterAndNeverShown) {
  const SmtpServer server({"--security", "starttls", "--user", "paas", "--password", kPassword});
  SmtpOptions options = options_of(server.port(), "starttls");
  options.ca_file = server.certificate();
  options.username = "paas";
  options.password = "not-the-password";
  const Status sent = send(options, message_to("ada@example.org"));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(sent.error().message, HasSubstr("refuses user name and password: 535"));
  EXPECT_THAT(sent.error().message + sent.error().hint, Not(HasSubstr("not-the-password")));
  EXPECT_TRUE(server.mails().empty());
  options.password = kPassword;
  EXPECT_TRUE(send(options, message_to("ada@example.org")));
}

TEST(Smtp, ACertificateOfAnUnknownAuthorityIsRefused) {
  for (const char* security : {"starttls", "tls"}) {
    const SmtpServer server({"--security", security});
    const Status sent = send(options_of(server.port(), security), message_to("ada@example.org"));
    ASSERT_FALSE(sent) << security;
    EXPECT_EQ(sent.error().code, Code::kFailedPrecondition) << security;
    EXPECT_THAT(sent.error().message, HasSubstr("certificate")) << security;
    EXPECT_TRUE(server.mails().empty()) << security;
  }
}

TEST(Smtp, ACertificateForAnotherNameIsRefused) {
  const SmtpServer server({"--security", "starttls"});
  SmtpOptions options = options_of(server.port(), "starttls");
  options.ca_file = server.certificate();  // which is for 127.0.0.1
  options.host = "localhost";
  const Status sent = send(options, message_to("ada@example.org"));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(sent.error().message, HasSubstr("certificate"));
  EXPECT_TRUE(server.mails().empty());
  options.host = "127.0.0.1";
  EXPECT_TRUE(send(options, message_to("ada@example.org")));
}

TEST(Smtp, AServerWithoutStarttlsGetsNothing) {
  const SmtpServer server;
  const Status sent = send(options_of(server.port(), "starttls"), message_to("ada@example.org"));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(sent.error().message, HasSubstr("no STARTTLS"));
  EXPECT_TRUE(server.mails().empty());
}

TEST(Smtp, TemporaryRefusalsAreToBeTriedAgain) {
  const SmtpServer server;
  for (const auto& [to, words] : {std::pair{"later@example.org", "451 4.3.0 the mailbox is locked, try again"},
                                  std::pair{"full@example.org", "452 4.2.2 the mailbox is full"},
                                  std::pair{"busy@example.org", "451 4.7.1 greylisted"}}) {
    const Status sent = send(options_of(server.port()), message_to(to));
    ASSERT_FALSE(sent) << to;
    EXPECT_EQ(sent.error().code, Code::kUnavailable) << to;
    EXPECT_THAT(sent.error().message, HasSubstr(words));
  }
  EXPECT_TRUE(server.mails().empty());
}

TEST(Smtp, LastingRefusalsAreNotTriedAgain) {
  const SmtpServer server;
  const Status unknown = send(options_of(server.port()), message_to("unknown@example.org"));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Code::kInvalidArgument);
  EXPECT_THAT(unknown.error().message, HasSubstr("refuses the recipient: 550 5.1.1 no such user here"));
  EXPECT_THAT(unknown.error().message, Not(HasSubstr("unknown@")));
  const Status spam = send(options_of(server.port()), message_to("spam@example.org"));
  ASSERT_FALSE(spam);
  EXPECT_EQ(spam.error().code, Code::kInvalidArgument);
  EXPECT_THAT(spam.error().message, HasSubstr("refuses the mail: 554 5.7.1 this looks like spam"));
  EXPECT_TRUE(server.mails().empty());
}

TEST(Smtp, ARefusedSenderIsTheOperatorsMatter) {
  const SmtpServer server;
  SmtpOptions options = options_of(server.port());
  options.from = "stranger@example.org";
  const Status sent = send(options, message_to("ada@example.org"));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(sent.error().message, HasSubstr("refuses the sender: 553"));
}

TEST(Smtp, TheServersWordsAreMadePrintable) {
  const SmtpServer server;
  const Status sent = send(options_of(server.port()), message_to("odd@example.org"));
  ASSERT_FALSE(sent);
  EXPECT_THAT(sent.error().message, HasSubstr("550 5.1.1 ?[31mred??and ??mlaut"));
}

TEST(Smtp, WordsWithThePasswordAreNotShown) {
  const SmtpServer server({"--user", "paas", "--password", "mlaut"});
  SmtpOptions options = options_of(server.port());
  options.username = "paas";
  options.password = "mlaut";  // which its answer to this recipient holds
  const Status sent = send(options, message_to("odd@example.org"));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Code::kInvalidArgument);
  EXPECT_THAT(sent.error().message, Not(HasSubstr("mlaut")));
}

TEST(Smtp, AConnectionThatBreaksOffIsToBeTriedAgain) {
  const SmtpServer server;
  const Status sent = send(options_of(server.port()), message_to("cut@example.org"));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Code::kUnavailable) << sent.error().message;
}

TEST(Smtp, AServerThatIsAwayIsToBeTriedAgain) {
  const DeafServer nobody(false);
  const Status sent = send(options_of(nobody.port()), message_to("ada@example.org"));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Code::kUnavailable);
  EXPECT_THAT(sent.error().message, HasSubstr("Connection refused"));
}

TEST(Smtp, AServerThatNeverAnswersIsLeft) {
  const DeafServer deaf(true);
  for (const char* security : {"none", "starttls", "tls"}) {
    SmtpOptions options = options_of(deaf.port(), security);
    options.timeout_s = 1;
    const Status sent = send(options, message_to("ada@example.org"));
    ASSERT_FALSE(sent) << security;
    EXPECT_EQ(sent.error().code, Code::kUnavailable) << security;
    EXPECT_THAT(sent.error().message, HasSubstr("did not answer within 1 s")) << security;
  }
}

TEST(Smtp, EndsEarlyWhereItIsToStop) {
  const DeafServer deaf(true);
  SmtpOptions options = options_of(deaf.port());
  options.timeout_s = 100;  // the test's own deadline is not much longer
  const std::atomic<bool> stop = true;
  const Status sent = send(options, message_to("ada@example.org"), &stop);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Code::kUnavailable);
  EXPECT_THAT(sent.error().message, HasSubstr("stopped"));
  const SmtpServer server;
  const std::atomic<bool> go = false;
  EXPECT_TRUE(send(options_of(server.port()), message_to("ada@example.org"), &go));
}

TEST(Smtp, NeitherAddressNorSubjectAddRecipientsOrHeaders) {
  const SmtpServer server;
  const std::string evil[] = {"ada@example.org\r\nRCPT TO:<eve@example.org>",
                              "ada@example.org>\r\nDATA",
                              "ada@example.org, eve@example.org",
                              "ada@example.org\nBcc: eve@example.org",
                              "<ada@example.org> NOTIFY=SUCCESS",
                              "ada@example.org> SIZE=1"};
  for (const std::string& to : evil) {
    const Status sent = send(options_of(server.port()), message_to(to));
    ASSERT_FALSE(sent) << to;
    EXPECT_EQ(sent.error().code, Code::kInvalidArgument) << to;
  }
  Message message = message_to("ada@example.org");
  message.subject = "hello\r\nBcc: eve@example.org";
  ASSERT_FALSE(send(options_of(server.port()), message));
  EXPECT_TRUE(server.mails().empty());
  message.subject = "hello Bcc: eve@example.org";
  message.text = "Bcc: eve@example.org\n.\nQUIT\n--=_paastech--\n";
  ASSERT_TRUE(send(options_of(server.port()), message));
  const auto mails = server.mails();
  ASSERT_EQ(mails.size(), 1u);
  EXPECT_EQ(boost::json::serialize(mails[0].at("rcpt_tos")), R"(["ada@example.org"])");
  EXPECT_EQ(text_at(mails[0], "text"), message.text);
  EXPECT_EQ(boost::json::serialize(mails[0].at("names")),
            R"(["From","To","Subject","Date","Message-ID","Auto-Submitted","MIME-Version","Content-Type"])");
}

TEST(Smtp, ProxiesOfTheEnvironmentAreNotUsed) {
  const SmtpServer server;
  const DeafServer nobody(false);
  const std::string proxy = "http://127.0.0.1:" + std::to_string(nobody.port());
  for (const char* name : {"no_proxy", "NO_PROXY"}) ::unsetenv(name);  // each test is a process of its own
  for (const char* name : {"all_proxy", "ALL_PROXY", "smtp_proxy"}) ::setenv(name, proxy.c_str(), 1);
  const Status sent = send(options_of(server.port()), message_to("ada@example.org"));
  for (const char* name : {"all_proxy", "ALL_PROXY", "smtp_proxy"}) ::unsetenv(name);
  EXPECT_TRUE(sent) << sent.error().message;
}

TEST(SmtpOptions, WrongValuesAreNamedAtStart) {
  const SmtpOptions good = options_of(587, "starttls");
  ASSERT_TRUE(check(good)) << check(good).error().message;
  const auto refused = [&good](auto change, const char* word) {
    SmtpOptions options = good;
    change(options);
    const Status status = check(options);
    ASSERT_FALSE(status) << word;
    EXPECT_EQ(status.error().code, Code::kInvalidArgument);
    EXPECT_THAT(status.error().message, HasSubstr(word));
    const Status sent = send(options, message_to("ada@example.org"));
    ASSERT_FALSE(sent) << word;
    EXPECT_EQ(sent.error().code, Code::kFailedPrecondition) << "the mail itself is good";
  };
  refused([](SmtpOptions& o) { o.host = ""; }, "server");
  refused([](SmtpOptions& o) { o.host = "mail.example.org/x@evil"; }, "server");
  refused([](SmtpOptions& o) { o.host = "smtp://mail.example.org"; }, "server");
  refused([](SmtpOptions& o) { o.port = 0; }, "port");
  refused([](SmtpOptions& o) { o.port = 65536; }, "port");
  refused([](SmtpOptions& o) { o.security = "ssl"; }, "security");
  refused([](SmtpOptions& o) { o.username = "paas"; }, "login");
  refused([](SmtpOptions& o) { o.username = "paas", o.password = std::string("a\0b", 3); }, "login");
  refused([](SmtpOptions& o) { o.service = "paas.example.org\r\nMAIL"; }, "Service");
  refused([](SmtpOptions& o) { o.timeout_s = 0; }, "timeout");
  refused([](SmtpOptions& o) { o.from = "PaaSTech"; }, "address");
}

TEST(SmtpOptions, ClearTextIsForTheMachineItselfOnly) {
  SmtpOptions options = options_of(25);
  for (const char* host : {"localhost", "127.0.0.1", "127.9.9.9", "::1"}) {
    options.host = host;
    EXPECT_TRUE(check(options)) << host;
  }
  for (const char* host : {"mail.example.org", "10.0.0.1", "localhost.example.org", "127.0.0.1.example.org", "::2"}) {
    options.host = host;
    options.security = "none";
    const Status status = check(options);
    ASSERT_FALSE(status) << host;
    EXPECT_THAT(status.error().message, HasSubstr("security")) << host;
    options.security = "starttls";
    EXPECT_TRUE(check(options)) << host;
  }
}

}  // namespace
}  // namespace paastech::mail
