#include "domain/route.h"

#include <gtest/gtest.h>

namespace paastech {
namespace {

TEST(Route, EachProjectHasItsNameAndItsUuid) {
  PublicAddress address;
  address.fqdn = "example.org";
  EXPECT_EQ(host_names("hello", "1-2", address),
            (std::vector<std::string>{"hello.user-app.example.org", "1-2.user-app.example.org"}));
}

TEST(Route, UrlsShowAPortOnlyWhereItIsNotTheSchemesOwn) {
  PublicAddress address;
  EXPECT_EQ(application_url("hello", address), "http://hello.user-app.localhost:8080");
  EXPECT_EQ(git_url("hello", address), "ssh://git@127.0.0.1:2222/hello");
  address.http_port = 80;
  address.ssh_port = 22;
  address.ssh_host = "::1";
  EXPECT_EQ(application_url("hello", address), "http://hello.user-app.localhost");
  EXPECT_EQ(git_url("hello", address), "ssh://git@[::1]/hello");
  address.http_scheme = "https";
  EXPECT_EQ(application_url("hello", address), "https://hello.user-app.localhost:80");
  address.http_port = 443;
  EXPECT_EQ(application_url("hello", address), "https://hello.user-app.localhost");
}

}  // namespace
}  // namespace paastech
