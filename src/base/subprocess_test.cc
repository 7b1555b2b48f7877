#include "base/subprocess.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

namespace paastech {
namespace {

using namespace std::chrono_literals;

TEST(Subprocess, PassesArgumentsWithoutAShell) {
  const auto result = run_program({"printf", "%s|", "$(id)", "a b", ";ls"});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->exit_code, 0);
  EXPECT_EQ(result->output, "$(id)|a b|;ls|");
}

TEST(Subprocess, ReportsExitCodeAndSignal) {
  EXPECT_EQ(run_program({"false"})->exit_code, 1);
  EXPECT_EQ(run_program({"sh", "-c", "kill -TERM $$"})->exit_code, 128 + 15);
}

TEST(Subprocess, FeedsInputLargerThanAPipe) {
  const std::string input(1 << 20, 'x');
  const auto result = run_program({"wc", "-c"}, input);
  ASSERT_TRUE(result);
  EXPECT_EQ(std::stoul(result->output), input.size());
}

TEST(Subprocess, SurvivesAProgramThatIgnoresItsInput) {
  const auto result = run_program({"true"}, std::string(1 << 20, 'x'));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->exit_code, 0);
}

TEST(Subprocess, KillsAtTheDeadlineWithItsChildren) {
  const auto start = std::chrono::steady_clock::now();
  const auto result = run_program({"sh", "-c", "sleep 30 & sleep 30"}, {}, {.timeout = 100ms});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kDeadlineExceeded);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
}

TEST(Subprocess, NamesAMissingProgram) {
  const auto result = run_program({"no-such-program-here"});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kNotFound);
  EXPECT_NE(result.error().message.find("no-such-program-here"), std::string::npos);
}

TEST(Subprocess, BoundsOutput) {
  const auto result = run_program({"head", "-c", "100000", "/dev/zero"}, {}, {.max_output = 1000});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->output.size(), 1000u);
  EXPECT_EQ(result->exit_code, 0);
}

TEST(Subprocess, LeaksNoDescriptor) {
  const int fd = ::open("/etc/hostname", O_RDONLY);  // without close-on-exec, on purpose
  ASSERT_GE(fd, 3);
  const auto result = run_program({"test", "-e", "/proc/self/fd/" + std::to_string(fd)});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->exit_code, 1);
  ::close(fd);
}

}  // namespace
}  // namespace paastech
