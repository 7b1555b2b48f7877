#include "pomegranate/registry_list.h"

#include <gtest/gtest.h>

#include "net/test_support.h"
#include "pomegranate/image_references.h"

namespace paastech::pomegranate {
namespace {

TEST(RegistryList, WellKnownRegistriesAreTrustedUnlisted) {
  for (const char* known :
       {"", "docker.io", "registry-1.docker.io", "ghcr.io", "ghcr.io:443", "quay.io", "gcr.io", "eu.gcr.io",
        "europe-west1-docker.pkg.dev", "registry.gitlab.com", "public.ecr.aws", "mcr.microsoft.com",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com", "shop.azurecr.io", "registry.k8s.io", "cgr.dev"}) {
    EXPECT_TRUE(is_trusted_registry(known, {})) << known;
    EXPECT_TRUE(check_registry_listed(known, {})) << known;
  }
}

TEST(RegistryList, LookAlikesAndOthersAreRefusedWithAHint) {
  for (const std::string unknown : {"registry.example",
                                    "ghcr.io.evil.example",
                                    "evilghcr.io",
                                    "x.ghcr.io",
                                    "ghcr.io:8443",
                                    "ghcr.io:",
                                    "ghcr.io.",
                                    "evil.example:443",
                                    "x.amazonaws.com",
                                    "dkr.ecr.eu-west-1.amazonaws.com",
                                    "amazonaws.com",
                                    "s3.eu-west-1.amazonaws.com",
                                    "x.dkr.ecr.eu-west-1.amazonaws.com.evil.example",
                                    "vpce-1.dkr.ecr.eu-west-1.vpce.amazonaws.com",
                                    "x.privatelink.azurecr.io",
                                    "azurecr.io",
                                    ".azurecr.io",
                                    "a.b.gcr.io",
                                    "evilgcr.io",
                                    "pkg.dev",
                                    "evil.example@x.gcr.io",
                                    "evil.example:80.gcr.io"}) {
    EXPECT_FALSE(is_trusted_registry(unknown, {})) << unknown;
    const Status refused = check_registry_listed(unknown, {});
    ASSERT_FALSE(refused) << unknown;
    EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
    EXPECT_EQ(refused.error().message,
              "the registry " + unknown + " is not among those that this Service fetches from");
    EXPECT_NE(refused.error().hint.find("list " + unknown + " in engine.registries"), std::string::npos);
    EXPECT_NE(refused.error().hint.find("docker.io, ghcr.io, quay.io"), std::string::npos);
  }
}

TEST(RegistryList, WhatIsListedIsTrustedExactlyOrBelowAName) {
  const Registries listed = *parse_registries("Registry.Example, 127.0.0.1:5000,registry:5000, *.corp.example,");
  EXPECT_EQ(listed, (Registries{"registry.example", "127.0.0.1:5000", "registry:5000", "*.corp.example"}));
  for (const char* fine : {"registry.example", "127.0.0.1:5000", "registry:5000", "a.corp.example", "a.b.corp.example",
                           "a.corp.example:443", "ghcr.io"})
    EXPECT_TRUE(is_trusted_registry(fine, listed)) << fine;
  for (const char* other : {"registry.example:5000", "x.registry.example", "127.0.0.1", "127.0.0.1:500", "corp.example",
                            ".corp.example", "evilcorp.example", "a.corp.example:5000", "a.corp.example.evil.example",
                            "evil.example:80.corp.example", "evil.example@x.corp.example"})
    EXPECT_FALSE(check_registry_listed(other, listed)) << other;
}

TEST(RegistryList, AStarTakesEveryRegistryButTrustsNone) {
  const Registries any = *parse_registries("*");
  EXPECT_TRUE(check_registry_listed("registry.example:5000", any));
  EXPECT_FALSE(is_trusted_registry("registry.example:5000", any)) << "its addresses are looked at";
  EXPECT_FALSE(check_foreign_image("127.0.0.1:5000/x", any)) << "an address is listed itself or refused";
}

TEST(RegistryList, AnEntryThatIsNoRegistryIsNamed) {
  for (const std::string bad : {"https://registry.lan", "registry.lan/team", "registry.lan:", "registry.lan:0",
                                "registry.lan:65536", "registry.lan:x", "*.registry.lan:5000", "*.", "**", "a.*.lan",
                                "*registry.lan", "*.10", "a b", "-a.lan", "a..lan", "[::1]:5000", "a@b", ":5000"}) {
    const auto refused = parse_registries("registry.lan," + bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().message, "`" + bad + "` is not a registry");
    EXPECT_NE(refused.error().hint.find("*.HOST"), std::string::npos);
  }
  EXPECT_TRUE(parse_registries("")->empty());
}

// Without a look-up: what is refused here is refused before anybody is asked.
net::Task<void> ask_source(std::string reference, Registries listed, Status* answer) {
  *answer = co_await check_registry_source(reference, listed);
}

Status source_of(const std::string& reference, const Registries& listed = {}) {
  net::asio::io_context loop;
  Status answer;
  net::testing::run(loop, ask_source(reference, listed, &answer));
  return answer;
}

TEST(RegistryList, TheRegistryIsTheOneThatTheEngineIsAskedFor) {
  for (const char* fine : {"debian", "team/shop:1", "docker.io/library/debian", "index.docker.io/x", "GHCR.IO/x",
                           "ghcr.io/team/shop:1@sha256:00", "docker.io:443/x"})
    EXPECT_TRUE(source_of(fine)) << fine;
  for (const char* unknown :
       {"registry.example/x", "REGISTRY.EXAMPLE/x", "library/registry.example/x", "docker.io/registry.example/x",
        "registry.example/ghcr.io/x", "registry.example/x@ghcr.io/y"})
    EXPECT_FALSE(source_of(unknown)) << unknown;
  EXPECT_TRUE(source_of("registry.example/x", {"registry.example"}));
  EXPECT_TRUE(source_of("registry.example/x", {"*.example"}));
  EXPECT_NE(source_of("10.0.0.1/x", {"*"}).error().message.find("of this Service's own network"), std::string::npos);
}

}  // namespace
}  // namespace paastech::pomegranate
