#include "domain/policy.h"

#include <gtest/gtest.h>

namespace paastech {
namespace {

const Actor kAnonymous{};
const Actor kOwner{.client_id = "owner"};
const Actor kStranger{.client_id = "stranger"};
const Actor kAdministrator{.client_id = "root", .administrator = true};

constexpr Permission kOfProjects[] = {Permission::kProjectRead, Permission::kProjectSecrets, Permission::kProjectPush,
                                      Permission::kProjectChange, Permission::kProjectDelete};

TEST(Policy, LetsOwnerAndAdministratorAtAProject) {
  const Resource project = Resource::project("owner", "hello");
  for (const Permission permission : kOfProjects) {
    EXPECT_TRUE(allow(kOwner, permission, project)) << to_text(permission);
    EXPECT_TRUE(allow(kAdministrator, permission, project)) << to_text(permission);
  }
}

TEST(Policy, TellsAForeignProjectFromAMissingOneByNothing) {
  for (const Permission permission : kOfProjects) {
    const Status foreign = allow(kStranger, permission, Resource::project("owner", "hello"));
    const Status missing = allow(kStranger, permission, Resource::missing_project("hello"));
    ASSERT_FALSE(foreign);
    ASSERT_FALSE(missing);
    EXPECT_EQ(foreign.error().code, Code::kNotFound);
    EXPECT_EQ(foreign.error().code, missing.error().code);
    EXPECT_EQ(foreign.error().message, missing.error().message);
    EXPECT_EQ(foreign.error().hint, missing.error().hint);
  }
}

TEST(Policy, AsksTheAnonymousToLogInBeforeAnythingElse) {
  for (const Permission permission : kOfProjects) {
    const Status refused = allow(kAnonymous, permission, Resource::project("", "hello"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::kUnauthenticated);
  }
  EXPECT_EQ(allow(kAnonymous, Permission::kAccount, Resource::none()).error().code, Code::kUnauthenticated);
  EXPECT_EQ(allow(kAnonymous, Permission::kProjectCreate, Resource::none()).error().code, Code::kUnauthenticated);
  EXPECT_EQ(allow(kAnonymous, Permission::kClientsManage, Resource::none()).error().code, Code::kUnauthenticated);
  EXPECT_TRUE(allow(kAnonymous, Permission::kPublic, Resource::none()));
}

TEST(Policy, KeepsClientsFromWhatIsTheAdministrators) {
  EXPECT_EQ(allow(kOwner, Permission::kClientsManage, Resource::none()).error().code, Code::kPermissionDenied);
  EXPECT_EQ(allow(kOwner, Permission::kMetricsRead, Resource::none()).error().code, Code::kPermissionDenied);
  EXPECT_TRUE(allow(kAdministrator, Permission::kClientsManage, Resource::none()));
  EXPECT_TRUE(allow(kAdministrator, Permission::kMetricsRead, Resource::none()));
  EXPECT_TRUE(allow(Actor{.local = true}, Permission::kMetricsRead, Resource::none()));
  EXPECT_FALSE(allow(Actor{.local = true}, Permission::kClientsManage, Resource::none()));
}

TEST(Policy, DeniesAProjectPermissionWithoutAProject) {
  EXPECT_FALSE(allow(kOwner, Permission::kProjectRead, Resource::none()));
  EXPECT_FALSE(allow(kAdministrator, Permission::kProjectRead, Resource::none()));
  EXPECT_FALSE(allow(kAdministrator, Permission::kProjectRead, Resource::missing_project("hello")));
}

TEST(Policy, DoesNotRepeatATextThatIsNoName) {
  const Status refused = allow(kOwner, Permission::kProjectRead, Resource::missing_project("\x1b]52;c;x\a"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message.find('\x1b'), std::string::npos);
}

TEST(Policy, DeniesWhatItDoesNotKnow) {
  EXPECT_FALSE(allow(kAdministrator, static_cast<Permission>(999), Resource::none()));
}

}  // namespace
}  // namespace paastech
