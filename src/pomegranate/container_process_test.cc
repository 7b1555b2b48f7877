#include "pomegranate/container_process.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <string>

namespace paastech::pomegranate {
namespace {

TEST(ContainerProcess, IsKnownByItsControlGroup) {
  const std::string id(64, 'a');
  EXPECT_TRUE(is_of_container("4:memory:/docker/" + id + "\n", id));
  EXPECT_TRUE(is_of_container("0::/system.slice/docker-" + id + ".scope\n", id));
  EXPECT_FALSE(is_of_container("0::/docker/" + std::string(64, 'b') + "\n", id));
  EXPECT_FALSE(is_of_container("0::/user.slice\n", "user"));
  EXPECT_FALSE(is_of_container("0::/user.slice\n", ""));
}

TEST(ContainerProcess, NoOtherProcessIsHarmed) {
  const std::string id(64, 'a');
  EXPECT_FALSE(kill_container_process(::getpid(), id));
  EXPECT_FALSE(kill_container_process(0, id));
  EXPECT_FALSE(kill_container_process(1, id));
  EXPECT_FALSE(kill_container_process(-1, id));
}

}  // namespace
}  // namespace paastech::pomegranate
