// Images from a real registry, with and without a password.
#include <netdb.h>
#include <unistd.h>

#include "docker/build.h"
#include "docker/lines.h"
#include "pomegranate/contract_support.h"
#include "pomegranate/registry_support.h"

namespace paastech::pomegranate {
namespace {

class EnginePull : public Contract {
 protected:
  // A registry that has the image team/shop:2, made by the Dockerfile.
  std::string start(bool with_password, const std::string& dockerfile) {
    registry_ = std::make_unique<Registry>(
        std::filesystem::path(::testing::TempDir()) / ("registry-" + options_.instance), with_password);
    EXPECT_TRUE(registry_->was_started()) << "docker-registry is missing: scripts/packages.txt";
    EXPECT_TRUE(until([&] { return registry_->answers(); }));
    options_.registries = {registry_->address()};
    make_engine(false);
    const std::string source = project();
    EXPECT_TRUE(build(build_spec(source), dockerfile).ok());
    const std::string name = registry_->address() + "/team/shop";
    EXPECT_TRUE(run(docker::tag_image(client_, image_reference(source, 1), name, "2")));
    push(name);
    EXPECT_TRUE(run(docker::remove_image(client_, name + ":2")));
    return name + ":2";
  }
  void push(const std::string& name) {
    net::Headers headers;
    headers.add("X-Registry-Auth",
                docker::registry_authority(Registry::kUser, Registry::kPassword, registry_->address()));
    const auto pushed = run(client_->call("POST", "/images/" + name + "/push?tag=2", "", 60s, std::move(headers)));
    ASSERT_TRUE(pushed) << pushed.error().message;
    EXPECT_EQ(pushed->body.find("errorDetail"), std::string::npos) << pushed->body;
  }
  v1::BuildResult pull(const std::string& project, const std::string& reference, const std::string& username = "",
                       const std::string& password = "") {
    v1::PullImageRequest request;
    request.set_project(project);
    request.set_deployment(5);
    request.set_reference(reference);
    request.set_username(username);
    request.set_password(password);
    auto sink = std::make_shared<Collector<v1::BuildEvent>>();
    const Status status = run(engine_->pull_image(request, sink));
    EXPECT_TRUE(status) << status.error().message;
    lines_.clear();
    for (const v1::BuildEvent& event : sink->got) {
      if (event.has_result()) return event.result();
      lines_ += event.line() + "\n";
    }
    return {};
  }
  std::vector<std::string> names_of(const std::string& reference) {
    const auto image = run(docker::inspect_image(client_, reference));
    return image ? image->names : std::vector<std::string>();
  }
  void TearDown() override {
    Contract::TearDown();
    registry_.reset();
  }
  std::unique_ptr<Registry> registry_;
  std::string lines_;
};

// Small, and different in each test, so that what one test removes another does not need.
std::string dockerfile(const std::string& mark) {
  return "FROM debian:bookworm\nCOPY app.pl /app.pl\nLABEL mark=" + mark +
         "\nEXPOSE 8080\nCMD [\"perl\", \"/app.pl\"]\n";
}

// The first name of this machine's own that is not written as such.
std::string own_name() {
  std::string host(256, '\0');
  if (::gethostname(host.data(), host.size()) != 0) return {};
  for (const std::string& name : {std::string("ip6-localhost"), std::string(host.c_str())}) {
    addrinfo* found = nullptr;
    const bool known = ::getaddrinfo(name.c_str(), nullptr, nullptr, &found) == 0;
    if (found) ::freeaddrinfo(found);
    if (known) return name;
  }
  return {};
}

TEST_F(EnginePull, ANameOfThisServicesOwnNetworkIsRefusedUnlessItIsListed) {
  const std::string host = own_name();
  if (host.empty()) GTEST_SKIP() << "this machine's names do not resolve";
  const std::string reference = host + ":1/a:1";
  const std::string id = project();
  options_.registries = {"*"};
  make_engine(true);
  const v1::BuildResult refused = pull(id, reference);
  EXPECT_EQ(refused.reason(), "invalid_image") << refused.message();
  EXPECT_NE(refused.message().find("engine.registries"), std::string::npos) << refused.message();
  const v1::BuildResult based = build(build_spec(id), "FROM " + reference + "\nCMD x\n");
  EXPECT_EQ(based.reason(), "invalid_dockerfile") << based.message();
  options_.registries = {host + ":1"};
  make_engine(true);
  const v1::BuildResult asked = pull(id, reference);  // nobody is there, but it was asked
  EXPECT_EQ(asked.reason(), "pull_failed") << asked.message();
}

TEST_F(EnginePull, ARegistryThatIsNeitherWellKnownNorListedIsRefusedUnlessItsImageIsThere) {
  const std::string unknown = "registry.evil.example/pt-" + options_.instance;
  const std::string id = project();
  const v1::BuildResult pulled = pull(id, unknown + ":1");
  EXPECT_EQ(pulled.reason(), "invalid_image") << pulled.message();
  EXPECT_NE(pulled.message().find("is not among those that this Service fetches from"), std::string::npos)
      << pulled.message();
  for (const std::string& named :
       {"FROM " + unknown + ":1\n", "FROM debian:bookworm\nCOPY --from=" + unknown + ":1 / /\n",
        "FROM debian:bookworm AS a\nONBUILD COPY --from=" + unknown + ":1 / /\nFROM a\n"}) {
    const v1::BuildResult built = build(build_spec(id), named + "CMD x\n");
    EXPECT_EQ(built.reason(), "invalid_dockerfile") << built.message();
    EXPECT_NE(built.message().find("the registry registry.evil.example is not among those"), std::string::npos)
        << built.message();
    EXPECT_TRUE(built.message().starts_with("Dockerfile line ")) << built.message();
  }
  ASSERT_TRUE(run(docker::tag_image(client_, "debian:bookworm", unknown, "1")));
  const v1::BuildResult there = build(build_spec(id), "FROM " + unknown + ":1\nCMD x\n");
  EXPECT_TRUE(there.ok()) << there.message();
  EXPECT_TRUE(run(docker::remove_image(client_, unknown + ":1")));
}

TEST_F(EnginePull, AnImageIsFetchedNamedAndRuns) {
  const std::string reference = start(false, dockerfile(options_.instance));
  const std::string id = project();
  const v1::BuildResult got = pull(id, reference);
  ASSERT_TRUE(got.ok()) << got.message();
  EXPECT_EQ(got.image(), image_reference(id, 5));
  EXPECT_EQ(got.exposed_port(), 8080);
  for (const std::string& name : names_of(got.image())) EXPECT_TRUE(name.starts_with("paastech/")) << name;
  v1::InstanceGroup wanted = group(id);
  wanted.set_deployment(5);
  wanted.set_image(got.image());
  const v1::GroupEvent event = ensure(wanted);
  EXPECT_TRUE(event.has_ready()) << event.failed().message();
  const v1::BuildResult again = pull(project(), reference);  // and once more, where all of it is there
  EXPECT_TRUE(again.ok()) << again.message();
}

TEST_F(EnginePull, APasswordIsNeededEachTimeAndNeverShown) {
  const std::string reference = start(true, dockerfile(options_.instance));
  const std::string id = project();
  const v1::BuildResult nobody = pull(id, reference);
  EXPECT_FALSE(nobody.ok());
  EXPECT_EQ(nobody.reason(), "pull_failed");
  EXPECT_NE(nobody.message().find("give a user name and a password"), std::string::npos) << nobody.message();
  const v1::BuildResult wrong = pull(id, reference, Registry::kUser, "wrong-password");
  EXPECT_NE(wrong.message().find("does not accept this user name and password"), std::string::npos) << wrong.message();
  EXPECT_EQ((wrong.message() + lines_).find("wrong-password"), std::string::npos);
  const v1::BuildResult right = pull(id, reference, Registry::kUser, Registry::kPassword);
  ASSERT_TRUE(right.ok()) << right.message();
  EXPECT_EQ(lines_.find(Registry::kPassword), std::string::npos);
  // What is there by now is given to nobody else.
  EXPECT_FALSE(pull(project(), reference).ok());
  const auto digest = run(docker::registry_digest(
      client_, reference, docker::registry_authority(Registry::kUser, Registry::kPassword, registry_->address())));
  ASSERT_TRUE(digest);
  const std::string pinned = reference.substr(0, reference.size() - 2) + "@" + *digest;
  EXPECT_FALSE(pull(project(), pinned).ok());
  EXPECT_FALSE(build(build_spec(project()), "FROM " + pinned + "\nCMD x\n").ok());
  const std::string copy = "COPY --from=" + pinned + " /app.pl /x\n";
  EXPECT_FALSE(build(build_spec(project()), "FROM debian:bookworm\n" + copy + "CMD x\n").ok());
  EXPECT_FALSE(build(build_spec(project()), "FROM debian:bookworm\nONBUILD " + copy + "CMD x\n").ok());
  EXPECT_TRUE(pull(project(), pinned, Registry::kUser, Registry::kPassword).ok());
}

TEST_F(EnginePull, WhatIsMissingForbiddenOrOutOfReachIsSaid) {
  const std::string reference = start(false, dockerfile(options_.instance));
  const std::string id = project();
  const v1::BuildResult missing = pull(id, registry_->address() + "/team/shop:9");
  EXPECT_EQ(missing.reason(), "pull_failed");
  EXPECT_NE(missing.message().find("the registry has no image"), std::string::npos) << missing.message();
  for (const std::string& bad :
       {std::string("127.0.0.1:1/x"), std::string("localhost:5000/x"), std::string("paastech/x"), std::string("a/../b"),
        std::string("abcdef"), reference + "@sha256:12", std::string("x y"), std::string()}) {
    const v1::BuildResult refused = pull(id, bad);
    EXPECT_EQ(refused.reason(), "invalid_image") << bad << ": " << refused.message();
  }
  registry_->stop();
  const v1::BuildResult away = pull(id, reference);
  EXPECT_EQ(away.reason(), "pull_failed");
  EXPECT_NE(away.message().find("cannot be reached"), std::string::npos) << away.message();
}

TEST_F(EnginePull, AnImageThatWouldBeTooMuchIsRefusedAndDoesNotStay) {
  // No build of ours would make it: so it is made by hand.
  std::string volumes;
  for (int i = 0; i < 20; ++i) volumes += (i == 0 ? "\"/v" : ",\"/v") + std::to_string(i) + "\":{}";
  const std::string reference = start(false, dockerfile(options_.instance));
  const std::string name = reference.substr(0, reference.size() - 2);
  const auto container = run(client_->call("POST", "/containers/create?name=" + options_.instance + "-big",
                                           "{\"Image\":\"debian:bookworm\",\"Cmd\":[\"x\"]}"));
  ASSERT_TRUE(container);
  const auto made = run(client_->call("POST", "/commit?container=" + options_.instance + "-big&repo=" + name + "&tag=2",
                                      "{\"Volumes\":{" + volumes + "}}"));
  ASSERT_TRUE(made);
  push(name);
  ASSERT_TRUE(run(docker::remove_container(client_, options_.instance + "-big")));
  ASSERT_TRUE(run(docker::remove_image(client_, name + ":2")));
  const std::string id = project();
  const v1::BuildResult refused = pull(id, reference);
  EXPECT_EQ(refused.reason(), "invalid_image") << refused.message();
  EXPECT_NE(refused.message().find("VOLUME"), std::string::npos) << refused.message();
  EXPECT_TRUE(names_of(image_reference(id, 5)).empty());
  EXPECT_TRUE(run(docker::list_images(client_, registry_->address() + "/*/*"))->empty());
}

}  // namespace
}  // namespace paastech::pomegranate
