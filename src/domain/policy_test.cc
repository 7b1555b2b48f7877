#include "domain/policy.h"

#include <gtest/gtest.h>

namespace paastech {
namespace {

const Actor kAnonymous{};
const Actor kClient{.client_id = "client"};
const Actor kAdministrator{.client_id = "root", .administrator = true};

constexpr Permission kEvery[] = {
    Permission::kPublic,           Permission::kAccountRead,          Permission::kAccountManage,
    Permission::kClientsManage,    Permission::kAdministratorsManage, Permission::kMetricsRead,
    Permission::kProjectList,      Permission::kProjectCreate,        Permission::kProjectRead,
    Permission::kProjectPush,      Permission::kProjectDeploy,        Permission::kProjectSecrets,
    Permission::kProjectConfigure, Permission::kProjectLeave,         Permission::kProjectOwn,
};
constexpr Permission kOfProjects[] = {
    Permission::kProjectRead,      Permission::kProjectPush,  Permission::kProjectDeploy, Permission::kProjectSecrets,
    Permission::kProjectConfigure, Permission::kProjectLeave, Permission::kProjectOwn};

Resource hello(Role role) { return Resource::project("id", role, "hello"); }
constexpr std::optional<Code> kAllowed;
std::optional<Code> code_of(const Status& status) {
  if (status) return kAllowed;
  return status.error().code;
}

TEST(Policy, LetsARoleAtWhatItMayAndNoFurther) {
  struct Row {
    Permission permission;
    Role least;
  };
  const Row rows[] = {
      {Permission::kProjectRead, Role::kViewer},
      {Permission::kProjectPush, Role::kMaintainer},
      {Permission::kProjectDeploy, Role::kMaintainer},
      {Permission::kProjectSecrets, Role::kMaintainer},
      {Permission::kProjectConfigure, Role::kMaintainer},
      {Permission::kProjectLeave, Role::kViewer},
      {Permission::kProjectOwn, Role::kOwner},
  };
  for (const Row& row : rows)
    for (const Role role : {Role::kNone, Role::kViewer, Role::kMaintainer, Role::kOwner}) {
      std::optional<Code> expected = role < row.least ? std::optional(Code::kPermissionDenied) : kAllowed;
      if (role == Role::kNone) expected = Code::kNotFound;
      EXPECT_EQ(code_of(allow(kClient, row.permission, hello(role))), expected)
          << to_text(role) << " " << to_text(row.permission);
      EXPECT_TRUE(allow(kAdministrator, row.permission, hello(role)));
    }
}

TEST(Policy, HoldsATokenToItsScope) {
  struct Row {
    Permission permission;
    Scope least;
  };
  const Row rows[] = {
      {Permission::kAccountRead, Scope::kRead},        {Permission::kAccountManage, Scope::kSession},
      {Permission::kProjectList, Scope::kRead},        {Permission::kProjectCreate, Scope::kManage},
      {Permission::kProjectRead, Scope::kRead},        {Permission::kProjectPush, Scope::kDeploy},
      {Permission::kProjectDeploy, Scope::kDeploy},    {Permission::kProjectSecrets, Scope::kManage},
      {Permission::kProjectConfigure, Scope::kManage}, {Permission::kProjectLeave, Scope::kManage},
      {Permission::kProjectOwn, Scope::kManage},       {Permission::kClientsManage, Scope::kManage},
      {Permission::kMetricsRead, Scope::kRead},        {Permission::kAdministratorsManage, Scope::kSession},
  };
  for (const Row& row : rows)
    for (const Scope scope : {Scope::kRead, Scope::kDeploy, Scope::kManage, Scope::kSession}) {
      const Actor actor{.client_id = "root", .administrator = true, .scope = scope};
      EXPECT_EQ(code_of(allow(actor, row.permission, hello(Role::kOwner))),
                scope < row.least ? std::optional(Code::kPermissionDenied) : kAllowed)
          << to_text(scope) << " " << to_text(row.permission);
    }
}

TEST(Policy, HidesFromALimitedTokenWhatItDoesNotReach) {
  const Actor limited{.client_id = "root", .administrator = true, .scope = Scope::kManage, .projects = {{"other"}}};
  const Actor reaching{.client_id = "root", .administrator = true, .scope = Scope::kManage, .projects = {{"id"}}};
  EXPECT_EQ(code_of(allow(limited, Permission::kProjectRead, hello(Role::kOwner))), Code::kNotFound);
  EXPECT_TRUE(allow(reaching, Permission::kProjectRead, hello(Role::kOwner)));
  for (const Permission whole : {Permission::kProjectCreate, Permission::kClientsManage, Permission::kMetricsRead})
    EXPECT_EQ(code_of(allow(reaching, whole, Resource::none())), Code::kPermissionDenied) << to_text(whole);
}

TEST(Policy, TellsAForeignProjectFromAMissingOneByNothing) {
  const Actor limited{.client_id = "client", .scope = Scope::kRead, .projects = {{"other"}}};
  for (const Permission permission : kOfProjects) {
    const Status missing = allow(kClient, permission, Resource::missing_project("hello"));
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Code::kNotFound);
    for (const Status& foreign :
         {allow(kClient, permission, hello(Role::kNone)), allow(limited, permission, hello(Role::kOwner))}) {
      ASSERT_FALSE(foreign);
      EXPECT_EQ(foreign.error().code, missing.error().code);
      EXPECT_EQ(foreign.error().message, missing.error().message);
      EXPECT_EQ(foreign.error().hint, missing.error().hint);
    }
  }
}

TEST(Policy, AsksTheAnonymousToLogInBeforeAnythingElse) {
  for (const Permission permission : kEvery) {
    const auto expected = permission == Permission::kPublic ? kAllowed : std::optional(Code::kUnauthenticated);
    EXPECT_EQ(code_of(allow(kAnonymous, permission, hello(Role::kOwner))), expected) << to_text(permission);
  }
}

TEST(Policy, LetsTheSuspendedAtNothing) {
  const Actor suspended{.client_id = "root", .administrator = true, .suspended = true};
  for (const Permission permission : kEvery) {
    const auto expected = permission == Permission::kPublic ? kAllowed : std::optional(Code::kPermissionDenied);
    EXPECT_EQ(code_of(allow(suspended, permission, hello(Role::kOwner))), expected) << to_text(permission);
  }
}

TEST(Policy, LetsWhoOwesASecondFactorAtItsAccountOnly) {
  const Actor due{.client_id = "root", .administrator = true, .second_factor_due = true};
  for (const Permission permission : kEvery) {
    const bool own = permission == Permission::kPublic || permission == Permission::kAccountRead ||
                     permission == Permission::kAccountManage;
    EXPECT_EQ(static_cast<bool>(allow(due, permission, hello(Role::kOwner))), own) << to_text(permission);
  }
}

TEST(Policy, KeepsClientsFromWhatIsTheAdministrators) {
  for (const Permission permission :
       {Permission::kClientsManage, Permission::kAdministratorsManage, Permission::kMetricsRead}) {
    EXPECT_EQ(code_of(allow(kClient, permission, Resource::none())), Code::kPermissionDenied);
    EXPECT_TRUE(allow(kAdministrator, permission, Resource::none()));
  }
  EXPECT_TRUE(allow(Actor{.local = true}, Permission::kMetricsRead, Resource::none()));
  EXPECT_FALSE(allow(Actor{.local = true}, Permission::kClientsManage, Resource::none()));
}

TEST(Policy, DeniesAProjectPermissionWithoutAProject) {
  for (const Permission permission : kOfProjects) {
    EXPECT_FALSE(allow(kClient, permission, Resource::none()));
    EXPECT_FALSE(allow(kAdministrator, permission, Resource::none()));
    EXPECT_FALSE(allow(kAdministrator, permission, Resource::missing_project("hello")));
  }
}

TEST(Policy, DoesNotRepeatATextThatIsNoName) {
  const Status refused = allow(kClient, Permission::kProjectRead, Resource::missing_project("\x1b]52;c;x\a"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message.find('\x1b'), std::string::npos);
}

TEST(Policy, DeniesWhatItDoesNotKnow) {
  EXPECT_FALSE(allow(kAdministrator, static_cast<Permission>(999), Resource::none()));
}

TEST(Policy, ReadsBackItsOwnNames) {
  for (const Role role : {Role::kViewer, Role::kMaintainer, Role::kOwner})
    EXPECT_EQ(role_from_text(to_text(role)), role);
  EXPECT_EQ(role_from_text("king"), Role::kNone);
  for (const Scope scope : {Scope::kRead, Scope::kDeploy, Scope::kManage, Scope::kSession})
    EXPECT_EQ(scope_from_text(to_text(scope)), scope);
  EXPECT_FALSE(scope_from_text(""));
}

}  // namespace
}  // namespace paastech
