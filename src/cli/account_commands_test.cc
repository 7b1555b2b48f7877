// The commands around accounts, tokens, members and the administration: what they ask of the API and what they show.
#include <gmock/gmock.h>

#include "cli/run_fixture.h"

namespace paastech::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class AccountCommandsTest : public CliTest {};

TEST_F(AccountCommandsTest, ATokenIsPrintedAloneSoThatItCanBeTaken) {
  server.on("POST /tokens", {.status = 201, .body = R"({"id":"t1","name":"ci","scope":"deploy","token":"ptat_abc"})"});
  const Ran ran =
      run({"tokens", "create", "ci", "--scope", "deploy", "--only", "shop", "--only", "blog", "--expires", "30"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(ran.out, "ptat_abc\n");
  EXPECT_EQ(server.requests()[0].body,
            R"({"name":"ci","scope":"deploy","projects":["shop","blog"],"expires_in_days":30})");
  EXPECT_EQ(run({"tokens", "create", "ci", "--scope", "everything"}).exit, 2);
}

TEST_F(AccountCommandsTest, TokensShowWhatTheyReach) {
  server.on("GET /tokens", {.body = R"({"items":[
    {"id":"1","name":"ci","scope":"deploy","projects":["shop"],"expires_at":"2026-02-01T00:00:00.000Z"},
    {"id":"2","name":"backup","scope":"read"},
    {"id":"3","name":"old","scope":"manage","projects":[],"expired":true,"expires_at":"2025-02-01T00:00:00.000Z"}]})"});
  const std::string out = run({"tokens", "list"}).out;
  EXPECT_THAT(out, HasSubstr("shop"));
  EXPECT_THAT(out, HasSubstr("2026-02-01"));
  EXPECT_THAT(out, HasSubstr("all projects"));
  EXPECT_THAT(out, HasSubstr("none"));
  EXPECT_THAT(out, HasSubstr("expired"));
}

TEST_F(AccountCommandsTest, ListsAreReadToTheirLastPage) {
  server.on("GET /projects?limit=100", {.body = R"({"items":[{"name":"one"}],"next":"a/b"})"});
  server.on("GET /projects?limit=100&cursor=a%2Fb", {.body = R"({"items":[{"name":"two"}]})"});
  const Ran ran = run({"projects", "list"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("one"));
  EXPECT_THAT(ran.out, HasSubstr("two"));
}

TEST_F(AccountCommandsTest, AnInvitationGoesToAnAddressOrToAName) {
  const std::string made = R"({"username":"bob","expires_at":"2026-02-01T00:00:00Z","link":"http://s/i?secret=x"})";
  server.on("POST /projects/shop/invitations", {.status = 201, .body = made});
  EXPECT_THAT(run({"members", "invite", "bob@x.org", "--role", "viewer", "-p", "shop"}).out,
              HasSubstr("http://s/i?secret=x"));
  EXPECT_EQ(server.requests()[0].body, R"({"email":"bob@x.org","role":"viewer"})");
  EXPECT_EQ(run({"members", "invite", "bob", "--role", "maintainer", "-p", "shop"}).exit, 0);
  EXPECT_EQ(server.requests()[1].body, R"({"username":"bob","role":"maintainer"})");
  server.on("POST /invitations/accept", {.body = R"({"name":"shop","role":"viewer"})"});
  EXPECT_THAT(run({"join", "http://s/project-invitation?secret=abc"}).out, HasSubstr("You are viewer of shop now."));
  EXPECT_EQ(server.requests()[2].body, R"({"secret":"abc"})");
}

TEST_F(AccountCommandsTest, LeavingIsRemovingOneself) {
  server.on("GET /me", {.body = R"({"username":"ann"})"});
  server.on("DELETE /projects/shop/members/ann", {.status = 204});
  EXPECT_EQ(run({"members", "leave", "-p", "shop"}).exit, 0);
}

TEST_F(AccountCommandsTest, DeletingTheAccountSaysWhatGoesAndWantsTheName) {
  server.on("GET /me", {.body = R"({"username":"ann"})"});
  server.on("GET /me/deletion", {.body = R"({"projects":["shop"],"memberships":1,"tokens":2,"sessions":1,"keys":3})"});
  server.on("DELETE /me?confirm=ann", {.status = 202, .body = R"({})"});
  EXPECT_EQ(run({"account", "delete"}).exit, 2);
  terminal = true;
  password = "secret";
  input = "anna\n";
  const Ran wrong = run({"account", "delete"});
  EXPECT_EQ(wrong.exit, 1);
  EXPECT_THAT(wrong.err, HasSubstr("shop"));
  input = "ann\n";
  EXPECT_EQ(run({"account", "delete"}).exit, 0);
  EXPECT_EQ(server.requests().back().body, R"({"password":"secret"})");
}

TEST_F(AccountCommandsTest, SigningUpWithAnInvitationTakesTheWholeLink) {
  server.on("POST /signup", {.status = 201, .body = R"({"username":"bob"})"});
  input = "correct horse battery\n";
  const Ran ran = run({"signup", "--email", "b@x.org", "--username", "bob", "--invitation",
                       "http://s/invitation?secret=abc", "--password-stdin"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(server.requests()[0].body, HasSubstr(R"("invitation":"abc")"));
  EXPECT_THAT(server.requests()[0].head, Not(HasSubstr("Authorization")));
}

TEST_F(AccountCommandsTest, TheSecondFactorShowsItsCodesOnce) {
  server.on("POST /me/two-factor", {.body = R"({"secret":"ABC","uri":"otpauth://totp/x?secret=ABC"})"});
  server.on("POST /me/two-factor/confirm", {.body = R"({"recovery_codes":["AAAA-BBBB"]})"});
  input = "secret\n123456\n";
  const Ran ran = run({"2fa", "enable", "--password-stdin"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("AAAA-BBBB"));
  EXPECT_THAT(ran.err, HasSubstr("otpauth://totp/x?secret=ABC"));
  terminal = true;
  password = "secret";
  input = "123456\n";
  EXPECT_THAT(run({"2fa", "enable"}).out, HasSubstr("\u2588"));
}

TEST_F(AccountCommandsTest, APlanKeepsWhatIsNotGiven) {
  server.on("GET /plans/small", {.body = R"({"name":"small","limits":{"projects":3,"instances":5,"memory_bytes":1,)"
                                         R"("milli_cpus":2,"build_minutes":4,"disk_bytes":6}})"});
  server.on("PUT /plans/small", {.body = R"({"name":"small"})"});
  const Ran ran = run({"admin", "quota", "set", "small", "--memory", "2GiB", "--projects", "none"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(server.requests()[1].body, R"({"projects":-1,"instances":5,"memory_bytes":2147483648,"milli_cpus":2,)"
                                       R"("build_minutes":4,"disk_bytes":6})");
  EXPECT_EQ(run({"admin", "quota", "set", "small", "--memory", "much"}).exit, 2);
  EXPECT_EQ(run({"admin", "quota", "set", "small", "--projects", "-3"}).exit, 2);
}

TEST_F(AccountCommandsTest, SuspendingSaysWhy) {
  server.on("POST /clients/bob/suspend", {.body = R"({"username":"bob"})"});
  EXPECT_EQ(run({"admin", "clients", "suspend", "bob"}).exit, 2);
  EXPECT_EQ(run({"admin", "clients", "suspend", "bob", "--reason", "abuse"}).exit, 0);
  EXPECT_EQ(server.requests()[0].body, R"({"reason":"abuse"})");
}

TEST_F(AccountCommandsTest, TheAuditLogIsATable) {
  server.on("GET /projects/shop/audit?limit=50",
            {.body = R"({"items":[{"at":"2026-01-01T10:00:00.123Z","actor":"ann","address":"192.0.2.1",)"
                     R"("action":"environment.change","project":"shop","object":"","result":"denied",)"
                     R"("detail":"permission_denied"}]})"});
  const Ran ran = run({"audit", "-p", "shop"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("2026-01-01T10:00:00Z"));
  EXPECT_THAT(ran.out, HasSubstr("denied: permission_denied"));
}

}  // namespace
}  // namespace paastech::cli
