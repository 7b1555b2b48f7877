#include "api/origin.h"

#include <gtest/gtest.h>

#include "api/token_text.h"

namespace paastech::api {
namespace {

net::ServerRequest from(const std::string& peer, const std::vector<std::pair<std::string, std::string>>& headers = {}) {
  net::ServerRequest request;
  request.peer = peer;
  for (const auto& [name, value] : headers) request.headers.add(name, value);
  return request;
}

std::string address(const std::string& peer, const std::vector<std::string>& forwarded, const std::string& trusted) {
  std::vector<std::pair<std::string, std::string>> headers;
  for (const std::string& line : forwarded) headers.emplace_back("x-forwarded-for", line);
  return client_address(from(peer, headers), CidrList::parse(trusted).value());
}

TEST(ClientAddress, IsThePeersWhereNoProxyIsTrusted) {
  EXPECT_EQ(address("192.0.2.1", {"203.0.113.9"}, ""), "192.0.2.1");
  EXPECT_EQ(address("192.0.2.1", {"203.0.113.9"}, "10.0.0.0/8"), "192.0.2.1");
  EXPECT_EQ(address("::ffff:192.0.2.1", {}, ""), "192.0.2.1");
  EXPECT_EQ(address("2001:DB8::0:1", {}, ""), "2001:db8::1");
}

TEST(ClientAddress, IsTheRightmostThatNoTrustedProxyAdded) {
  EXPECT_EQ(address("10.0.0.1", {"203.0.113.9"}, "10.0.0.0/8"), "203.0.113.9");
  EXPECT_EQ(address("10.0.0.1", {"198.51.100.1, 203.0.113.9"}, "10.0.0.0/8"), "203.0.113.9");
  EXPECT_EQ(address("10.0.0.1", {"198.51.100.1", "203.0.113.9,10.0.0.2"}, "10.0.0.0/8"), "203.0.113.9");
  EXPECT_EQ(address("10.0.0.1", {"10.0.0.3, 10.0.0.2"}, "10.0.0.0/8"), "10.0.0.3");
  EXPECT_EQ(address("10.0.0.1", {"2001:db8::7"}, "10.0.0.0/8"), "2001:db8::7");
}

TEST(ClientAddress, TakesNoTextForAnAddress) {
  EXPECT_EQ(address("10.0.0.1", {"198.51.100.1, <script>"}, "10.0.0.0/8"), "10.0.0.1");
  EXPECT_EQ(address("10.0.0.1", {""}, "10.0.0.0/8"), "10.0.0.1");
  EXPECT_EQ(address("10.0.0.1", {"unknown, 203.0.113.9"}, "10.0.0.0/8"), "203.0.113.9");
}

TEST(Site, IsWrittenAsBrowsersWriteOrigins) {
  EXPECT_EQ(Site("https://API.example.org/").origin(), "https://api.example.org");
  EXPECT_EQ(Site("https://api.example.org:443/x").origin(), "https://api.example.org");
  EXPECT_EQ(Site("http://127.0.0.1:8000").origin(), "http://127.0.0.1:8000");
  EXPECT_EQ(Site("http://example.org:80").origin(), "http://example.org");
}

TEST(Site, HasACookieWhereNobodyBetweenReadsIt) {
  EXPECT_EQ(Site("https://api.example.org").cookie_name(), "__Host-paastech");
  for (const char* here : {"http://127.0.0.1:8000", "http://localhost", "http://[::1]:8000", "http://api.localhost:1"})
    EXPECT_EQ(Site(here).cookie_name(), "paastech") << here;
  for (const char* away : {"http://example.org", "http://127.0.0.1.example.org", "http://10.0.0.1:8000",
                           "http://localhost.example.org", "", "x"})
    EXPECT_EQ(Site(away).cookie_name(), "") << away;
}

TEST(Site, SetsACookieForItselfOnly) {
  const std::string cookie = Site("https://api.example.org").set_cookie("pt_x", 60);
  EXPECT_EQ(cookie, "__Host-paastech=pt_x; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure");
  EXPECT_EQ(Site("http://127.0.0.1:8000").set_cookie("pt_x", 60),
            "paastech=pt_x; Path=/; Max-Age=60; HttpOnly; SameSite=Lax");
  EXPECT_EQ(cookie.find("Domain"), std::string::npos);
}

TEST(Site, ReadsItsOwnCookieAndNoAmbiguousOne) {
  const Site site("https://api.example.org");
  const std::string token = new_login_token();
  const auto read = [&](const std::string& cookies) { return site.token_in(from("192.0.2.1", {{"cookie", cookies}})); };
  EXPECT_EQ(read("a=b; __Host-paastech=" + token + "; c=d"), token);
  EXPECT_EQ(read("paastech=" + token), "");
  EXPECT_EQ(read("__host-paastech=" + token), "");
  EXPECT_EQ(read("__Host-paastech=" + token + "; __Host-paastech=" + token), "");
  EXPECT_EQ(read("__Host-paastech=' OR 1=1"), "");
  EXPECT_EQ(Site("http://example.org").token_in(from("192.0.2.1", {{"Cookie", "paastech=" + token}})), "");
}

TEST(Site, RefusesWhatOtherSitesMakeABrowserSend) {
  const Site site("https://api.example.org");
  using Headers = std::vector<std::pair<std::string, std::string>>;
  const auto allowed = [&](const Headers& headers) {
    return site.refuse_foreign(from("192.0.2.1", headers)).has_value();
  };
  EXPECT_TRUE(allowed({}));
  EXPECT_TRUE(allowed({{"Origin", "https://api.example.org"}}));
  EXPECT_TRUE(allowed({{"Sec-Fetch-Site", "same-origin"}}));
  EXPECT_TRUE(allowed({{"Sec-Fetch-Site", "none"}}));
  for (const char* foreign :
       {"https://evil.example", "http://api.example.org", "https://api.example.org:8443", "null",
        "https://app.user-app.example.org", "https://api.example.org.evil.example", "https://api.example.org/"})
    EXPECT_FALSE(allowed({{"Origin", foreign}})) << foreign;
  EXPECT_FALSE(allowed({{"Sec-Fetch-Site", "cross-site"}}));
  EXPECT_FALSE(allowed({{"Sec-Fetch-Site", "same-site"}}));
  EXPECT_FALSE(site.is_ours(from("192.0.2.1")));
  EXPECT_TRUE(site.is_ours(from("192.0.2.1", {{"Sec-Fetch-Site", "same-origin"}})));
  EXPECT_FALSE(site.is_ours(from("192.0.2.1", {{"Origin", "null"}, {"Sec-Fetch-Site", "same-origin"}})));
  EXPECT_FALSE(Site("").is_ours(from("192.0.2.1", {{"Origin", ""}})));
}

TEST(LocalPath, LeadsNowhereElse) {
  EXPECT_EQ(local_path("/device?user_code=BCDF-GHJK"), "/device?user_code=BCDF-GHJK");
  for (const std::string& bad :
       {std::string("//evil.example"), std::string("/\\evil.example"), std::string("https://evil.example"),
        std::string(""), std::string("/a\r\nSet-Cookie: x"), "/" + std::string(512, 'a'),
        std::string("/\t/evil.example")})
    EXPECT_EQ(local_path(bad), "") << bad;
}

TEST(TokenText, IsCheckedBeforeTheDatabaseIsAsked) {
  const std::string login = new_login_token();
  const std::string program = new_api_token();
  EXPECT_TRUE(is_token(login));
  EXPECT_TRUE(is_token(program));
  EXPECT_EQ(login.size(), 46u);
  EXPECT_EQ(program.size(), 54u);
  for (const std::string& bad : {login + "A", login.substr(1), program.substr(0, 48), std::string("ptat_"),
                                 "ptat_" + std::string(49, 'A'), "pt_" + std::string(42, 'A') + "é"})
    EXPECT_FALSE(is_token(bad)) << bad;
  // Every slip of one character shows in the checksum.
  for (std::size_t i = 5; i < program.size(); ++i) {
    std::string slip = program;
    slip[i] = slip[i] == 'x' ? 'y' : 'x';
    EXPECT_FALSE(is_token(slip)) << slip;
  }
}

}  // namespace
}  // namespace paastech::api
