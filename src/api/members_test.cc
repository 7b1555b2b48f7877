// Members, invitations and transfers through the whole API.
#include "store/members.h"
#include "api/mail_test_support.h"
#include "store/managed_clients.h"
#include "store/plans.h"
#include "store/project_invitations.h"

namespace paastech::api {
namespace {

class Members : public ApiTest {
 protected:
  Members()
      : ada_(add_client("ada")), bob_(add_client("bob")), eve_(add_client("eve")), hello_(add_project("hello", ada_)) {
    owner_ = token_of(ada_);
    bobs_ = token_of(bob_);
    eves_ = token_of(eve_);
  }
  void add(const store::ClientRow& client, Role role) {
    EXPECT_TRUE(database_->write(
        [&](store::Tx& tx) { return store::set_member(tx, {hello_.id, client.id, role, clock_.now + 1}); }));
  }
  // "ada owner, bob viewer"
  std::string people() {
    std::string out;
    const boost::json::object answer = json(ask("GET", kMembers, owner_));
    for (const auto& item : answer.at("items").as_array())
      out += (out.empty() ? "" : ", ") + std::string(item.at("username").as_string()) + " " +
             std::string(item.at("role").as_string());
    return out;
  }
  static std::string secret_of(const net::HttpResponse& invitation) {
    EXPECT_EQ(invitation.status, 201) << invitation.body;
    const std::string link(json(invitation).at("link").as_string());
    EXPECT_TRUE(link.starts_with("http://127.0.0.1:8000/project-invitation?secret=")) << link;
    return link.substr(link.find('=') + 1);
  }
  net::HttpResponse accept(const std::string& secret, const std::string& token) {
    return ask("POST", "/api/v1/invitations/accept", token, R"({"secret":")" + secret + R"("})");
  }
  std::size_t open_invitations() { return json(ask("GET", kInvitations, owner_)).at("items").as_array().size(); }
  static constexpr const char* kMembers = "/api/v1/projects/hello/members";
  static constexpr const char* kInvitations = "/api/v1/projects/hello/invitations";
  static constexpr const char* kTransfer = "/api/v1/projects/hello/transfer";
  const store::ClientRow ada_, bob_, eve_;
  const store::ProjectRow hello_;
  std::string owner_, bobs_, eves_;
};

TEST_F(Members, AreShownToEachOtherTheOwnerFirst) {
  EXPECT_EQ(people(), "ada owner");
  add(bob_, Role::kViewer);
  EXPECT_EQ(people(), "ada owner, bob viewer");
  EXPECT_EQ(ask("GET", kMembers, bobs_).status, 200);
  EXPECT_EQ(ask("GET", kMembers, eves_).status, 404);
  EXPECT_EQ(json(ask("GET", "/api/v1/projects/hello", bobs_)).at("role"), "viewer");
  EXPECT_EQ(json(ask("GET", "/api/v1/projects", bobs_)).at("items").at(0).at("role"), "viewer");
}

TEST_F(Members, GetAnotherRoleFromTheOwnerOnly) {
  add(bob_, Role::kViewer);
  const std::string bob = std::string(kMembers) + "/bob";
  EXPECT_EQ(ask("PUT", bob, bobs_, R"({"role":"maintainer"})").status, 403);
  const net::HttpResponse changed = ask("PUT", bob, owner_, R"({"role":"maintainer"})");
  EXPECT_EQ(changed.status, 200);
  EXPECT_EQ(json(changed).at("role"), "maintainer");
  EXPECT_EQ(people(), "ada owner, bob maintainer");
  EXPECT_EQ(ask("PUT", bob, bobs_, R"({"role":"viewer"})").status, 403);
  EXPECT_EQ(ask("PUT", bob, owner_, R"({"role":"owner"})").status, 422);
  EXPECT_EQ(ask("PUT", std::string(kMembers) + "/eve", owner_, R"({"role":"viewer"})").status, 404);
  EXPECT_EQ(ask("PUT", std::string(kMembers) + "/ada", owner_, R"({"role":"viewer"})").status, 412);
  EXPECT_EQ(people(), "ada owner, bob maintainer");
}

TEST_F(Members, LeaveByThemselvesAndAreRemovedByTheOwner) {
  add(bob_, Role::kMaintainer);
  add(eve_, Role::kViewer);
  EXPECT_EQ(ask("DELETE", std::string(kMembers) + "/eve", bobs_).status, 403);
  EXPECT_EQ(ask("DELETE", std::string(kMembers) + "/ada", owner_).status, 412);  // a Project has an owner
  EXPECT_EQ(ask("DELETE", std::string(kMembers) + "/Bob", bobs_).status, 204);
  EXPECT_EQ(ask("GET", kMembers, bobs_).status, 404);
  EXPECT_EQ(ask("DELETE", std::string(kMembers) + "/eve", owner_).status, 204);
  EXPECT_EQ(ask("DELETE", std::string(kMembers) + "/eve", owner_).status, 404);
  EXPECT_EQ(people(), "ada owner");
}

TEST_F(Members, JoinByAnInvitationToTheirAddressOnce) {
  const net::HttpResponse made =
      ask("POST", kInvitations, owner_, R"({"email":"Bob@example.org","role":"maintainer"})");
  const std::string secret = secret_of(made);
  EXPECT_EQ(json(made).at("email"), "bob@example.org");
  EXPECT_EQ(open_invitations(), 1u);
  const auto stored = [&](const std::string& hash) {
    auto find = [&](store::Tx& tx) { return store::find_project_invitation(tx, hash, clock_.now); };
    return run(access_->read(std::move(find)));
  };
  EXPECT_TRUE(stored(token_hash(secret)));  // and the secret itself is not
  EXPECT_FALSE(stored(secret));
  const net::HttpResponse joined = accept(secret, bobs_);
  ASSERT_EQ(joined.status, 200) << joined.body;
  EXPECT_EQ(json(joined).at("role"), "maintainer");
  EXPECT_EQ(people(), "ada owner, bob maintainer");
  EXPECT_EQ(accept(secret, bobs_).status, 404);
  EXPECT_EQ(open_invitations(), 0u);
}

TEST_F(Members, CannotTakeAnInvitationToSomebodyElse) {
  const std::string secret =
      secret_of(ask("POST", kInvitations, owner_, R"({"email":"bob@example.org","role":"viewer"})"));
  const net::HttpResponse refused = accept(secret, eves_);
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.body.find("bob"), std::string::npos) << refused.body;  // whose it is is not told
  store::TokenRow program;
  program.client_id = bob_.id;
  program.name = "program";
  program.scope = Scope::kManage;
  EXPECT_EQ(accept(secret, token_of(std::move(program))).status, 403);
  EXPECT_EQ(accept(secret, bobs_).status, 200);
}

TEST_F(Members, CannotTakeAnInvitationToAnAddressThatTheyHaveNotConfirmed) {
  const store::ClientRow carl{new_uuid(), "carl@example.org", "carl", cheap_hash(), false, clock_.now, 0};
  EXPECT_TRUE(database_->write([&](store::Tx& tx) { return store::insert_client(tx, carl); }));
  const std::string body = R"({"email":"carl@example.org","role":"viewer"})";
  EXPECT_EQ(accept(secret_of(ask("POST", kInvitations, owner_, body)), token_of(carl)).status, 403);
  EXPECT_EQ(people(), "ada owner");
}

TEST_F(Members, CannotTakeAnInvitationThatIsOverWithdrawnOrReplaced) {
  const std::string body = R"({"username":"bob","role":"viewer"})";
  const std::string replaced = secret_of(ask("POST", kInvitations, owner_, body));
  const net::HttpResponse made = ask("POST", kInvitations, owner_, body);
  EXPECT_EQ(accept(replaced, bobs_).status, 404);
  EXPECT_EQ(accept(secret_of(made), eves_).status, 403);
  const std::string id(json(made).at("id").as_string());
  EXPECT_EQ(ask("DELETE", std::string(kInvitations) + "/" + id, owner_).status, 204);
  EXPECT_EQ(ask("DELETE", std::string(kInvitations) + "/" + id, owner_).status, 404);
  EXPECT_EQ(accept(secret_of(made), bobs_).status, 404);
  const std::string over = secret_of(ask("POST", kInvitations, owner_, body));
  clock_.now += 7LL * 86'400'000;
  EXPECT_EQ(accept(over, bobs_).status, 404);
  EXPECT_EQ(accept("made-up", bobs_).status, 404);
  EXPECT_EQ(accept(secret_of(ask("POST", kInvitations, owner_, body)), bobs_).status, 200);
}

TEST_F(Members, CannotTakeAnInvitationOfOneWhoMayNoLongerInvite) {
  const std::string secret = secret_of(ask("POST", kInvitations, owner_, R"({"username":"bob","role":"viewer"})"));
  EXPECT_TRUE(database_->write([&](store::Tx& tx) { return store::set_suspended(tx, ada_.id, 5); }));
  EXPECT_EQ(accept(secret, bobs_).status, 404);
  EXPECT_TRUE(database_->write([&](store::Tx& tx) { return store::set_suspended(tx, ada_.id, 0); }));
  EXPECT_EQ(accept(secret, bobs_).status, 200);
}

TEST_F(Members, AreInvitedByOneNameAndToARoleThatThereIs) {
  for (const char* bad : {R"({"role":"viewer"})", R"({"email":"x@example.org","username":"bob","role":"viewer"})",
                          R"({"email":"x@example.org"})", R"({"email":"x@example.org","role":"owner"})",
                          R"({"email":"no address","role":"viewer"})"})
    EXPECT_EQ(ask("POST", kInvitations, owner_, bad).status, 422) << bad;
  EXPECT_EQ(ask("POST", kInvitations, owner_, R"({"username":"nobody","role":"viewer"})").status, 404);
  EXPECT_EQ(ask("POST", kInvitations, owner_, R"({"username":"ada","role":"viewer"})").status, 412);
  add(bob_, Role::kViewer);
  EXPECT_EQ(ask("POST", kInvitations, owner_, R"({"username":"bob","role":"maintainer"})").status, 412);
  EXPECT_EQ(ask("POST", kInvitations, bobs_, R"({"username":"eve","role":"viewer"})").status, 403);
  EXPECT_EQ(open_invitations(), 0u);
}

TEST_F(Members, AreNotInvitedWithoutEnd) {
  const std::string body = R"({"email":"victim@example.org","role":"viewer"})";
  for (int i = 0; i < 50; ++i) ASSERT_EQ(ask("POST", kInvitations, owner_, body).status, 201) << i;
  const net::HttpResponse refused = ask("POST", kInvitations, owner_, body);
  EXPECT_EQ(refused.status, 429);
  EXPECT_TRUE(refused.headers.find("Retry-After"));
  clock_.now += 3'600'000;
  EXPECT_EQ(ask("POST", kInvitations, owner_, body).status, 201);
}

TEST_F(Members, ComeBackByNoSecondInvitation) {
  const auto invite = [&](const std::string& whom, const std::string& role) {
    return secret_of(ask("POST", kInvitations, owner_, "{" + whom + R"(,"role":")" + role + R"("})"));
  };
  const std::string by_name = R"("username":"bob")";
  const std::string by_address = R"("email":"bob@example.org")";
  const std::string kept = invite(R"("username":"eve")", "viewer");
  const std::string first = invite(by_name, "viewer");
  const std::string second = invite(by_address, "maintainer");
  ASSERT_EQ(accept(first, bobs_).status, 200);
  EXPECT_EQ(accept(second, bobs_).status, 404) << "joined once";
  const std::string bob = std::string(kMembers) + "/bob";
  const std::string stronger = invite(by_address, "maintainer");
  ASSERT_EQ(ask("PUT", bob, owner_, R"({"role":"viewer"})").status, 200);
  EXPECT_EQ(accept(stronger, bobs_).status, 404);
  const std::string back = invite(by_address, "maintainer");
  ASSERT_EQ(ask("DELETE", bob, owner_).status, 204);
  EXPECT_EQ(accept(back, bobs_).status, 404);
  EXPECT_EQ(people(), "ada owner");
  EXPECT_EQ(accept(kept, eves_).status, 200) << "the control: another one's stays";
  EXPECT_EQ(accept(invite(by_name, "viewer"), bobs_).status, 200) << "a new one works";
}

TEST_F(Members, TakeOverWhatTheirPlanAllowsToRun) {
  EXPECT_TRUE(database_->write([&](store::Tx& tx) -> Status {
    Amounts limits{
        .projects = 1, .instances = 0, .memory_bytes = kUnlimited, .milli_cpus = kUnlimited, .disk_bytes = kUnlimited};
    TRY(store::set_plan(tx, {"small", limits}));
    return store::set_plan_of(tx, bob_.id, "small");
  }));
  add_deployment(hello_, DeploymentState::kLive);
  const std::string secret = secret_of(ask("POST", kTransfer, owner_, R"({"username":"bob"})"));
  EXPECT_EQ(accept(secret, bobs_).status, 403);
  EXPECT_EQ(people(), "ada owner");
  EXPECT_TRUE(database_->write([&](store::Tx& tx) { return store::set_stopped(tx, hello_.id, true); }));
  EXPECT_EQ(accept(secret, bobs_).status, 200) << "and the Project as such";
}

TEST_F(Members, TakeOverARepositoryThatTheirPlanHasRoomFor) {
  const auto limit_disk = [&](std::int64_t bytes) {
    EXPECT_TRUE(database_->write([&](store::Tx& tx) -> Status {
      TRY(store::set_plan(tx, {"small", {.projects = 2, .disk_bytes = bytes}}));
      return store::set_plan_of(tx, bob_.id, "small");
    }));
  };
  add_project("own", bob_);
  const std::string secret = secret_of(ask("POST", kTransfer, owner_, R"({"username":"bob"})"));
  limit_disk(2 * controller_->bytes_of_each - 1);
  const net::HttpResponse refused = accept(secret, bobs_);
  EXPECT_EQ(refused.status, 403);
  EXPECT_NE(refused.body.find("of repositories; in use: "), std::string::npos) << refused.body;
  limit_disk(2 * controller_->bytes_of_each);
  controller_->bytes_of_each *= -1;
  EXPECT_EQ(accept(secret, bobs_).status, 503) << "nobody knows how large it is";
  EXPECT_EQ(people(), "ada owner");
  controller_->bytes_of_each *= -1;
  EXPECT_EQ(accept(secret, bobs_).status, 200);
  EXPECT_EQ(people(), "bob owner, ada maintainer");
}

TEST_F(Members, TakeAProjectOverOnlyByAccepting) {
  add(bob_, Role::kViewer);
  const std::string other = secret_of(ask("POST", kInvitations, owner_, R"({"username":"eve","role":"viewer"})"));
  EXPECT_EQ(ask("POST", kTransfer, bobs_, R"({"username":"bob"})").status, 403);
  EXPECT_EQ(ask("POST", kTransfer, owner_, R"({"username":"ada"})").status, 412);
  const std::string secret = secret_of(ask("POST", kTransfer, owner_, R"({"username":"bob"})"));
  EXPECT_EQ(people(), "ada owner, bob viewer");
  EXPECT_EQ(accept(secret, eves_).status, 403);
  const net::HttpResponse taken = accept(secret, bobs_);
  ASSERT_EQ(taken.status, 200) << taken.body;
  EXPECT_EQ(json(taken).at("role"), "owner");
  EXPECT_EQ(json(taken).at("owner"), "bob");
  EXPECT_EQ(people(), "bob owner, ada maintainer");
  // The invitations that the former owner made are void, and it may make no more.
  EXPECT_EQ(accept(other, eves_).status, 404);
  EXPECT_EQ(ask("POST", kInvitations, owner_, R"({"username":"eve","role":"viewer"})").status, 403);
  EXPECT_EQ(ask("DELETE", "/api/v1/projects/hello?confirm=hello", owner_).status, 403);
  EXPECT_EQ(ask("PATCH", "/api/v1/projects/hello/environment", owner_, R"({"set":{"A":"1"}})").status, 202);
}

TEST_F(Members, JoinOnThePageOfTheLinkWhichAloneUsesNothingUp) {
  const std::string secret = secret_of(ask("POST", kInvitations, owner_, R"({"username":"bob","role":"viewer"})"));
  const std::string path = "/project-invitation?secret=" + secret;
  const net::HttpResponse anonymous = send(request("GET", path, "", ""));
  EXPECT_EQ(anonymous.status, 303);
  EXPECT_TRUE(anonymous.headers.find("Location").value_or("").starts_with("/login?"));
  EXPECT_EQ(send(request("GET", path, eves_, "")).status, 403);
  for (int i = 0; i < 2; ++i) {
    const net::HttpResponse shown = send(request("GET", path, bobs_, ""));
    EXPECT_EQ(shown.status, 200);
    for (const std::string part : {"ada", "hello", "viewer"})
      EXPECT_NE(shown.body.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(people(), "ada owner");
  const net::HttpResponse joined = send_form("/project-invitation", "secret=" + secret, bobs_);
  EXPECT_EQ(joined.status, 200) << joined.body;
  EXPECT_NE(joined.body.find("git clone ssh://"), std::string::npos);
  EXPECT_EQ(people(), "ada owner, bob viewer");
  EXPECT_EQ(send(request("GET", path, bobs_, "")).status, 404);
}

using InvitationMails = MailTest;

TEST_F(InvitationMails, FillNoMailboxWhoeverInvitesAndHoweverItIsNamed) {
  add_client("bob");
  const std::string body = R"({"email":"bob@example.org","role":"viewer"})";
  const auto mailed = [&](const std::string& inviter, const std::string& whom) {
    const store::ClientRow owner = add_client(inviter);
    add_project("of-" + inviter, owner);
    const std::string path = "/api/v1/projects/of-" + inviter + "/invitations";
    const net::HttpResponse made = ask("POST", path, token_of(owner), whom);
    EXPECT_EQ(made.status, 201) << made.body;
    return json(made).at("mailed").as_bool();
  };
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(mailed("ada" + std::to_string(i), body)) << i;
  EXPECT_FALSE(mailed("ada5", body));
  EXPECT_FALSE(mailed("ada6", R"({"username":"bob","role":"viewer"})"));
  EXPECT_TRUE(mailed("ada7", R"({"email":"carl@example.org","role":"viewer"})"));
  EXPECT_EQ(mails_to("bob@example.org"), 5u);
  const std::string ada0 =
      token_of(run(access_->read([](store::Tx& tx) { return store::find_client_by_username(tx, "ada0"); })).value());
  const std::string bad = R"({"email":"b\u00e4d@example.org","role":"viewer"})";
  EXPECT_EQ(ask("POST", "/api/v1/projects/of-ada0/invitations", ada0, bad).status, 422) << "no mail gets there";
  clock_.now += 3'600'000;
  EXPECT_TRUE(mailed("ada8", body));
}

TEST_F(Members, SeeTheirProjectsByPages) {
  for (const char* name : {"alpha", "bravo", "charlie"}) add_project(name, ada_);
  const auto first = json(ask("GET", "/api/v1/projects?limit=3", owner_));
  EXPECT_EQ(first.at("items").as_array().size(), 3u);
  const std::string next(first.at("next").as_string());
  const auto rest = json(ask("GET", "/api/v1/projects?limit=3&cursor=" + next, owner_));
  ASSERT_EQ(rest.at("items").as_array().size(), 1u);
  EXPECT_EQ(rest.at("items").at(0).at("name"), "hello");
  EXPECT_FALSE(rest.contains("next"));
  EXPECT_EQ(ask("GET", "/api/v1/projects?cursor=x" + next, owner_).status, 422);
  EXPECT_EQ(ask("GET", "/api/v1/projects?limit=101", owner_).status, 422);
  store::TokenRow limited;
  limited.client_id = ada_.id;
  limited.name = "limited";
  limited.scope = Scope::kRead;
  limited.limited = true;
  limited.projects = {hello_.id};
  const auto reached = json(ask("GET", "/api/v1/projects", token_of(std::move(limited))));
  ASSERT_EQ(reached.at("items").as_array().size(), 1u);
  EXPECT_EQ(reached.at("items").at(0).at("name"), "hello");
}

}  // namespace
}  // namespace paastech::api
