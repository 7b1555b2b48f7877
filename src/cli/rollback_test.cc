// rollback, deploy --image, registry: whole commands against the FakeServer.
#include <gmock/gmock.h>

#include "cli/run_fixture.h"

namespace paastech::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kQueued = R"({"deployment":{"number":5,"state":"queued","cause":"rollback"}})";

class RollbackTest : public CliTest {
 protected:
  std::string asked(const std::string& line) {
    std::string body = "nothing was asked";
    for (const Request& request : server.requests())
      if (request.line.find(line) != std::string::npos) body = request.body;
    return body;
  }
};

TEST_F(RollbackTest, NamesTheDeploymentOrLeavesItToTheService) {
  server.on("POST /projects/shop/rollback", {.status = 202, .body = kQueued});
  EXPECT_EQ(run({"rollback", "3", "--no-wait", "-p", "shop"}).exit, 0);
  EXPECT_EQ(asked("POST /api/v1/projects/shop/rollback"), R"({"deployment":3})");
  EXPECT_EQ(run({"rollback", "--no-wait", "-p", "shop"}).exit, 0);
  EXPECT_EQ(asked("POST /api/v1/projects/shop/rollback"), "{}");
  EXPECT_EQ(run({"rollback", "-1", "-p", "shop"}).exit, 2);
}

TEST_F(RollbackTest, AnImageIsDeployedWithoutARepository) {
  server.on("POST /projects/shop/deployments", {.status = 202, .body = kQueued});
  const Ran ran = run({"deploy", "--image", "registry.example:5000/shop:2", "--no-wait", "-p", "shop"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(asked("POST /api/v1/projects/shop/deployments"), R"({"image":"registry.example:5000/shop:2"})");
  EXPECT_EQ(run({"deploy", "--image", "x", "--force", "-p", "shop"}).exit, 2);
}

TEST_F(RollbackTest, ARegistryPasswordComesFromTheStandardInputAndIsNotShown) {
  server.on("PUT /projects/shop/registries/registry.example:5000",
            {.body = R"({"host":"registry.example:5000","username":"u"})"});
  input = "canary\n";
  const Ran ran =
      run({"registry", "add", "registry.example:5000", "--username", "u", "--password-stdin", "-p", "shop"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(asked("PUT /api/v1/projects/shop/registries/registry.example:5000"), HasSubstr("canary"));
  EXPECT_THAT(ran.out + ran.err, Not(HasSubstr("canary")));
  EXPECT_EQ(run({"registry", "remove", "a/../b", "-p", "shop"}).exit, 2);
}

}  // namespace
}  // namespace paastech::cli
