#include "domain/scale.h"

#include <gtest/gtest.h>

namespace paastech {
namespace {

TEST(Scale, SetsWhatItNamesAndLeavesTheRest) {
  ProcessList list;
  list.processes["web"].port = 8080;
  list.processes["worker"] = {.count = 2, .memory_bytes = 5};
  apply_scale(list, {{"web", 3, 64 << 20, 500}, {"gone", 7}});
  ASSERT_EQ(list.processes.size(), 2u);
  EXPECT_EQ(list.processes["web"], (Process{.port = 8080, .count = 3, .memory_bytes = 64 << 20, .milli_cpus = 500}));
  EXPECT_EQ(list.processes["worker"], (Process{.count = 2, .memory_bytes = 5}));
  apply_scale(list, {{"worker", 0}});
  EXPECT_EQ(list.processes["worker"], (Process{.count = 0}));
}

TEST(Scale, NamesOfProcesses) {
  for (const char* name : {"web", "w", "a-1", "worker-2-"}) EXPECT_TRUE(check_process_name(name)) << name;
  for (const std::string name :
       {"", "1a", "-a", "Web", "a_b", "a.b", "ü", "release", "build", "run", "platform", "a b"})
    EXPECT_FALSE(check_process_name(name)) << name;
  EXPECT_TRUE(check_process_name(std::string(30, 'a')));
  EXPECT_FALSE(check_process_name(std::string(31, 'a')));
}

TEST(Scale, CommandsAreShownAsTheyWereWritten) {
  EXPECT_EQ(shown_command(shell_words("node server.js | tee 'x y'")), "node server.js | tee 'x y'");
  EXPECT_EQ(shown_command({"node", "a b", "", "it's", "--port=80"}), "node 'a b' '' 'it'\\''s' --port=80");
  EXPECT_EQ(shown_command({}), "");
  EXPECT_EQ(shell_words("a  b"), (std::vector<std::string>{"/bin/sh", "-c", "a  b"}));
}

}  // namespace
}  // namespace paastech
