#include "api/gateway.h"

#include "api/bootstrap.h"
#include "api/test_support.h"
#include "base/files.h"
#include "gateway.grpc.pb.h"
#include "rpc/client.h"
#include "store/audit.h"
#include "store/plans.h"

#include <sys/stat.h>

namespace paastech::api {
namespace {

namespace gateway = paastech::gateway::v1;
using Stub = gateway::GitGateway::Stub;

class Gateway : public ApiTest {
 protected:
  Gateway()
      : service_(make_gateway(tasks_, *context_)),
        host_(host({service_.get()})),
        git_(gateway::GitGateway::NewStub(host_->channel())) {}
  ~Gateway() override { host_->stop(); }
  Result<gateway::Repository> authorize(const std::string& client, const std::string& repository, bool write,
                                        bool again = false) {
    gateway::AuthorizeRequest request;
    request.set_client_id(client);
    request.set_repository(repository);
    request.set_write(write);
    request.set_again(again);
    return run(rpc::call<gateway::Repository>(git_->async(), &Stub::async::Authorize, request));
  }
  // What a deploy call streams, each line and then the result as text; or the error.
  Result<std::vector<std::string>> deploy(const std::string& project, const std::string& client,
                                          const std::string& commit) {
    gateway::DeployRequest request;
    request.set_project_id(project);
    request.set_client_id(client);
    request.set_commit(commit);
    return run(read_all(request));
  }
  net::Task<Result<std::vector<std::string>>> read_all(gateway::DeployRequest request) {
    rpc::ReadStream<gateway::DeployEvent> events(git_->async(), &Stub::async::Deploy, request);
    std::vector<std::string> out;
    while (true) {
      CO_TRY_ASSIGN(std::optional<gateway::DeployEvent> event, co_await events.next());
      if (!event) co_return out;
      if (event->has_result()) last_ = event->result();
      out.push_back(event->has_result() ? "result" : event->line());
    }
  }
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<rpc::Host> host_;
  std::unique_ptr<Stub> git_;
  gateway::DeployResult last_;
};

TEST_F(Gateway, KnowsWhoseKeyItIs) {
  const store::ClientRow ada = add_client("ada");
  store::KeyRow key{new_uuid(), ada.id, "ssh-ed25519", "AAAA", "SHA256:abc", "", 1};
  ASSERT_TRUE(database_->write([&](store::Tx& tx) { return store::insert_key(tx, key); }));
  gateway::IdentifyKeyRequest request;
  request.set_fingerprint("SHA256:abc");
  const auto known = run(rpc::call<gateway::Identity>(git_->async(), &Stub::async::IdentifyKey, request));
  ASSERT_TRUE(known);
  EXPECT_EQ(known->username(), "ada");
  EXPECT_EQ(known->key_id(), key.id);
  request.set_fingerprint("SHA256:abd");
  const auto unknown = run(rpc::call<gateway::Identity>(git_->async(), &Stub::async::IdentifyKey, request));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Code::kNotFound);
}

TEST_F(Gateway, TellsASuspendedClientWhyAndKeepsEverybodyOutOfItsProjects) {
  const store::ClientRow ada = add_client("ada");
  const store::ClientRow root = add_client("root", true);
  add_project("hello", ada);
  store::KeyRow key{new_uuid(), ada.id, "ssh-ed25519", "AAAA", "SHA256:abc", "", 1};
  ASSERT_TRUE(database_->write([&](store::Tx& tx) -> Status {
    TRY(store::insert_key(tx, key));
    return store::set_suspended(tx, ada.id, clock_.now, "mining");
  }));
  gateway::IdentifyKeyRequest request;
  request.set_fingerprint("SHA256:abc");
  request.set_authenticated(true);
  const auto refused = run(rpc::call<gateway::Identity>(git_->async(), &Stub::async::IdentifyKey, request));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kPermissionDenied);
  EXPECT_EQ(refused.error().message, "your account is suspended: mining");
  EXPECT_EQ(authorize(ada.id, "hello", false).error().code, Code::kPermissionDenied);
  const auto push = authorize(root.id, "hello", true);
  ASSERT_FALSE(push);
  EXPECT_EQ(push.error().message, "the account of the owner of project hello is suspended");
  EXPECT_TRUE(authorize(root.id, "hello", false));
  ASSERT_TRUE(database_->write([&](store::Tx& tx) { return store::set_suspended(tx, ada.id, 0); }));
  EXPECT_TRUE(authorize(root.id, "hello", true));
}

TEST_F(Gateway, APushMayBringWhatThePlanOfTheOwnerLeaves) {
  const store::ClientRow ada = add_client("ada");
  const store::ClientRow root = add_client("root", true);
  add_project("hello", ada);
  add_project("other", ada);
  const auto limit = [&](std::int64_t disk) {
    EXPECT_TRUE(database_->write([&](store::Tx& tx) {
      return store::set_plan(tx, {"default", {kUnlimited, kUnlimited, kUnlimited, kUnlimited, kUnlimited, disk}});
    }));
  };
  controller_->bytes_of_each = 2 << 20;
  limit(5 << 20);
  for (const std::string& pusher : {ada.id, root.id}) {
    const auto allowed = authorize(pusher, "hello", true);
    ASSERT_TRUE(allowed);
    EXPECT_EQ(allowed->max_push_bytes(), 1 << 20);
    EXPECT_EQ(allowed->too_large(), "the plan `default` allows 5 MiB of repositories; in use: 4 MiB");
    EXPECT_NE(allowed->too_large_hint(), "");
  }
  EXPECT_EQ(authorize(ada.id, "hello", false)->max_push_bytes(), 0);
  limit(4 << 20);
  const auto full = authorize(ada.id, "hello", true);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Code::kPermissionDenied);
  EXPECT_EQ(full.error().message, "the plan `default` allows 4 MiB of repositories; in use: 4 MiB");
  EXPECT_TRUE(authorize(ada.id, "hello", false));  // what is there can be fetched
  limit(kUnlimited);
  controller_->bytes_of_each = -1;  // nobody is asked then
  EXPECT_EQ(authorize(ada.id, "hello", true)->max_push_bytes(), 0);
}

// Each of two pushes at a time was let in with what was left; whoever comes to its end second has too much.
TEST_F(Gateway, APushThatHasComeIsRefusedWhereTheDiskOfTheOwnerIsPassedMeanwhile) {
  const store::ClientRow ada = add_client("ada");
  add_project("hello", ada);
  add_project("other", ada);
  EXPECT_TRUE(database_->write([&](store::Tx& tx) {
    return store::set_plan(tx, {"default", {kUnlimited, kUnlimited, kUnlimited, kUnlimited, kUnlimited, 5 << 20}});
  }));
  controller_->bytes_of_each = (5 << 20) / 2;  // the limit exactly
  EXPECT_TRUE(authorize(ada.id, "hello", true, true));
  controller_->bytes_of_each = 3 << 20;
  const auto refused = authorize(ada.id, "hello", true, true);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kPermissionDenied);
  EXPECT_EQ(refused.error().message, "the plan `default` allows 5 MiB of repositories; in use: 6 MiB");
}

TEST_F(Gateway, WritesAPushThatAsksAgainIntoTheAuditLogOnlyWhereItIsRefused) {
  const store::ClientRow ada = add_client("ada");
  add_project("hello", ada);
  const auto ask_again = [&] {
    const bool allowed = authorize(ada.id, "hello", true, true).has_value();
    while (tasks_.size() > 0) io_.run_one();
    return allowed;
  };
  const auto rows = [&] {
    std::size_t count = 0;
    EXPECT_TRUE(database_->read([&](store::Tx& tx) -> Status {
      TRY_ASSIGN(const auto listed, store::list_audit(tx, {}, 10));
      count = listed.size();
      return {};
    }));
    return count;
  };
  ASSERT_TRUE(authorize(ada.id, "hello", true));
  EXPECT_EQ(rows(), 1u);
  EXPECT_TRUE(ask_again());
  EXPECT_EQ(rows(), 1u);
  ASSERT_TRUE(database_->write([&](store::Tx& tx) { return store::set_suspended(tx, ada.id, 1); }));
  EXPECT_FALSE(ask_again());
  EXPECT_EQ(rows(), 2u);
}

TEST_F(Gateway, NotesAKeysUseOnceItsSignatureVerifiedAtMostOnceAMinute) {
  const store::ClientRow ada = add_client("ada");
  const store::KeyRow key{new_uuid(), ada.id, "ssh-ed25519", "AAAA", "SHA256:abc", "", 1};
  ASSERT_TRUE(database_->write([&](store::Tx& tx) { return store::insert_key(tx, key); }));
  const auto identify = [&](bool authenticated) {
    gateway::IdentifyKeyRequest request;
    request.set_fingerprint("SHA256:abc");
    request.set_authenticated(authenticated);
    EXPECT_TRUE(run(rpc::call<gateway::Identity>(git_->async(), &Stub::async::IdentifyKey, request)));
    while (tasks_.size() > 0) io_.run_one();  // it is noted beside the answer
    std::int64_t used = -1;
    EXPECT_TRUE(database_->read([&](store::Tx& tx) -> Status {
      TRY_ASSIGN(const store::KeyRow row, store::find_key(tx, "SHA256:abc"));
      used = row.last_used_at;
      return {};
    }));
    return used;
  };
  EXPECT_EQ(identify(false), 0) << "an offer proves nothing";
  const std::int64_t first = clock_.now;
  EXPECT_EQ(identify(true), first);
  clock_.now += 59'999;
  EXPECT_EQ(identify(true), first);
  clock_.now += 1;
  EXPECT_EQ(identify(true), clock_.now);
}

TEST_F(Gateway, KnowsNoKeyOfASuspendedClient) {
  const store::ClientRow ada = add_client("ada");
  const store::KeyRow key{new_uuid(), ada.id, "ssh-ed25519", "AAAA", "SHA256:abc", "", 1};
  const auto suspend = [&](std::int64_t at) {
    return database_->write([&](store::Tx& tx) { return store::set_suspended(tx, ada.id, at); });
  };
  ASSERT_TRUE(database_->write([&](store::Tx& tx) { return store::insert_key(tx, key); }));
  ASSERT_TRUE(suspend(clock_.now));
  gateway::IdentifyKeyRequest request;
  request.set_fingerprint("SHA256:abc");
  const auto offered = run(rpc::call<gateway::Identity>(git_->async(), &Stub::async::IdentifyKey, request));
  EXPECT_TRUE(offered) << "who merely offers the key learns nothing";
  request.set_authenticated(true);
  const auto refused = run(rpc::call<gateway::Identity>(git_->async(), &Stub::async::IdentifyKey, request));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kPermissionDenied);
  EXPECT_NE(refused.error().message.find("suspended"), std::string::npos);
  ASSERT_TRUE(suspend(0));
  EXPECT_TRUE(run(rpc::call<gateway::Identity>(git_->async(), &Stub::async::IdentifyKey, request)));
}

TEST_F(Gateway, LetsOwnersAndAdministratorsInAndTellsOthersNothing) {
  const store::ClientRow ada = add_client("ada");
  const store::ClientRow bob = add_client("bob");
  const store::ClientRow root = add_client("root", true);
  const store::ProjectRow hello = add_project("hello", ada);
  for (const bool write : {false, true}) {
    EXPECT_EQ(authorize(ada.id, "hello", write)->project_id(), hello.id);
    EXPECT_EQ(authorize(root.id, hello.id, write)->project_name(), "hello");
    const auto foreign = authorize(bob.id, "hello", write);
    const auto missing = authorize(bob.id, "absent", write);
    ASSERT_FALSE(foreign);
    ASSERT_FALSE(missing);
    EXPECT_EQ(foreign.error().code, Code::kNotFound);
    EXPECT_EQ(missing.error().code, Code::kNotFound);
    EXPECT_EQ(foreign.error().message, "project hello does not exist, or is not yours");
    EXPECT_EQ(missing.error().message, "project absent does not exist, or is not yours");
    EXPECT_FALSE(authorize("", "hello", write));
    EXPECT_FALSE(authorize(new_uuid(), "hello", write));
  }
}

TEST_F(Gateway, KeepsOutAnAdministratorWhoOwesASecondFactor) {
  const store::ClientRow root = add_client("root", true);
  const store::ClientRow ada = add_client("ada");
  const store::ProjectRow own = add_project("own", root);
  const store::ProjectRow hello = add_project("hello", ada);
  const std::string commit(40, 'a');
  controller_->ends_as = DeploymentState::kFailed;  // for only one is live
  const auto expect_all = [&](bool let_in) {
    for (const store::ProjectRow& project : {own, hello}) {
      for (const bool write : {false, true}) {
        const auto answer = authorize(root.id, project.name, write);
        EXPECT_EQ(answer.has_value(), let_in) << project.name << " write " << write;
        if (answer || let_in) continue;
        EXPECT_EQ(answer.error().code, Code::kPermissionDenied);
        EXPECT_NE(answer.error().message.find("second factor"), std::string::npos) << answer.error().message;
      }
      controller_->asked.clear();
      EXPECT_EQ(deploy(project.id, root.id, commit).has_value(), let_in) << project.name;
      EXPECT_EQ(controller_->asked.size(), let_in ? 1u : 0u);
    }
  };
  expect_all(true);
  context_->accounts.administrators_need_second_factor = true;
  expect_all(false);
  EXPECT_TRUE(authorize(ada.id, "hello", true)) << "of others none is asked";
  ASSERT_TRUE(database_->write([&](store::Tx& tx) { return store::set_totp(tx, root.id, "sealed", 0); }));
  expect_all(false);  // it was not confirmed
  ASSERT_TRUE(database_->write([&](store::Tx& tx) { return store::set_totp(tx, root.id, "sealed", 1); }));
  expect_all(true);
}

TEST_F(Gateway, StreamsADeploymentAndItsResult) {
  const store::ClientRow ada = add_client("ada");
  const store::ProjectRow hello = add_project("hello", ada);
  const auto events = deploy(hello.id, ada.id, std::string(40, 'a'));
  ASSERT_TRUE(events) << events.error().message;
  EXPECT_EQ(*events, (std::vector<std::string>{"==> Building", "done", "result"}));
  EXPECT_TRUE(last_.live());
  EXPECT_EQ(last_.number(), 1);
  EXPECT_EQ(last_.url(), "http://hello.user-app.localhost:8080");
  controller_->ends_as = DeploymentState::kFailed;
  ASSERT_TRUE(deploy(hello.id, ada.id, std::string(40, 'b')));
  EXPECT_FALSE(last_.live());
  EXPECT_EQ(last_.reason(), "exited");
  EXPECT_EQ(last_.message(), "the Instance exited");
  EXPECT_NE(last_.hint().find("deployments logs 2 -p hello"), std::string::npos);
}

TEST_F(Gateway, CancelsADeploymentWhoseGitRoleIsGone) {
  const store::ClientRow ada = add_client("ada");
  const store::ProjectRow hello = add_project("hello", ada);
  ASSERT_TRUE(deploy(hello.id, ada.id, std::string(40, 'a')));
  EXPECT_EQ(std::ranges::count(controller_->asked, "cancel 1"), 0) << "the control: it stayed to the end";
  controller_->held = true;
  gateway::DeployRequest request;
  request.set_project_id(hello.id);
  request.set_client_id(ada.id);
  request.set_commit(std::string(40, 'b'));
  auto events = std::make_unique<rpc::ReadStream<gateway::DeployEvent>>(git_->async(), &Stub::async::Deploy, request);
  ASSERT_TRUE(run(events->next()));
  events.reset();  // as the end of its process does
  const auto cancelled = [&] { return std::ranges::count(controller_->asked, "cancel 2") == 1; };
  for (int i = 0; i < 1000 && !cancelled(); ++i) EXPECT_TRUE(run(net::sleep_for(std::chrono::milliseconds(10))));
  EXPECT_TRUE(cancelled());
  controller_->held = false;
  controller_->gate.notify();
}

TEST_F(Gateway, RefusesADeployThatWouldNotBeAuthorised) {
  const store::ClientRow ada = add_client("ada");
  const store::ProjectRow hello = add_project("hello", ada);
  EXPECT_EQ(deploy(hello.id, add_client("bob").id, std::string(40, 'a')).error().code, Code::kNotFound);
  for (const std::string bad : {"main", "--help", "HEAD", ""})
    EXPECT_EQ(deploy(hello.id, ada.id, bad).error().code, Code::kInvalidArgument) << bad;
  EXPECT_TRUE(controller_->asked.empty());
}

class Bootstrap : public ApiTest {};

TEST_F(Bootstrap, MakesTheFirstAdministratorOnce) {
  const std::filesystem::path file = folder_ / "admin-password";
  ASSERT_TRUE(run(ensure_administrator(*context_, "Root@example.org", file)));
  const Result<std::string> content = read_secret_file(file);
  ASSERT_TRUE(content) << content.error().message;
  const std::string password = content->substr(0, content->size() - 1);
  EXPECT_GE(password.size(), 20u);
  boost::json::object body;
  body["email"] = "root@example.org";
  body["password"] = password;
  const net::HttpResponse session = ask("POST", "/api/v1/sessions", "", boost::json::serialize(body));
  ASSERT_EQ(session.status, 201) << session.body;
  EXPECT_EQ(json(session).at("client").at("administrator"), true);
  ASSERT_TRUE(run(ensure_administrator(*context_, "root@example.org", file)));
  EXPECT_EQ(*read_secret_file(file), *content);
}

TEST_F(Bootstrap, MakesNoAccountWhosePasswordCouldNotBeKept) {
  EXPECT_FALSE(run(ensure_administrator(*context_, "root@example.org", folder_ / "absent" / "password")));
  std::int64_t clients = -1;
  EXPECT_TRUE(database_->read([&](store::Tx& tx) -> Status {
    TRY_ASSIGN(clients, store::count_clients(tx));
    return {};
  }));
  EXPECT_EQ(clients, 0);
}

}  // namespace
}  // namespace paastech::api
