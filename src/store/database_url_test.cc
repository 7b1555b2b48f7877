#include "store/database_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <map>
#include <memory>

namespace paastech::store {
namespace {

using testing::HasSubstr;
using testing::Not;

std::map<std::string, std::string> parsed(const std::string& url) {
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(PQconninfoParse(url.c_str(), nullptr),
                                                                             &PQconninfoFree);
  std::map<std::string, std::string> found;
  for (const PQconninfoOption* each = options.get(); each && each->keyword; ++each)
    if (each->val) found[each->keyword] = each->val;
  return found;
}

TEST(DatabaseUrl, APathIsSqlites) {
  for (const std::string text : {"/srv/a b/p.db", "sqlite:/srv/a b/p.db"}) {
    const auto url = parse_database_url(text);
    ASSERT_TRUE(url);
    EXPECT_FALSE(url->postgresql);
    EXPECT_EQ(url->path, "/srv/a b/p.db");
    EXPECT_EQ(url->shown, "sqlite:/srv/a b/p.db");
  }
}

TEST(DatabaseUrl, IsShownWithoutItsPasswordWhereverThatStands) {
  for (const std::string text : {"postgresql://ann:canary@db:5433/paas?sslmode=require",
                                 "postgres://ann@db:5433/paas?password=canary&sslmode=require",
                                 "postgresql://ann@db:5433/paas?sslmode=require&sslpassword=canary"}) {
    const auto url = parse_database_url(text);
    ASSERT_TRUE(url);
    EXPECT_EQ(url->shown, "postgresql://ann@db:5433/paas?sslmode=require");
    EXPECT_THAT(url->connect, HasSubstr("canary"));
  }
}

TEST(DatabaseUrl, ReachesTheLibraryAsItWasMeant) {
  const auto url = parse_database_url("postgresql://a%20b@h/p?connect_timeout=7", "it's 'a\" \\ pass=word&x%41");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->has_password);
  EXPECT_THAT(url->connect, Not(HasSubstr("'")));
  EXPECT_THAT(url->connect, Not(HasSubstr(" ")));
  auto options = parsed(url->connect);
  EXPECT_EQ(options["user"], "a b");
  EXPECT_EQ(options["password"], "it's 'a\" \\ pass=word&x%41");
  EXPECT_EQ(options["connect_timeout"], "7");
  EXPECT_EQ(options["tcp_user_timeout"], "1500");
}

TEST(DatabaseUrl, AMistakeIsNamedWithoutRepeatingIt) {
  for (const std::string text : {"postgresql://ann:canary%zz@db/paas", "postgresql://ann@db/paas?canary=1",
                                 "mysql://ann:canary@db/paas", "sqlite:", "", "/canary\"/p.db"}) {
    const auto url = parse_database_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().code, Code::kInvalidArgument);
    EXPECT_THAT(url.error().message + url.error().hint, Not(HasSubstr("canary")));
    EXPECT_FALSE(url.error().hint.empty());
  }
}

}  // namespace
}  // namespace paastech::store
