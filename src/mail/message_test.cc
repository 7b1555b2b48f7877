#include "mail/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/ids.h"
#include "base/text.h"
#include "mail/encode.h"

namespace paastech::mail {
namespace {

using testing::HasSubstr;
using testing::Not;

Message good() {
  Message message;
  message.to = "ada@example.org";
  message.subject = "Hello";
  message.text = "text\n";
  message.html = "<p>html</p>\n";
  message.message_id = "id-1";
  return message;
}

Result<std::string> compose_as(const Message& message, const std::string& from = "paas@example.org",
                               const std::string& host = "paas.example.org") {
  return compose(message, from, host);
}

TEST(Compose, WritesExactlyThis) {
  EXPECT_EQ(*compose_as(good()),
            "From: paas@example.org\r\n"
            "To: ada@example.org\r\n"
            "Subject: Hello\r\n"
            "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n"
            "Message-ID: <id-1@paas.example.org>\r\n"
            "Auto-Submitted: auto-generated\r\n"
            "MIME-Version: 1.0\r\n"
            "Content-Type: multipart/alternative; boundary=\"=_paastech\"\r\n"
            "\r\n"
            "--=_paastech\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n"
            "\r\n"
            "text\r\n"
            "\r\n"
            "--=_paastech\r\n"
            "Content-Type: text/html; charset=utf-8\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n"
            "\r\n"
            "<p>html</p>\r\n"
            "\r\n"
            "--=_paastech--\r\n");
}

TEST(Compose, WithoutHtmlThereIsOnePart) {
  Message message = good();
  message.html.clear();
  const std::string mail = *compose_as(message);
  EXPECT_THAT(mail, HasSubstr("Content-Type: text/plain; charset=utf-8\r\n"));
  EXPECT_THAT(mail, Not(HasSubstr("multipart")));
  EXPECT_TRUE(mail.ends_with("\r\n\r\ntext\r\n"));
}

TEST(Compose, LinesAreShortAsciiAndEndWithCrlf) {
  Message message = good();
  for (int i = 0; i < 50; ++i) message.subject += "ü€🚀";
  message.text = std::string(2000, 'a') + "ü\n" + std::string(100, ' ') + "\n" + std::string(200, '=');
  message.html = "🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀";
  const std::string mail = *compose_as(message, "Ünïcode, \"Quoted\" Näme of considerable length <paas@example.org>");
  ASSERT_TRUE(mail.ends_with("\r\n"));
  for (const std::string& line : split(std::string_view(mail).substr(0, mail.size() - 2), '\n')) {
    EXPECT_LE(line.size(), 77u) << line;  // 76 and its CR
    for (const char c : line) EXPECT_TRUE((c >= ' ' && c < 0x7f) || c == '\r') << line;
  }
  EXPECT_EQ(std::ranges::count(mail, '\n'), std::ranges::count(mail, '\r'));
}

TEST(Compose, ControlCharactersInHeadersAreRefused) {
  ASSERT_TRUE(compose_as(good()));
  for (const std::string& bad :
       {std::string("a\r\nBcc: eve@example.org"), std::string("a\nb"), std::string("a\rb"), std::string("a\0b", 3),
        std::string("a\tb"), std::string("a\x7f"), std::string("a\x1b[m")}) {
    Message message = good();
    message.subject = bad;
    EXPECT_FALSE(compose_as(message));
    message = good();
    message.to = bad + "@example.org";
    EXPECT_FALSE(compose_as(message));
    message = good();
    message.message_id = bad;
    EXPECT_FALSE(compose_as(message));
    EXPECT_FALSE(compose_as(good(), bad + " <paas@example.org>"));
    EXPECT_FALSE(compose_as(good(), "PaaSTech <" + bad + "@example.org>"));
    const auto host = compose_as(good(), "paas@example.org", bad);
    ASSERT_FALSE(host);
    EXPECT_EQ(host.error().code, Code::kInvalidArgument);
  }
}

TEST(Compose, BodiesAreTextWithoutControls) {
  for (const std::string& bad : {std::string("a\0b", 3), std::string("a\rb"), std::string("\x1b[31m"),
                                 std::string("\xff"), std::string("\xc3")}) {
    Message message = good();
    message.text = bad;
    EXPECT_FALSE(compose_as(message));
    message = good();
    message.html = bad;
    EXPECT_FALSE(compose_as(message));
  }
  Message message = good();
  message.text = "tab\tand\nline\n";
  EXPECT_TRUE(compose_as(message));
}

TEST(Compose, OnlyOneAsciiAddress) {
  for (const char* bad :
       {"", "ada", "ada@", "@example.org", "ada@example.org, eve@example.org", "a b@example.org", "ada@example.org>",
        "<ada@example.org>", "ada@@example.org", "\"a\"@example.org", "ädä@example.org"}) {
    Message message = good();
    message.to = bad;
    const auto mail = compose_as(message);
    ASSERT_FALSE(mail) << bad;
    EXPECT_EQ(mail.error().code, Code::kInvalidArgument) << bad;
  }
}

TEST(Mailbox, HasAnAddressAndMaybeAName) {
  EXPECT_EQ(parse_mailbox("paas@example.org")->address, "paas@example.org");
  EXPECT_EQ(parse_mailbox("paas@example.org")->name, "");
  EXPECT_EQ(parse_mailbox("Paa S <paas@example.org>")->address, "paas@example.org");
  EXPECT_EQ(parse_mailbox("Paa S <paas@example.org>")->name, "Paa S");
  for (const char* bad : {"Paas", "paas@example.org>", "A <a@example.org> <b@example.org>", "A <>", "A <a@example.org"})
    EXPECT_FALSE(parse_mailbox(bad)) << bad;
}

TEST(Mailbox, ANameWithSpecialsIsEncoded) {
  EXPECT_THAT(*compose_as(good(), "Paa S <paas@example.org>"), HasSubstr("From: Paa S\r\n <paas@example.org>\r\n"));
  EXPECT_THAT(*compose_as(good(), "A, B: (x) <paas@example.org>"),
              HasSubstr("From: =?UTF-8?B?" + base64("A, B: (x)") + "?=\r\n <paas@example.org>\r\n"));
}

TEST(HeaderText, OnlyShortAsciiStaysAsItIs) {
  EXPECT_EQ(header_text("Confirm your address"), "Confirm your address");
  EXPECT_EQ(header_text("=?UTF-8?B?aGk=?="), "=?UTF-8?B?" + base64("=?UTF-8?B?aGk=?=") + "?=");
  EXPECT_EQ(header_text(" x"), "=?UTF-8?B?IHg=?=");
  EXPECT_EQ(header_text("é"), "=?UTF-8?B?w6k=?=");
}

TEST(HeaderText, EncodedWordsHoldWholeCharacters) {
  std::string text = "a";
  for (int i = 0; i < 40; ++i) text += "€🚀";
  std::string decoded;
  for (std::string word : split(encoded_words(text), '\n')) {
    word = trim(word);
    ASSERT_TRUE(word.starts_with("=?UTF-8?B?") && word.ends_with("?=")) << word;
    EXPECT_LE(word.size(), 64u);
    std::string bytes;
    ASSERT_TRUE(from_base64(word.substr(10, word.size() - 12), bytes));
    EXPECT_NE(static_cast<unsigned char>(bytes[0]) & 0xc0, 0x80) << "begins within a character";
    decoded += bytes;
  }
  EXPECT_EQ(decoded, text);
}

TEST(QuotedPrintable, EncodesWhatMailServersChange) {
  EXPECT_EQ(quoted_printable("plain text"), "plain text\r\n");
  EXPECT_EQ(quoted_printable("a\r\nb\n\nc"), "a\r\nb\r\n\r\nc\r\n");
  EXPECT_EQ(quoted_printable("a=b é"), "a=3Db =C3=A9\r\n");
  EXPECT_EQ(quoted_printable("end \ntab\t"), "end=20\r\ntab=09\r\n");
  EXPECT_EQ(quoted_printable(".\n..a\nFrom b\nFrom\n"), "=2E\r\n=2E.a\r\n=46rom b\r\nFrom\r\n");
  EXPECT_EQ(quoted_printable(""), "");
}

TEST(QuotedPrintable, BreaksLinesSoftly) {
  EXPECT_EQ(quoted_printable(std::string(76, 'a')), std::string(76, 'a') + "\r\n");
  EXPECT_EQ(quoted_printable(std::string(77, 'a')), std::string(75, 'a') + "=\r\naa\r\n");
  EXPECT_EQ(quoted_printable(std::string(75, 'a') + "."), std::string(75, 'a') + ".\r\n");
  EXPECT_EQ(quoted_printable(std::string(75, 'a') + ".b"), std::string(75, 'a') + "=\r\n=2Eb\r\n");
  EXPECT_EQ(quoted_printable(std::string(74, 'a') + "é"), std::string(74, 'a') + "=\r\n=C3=A9\r\n");
}

TEST(DateHeader, IsOfRfc5322) {
  EXPECT_EQ(date_header(1'769'860'800'999), "Sat, 31 Jan 2026 12:00:00 +0000");
  EXPECT_EQ(date_header(1'709'251'199'000), "Thu, 29 Feb 2024 23:59:59 +0000");
}

}  // namespace
}  // namespace paastech::mail
