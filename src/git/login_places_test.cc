#include "git/login_places.h"

#include <gtest/gtest.h>

namespace paastech::git {
namespace {

TEST(LoginPlaces, OfOneHostAreAQuarter) {
  LoginPlaces places(8);
  EXPECT_TRUE(places.enter("2001:db8::1"));
  EXPECT_TRUE(places.enter("2001:db8::2"));
  EXPECT_FALSE(places.enter("2001:db8::3")) << "another address of the same host";
  EXPECT_TRUE(places.enter("2001:db8:0:1::1")) << "another host";
  EXPECT_TRUE(places.enter("192.0.2.1"));
  EXPECT_TRUE(places.enter("192.0.2.2"));
  places.leave("2001:db8::1");
  EXPECT_TRUE(places.enter("2001:db8::3"));
}

TEST(LoginPlaces, AreSoManyInAll) {
  LoginPlaces places(3);
  for (const char* peer : {"192.0.2.1", "192.0.2.2", "192.0.2.3"}) EXPECT_TRUE(places.enter(peer));
  EXPECT_FALSE(places.enter("192.0.2.4"));
  places.leave("192.0.2.2");
  EXPECT_TRUE(places.enter("192.0.2.4"));
}

}  // namespace
}  // namespace paastech::git
