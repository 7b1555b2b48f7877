#include "pomegranate/build_output.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "pomegranate/utf8.h"

namespace paastech::pomegranate {
namespace {

TEST(BuildOutput, GivesOutWholeLinesAndTheRestAtTheEnd) {
  BuildOutput output;
  output.add("{\"stream\":\"Step 1/2 : FROM x\"}\r\n{\"stream\":\"\\n\"}\r\n{\"stream\":\"no e");
  EXPECT_EQ(output.take_lines(), (std::vector<std::string>{"Step 1/2 : FROM x"}));
  output.add("nd\"}\r\n");
  EXPECT_TRUE(output.take_lines().empty());
  output.finish();
  EXPECT_EQ(output.take_lines(), (std::vector<std::string>{"no end"}));
}

TEST(BuildOutput, KnowsImageErrorAndLayers) {
  BuildOutput output;
  output.add(
      "{\"stream\":\" ---\\u003e Running in 0123456789ab\\n\"}\n{\"stream\":\" ---\\u003e fedcba987654\\n\"}\n"
      "{\"stream\":\" ---> ../../etc/xyz\\n\"}\n"
      "{\"aux\":{\"ID\":\"sha256:1\"}}\n{\"errorDetail\":{\"code\":3,\"message\":\"m\"},\"error\":\"m\"}\n");
  EXPECT_EQ(output.last_layer(), "fedcba987654");
  EXPECT_EQ(output.image(), "sha256:1");
  EXPECT_EQ(output.error(), "m");
  EXPECT_EQ(output.error_code(), 3);
}

TEST(BuildOutput, KnowsTheLastLayerOfEachStageHoweverManyAreNamed) {
  const auto line = [](const std::string& text) { return "{\"stream\":\"" + text + "\\n\"}\n"; };
  BuildOutput output;
  output.add(line("Step 1/4 : FROM a AS b") + line(" ---> 0123456789ab") + line("Step 2/4 : RUN x") +
             line(" ---> fedcba987654") + line("Step 3/4 : from c") + line(" ---> 000000000000"));
  EXPECT_EQ(output.stage_ends(), (std::vector<std::string>{"fedcba987654"}));
  EXPECT_EQ(output.last_layer(), "000000000000");
  for (int i = 0; i < 1000; ++i) output.add(line(" ---> 0123456789ab") + line("Step 1/1 : FROM x"));
  EXPECT_EQ(output.stage_ends().size(), BuildOutput::kMaxStages);
}

TEST(BuildOutput, KeepsTheLastLayersHoweverManyAreNamed) {
  BuildOutput output;
  for (int i = 0; i < 1000; ++i) output.add(fmt::format("{{\"stream\":\" ---> {:012x}\\n\"}}\n", i));
  ASSERT_EQ(output.recent_layers().size(), BuildOutput::kRecentLayers);
  EXPECT_EQ(output.recent_layers().back(), fmt::format("{:012x}", 999));
}

TEST(BuildOutput, LeavesOutProgressBars) {
  BuildOutput output;
  output.add(
      "{\"status\":\"Downloading\",\"id\":\"a\",\"progressDetail\":{\"current\":1,\"total\":2}}\n"
      "{\"status\":\"Pull complete\",\"id\":\"a\",\"progressDetail\":{}}\n");
  EXPECT_EQ(output.take_lines(), (std::vector<std::string>{"a: Pull complete"}));
}

TEST(BuildFailure, KnowsAnImageThatWentWhileTheCacheWasLookedAt) {
  const auto gone = explain_build_failure("unable to find image \"sha256:d88194\"", 0, false, 1);
  EXPECT_EQ(gone.reason, "image_removed");
}

TEST(BuildFailure, TellsMemoryFromOtherKills) {
  constexpr std::int64_t kGiB = 1 << 30;
  const auto memory = explain_build_failure("The command 'x' returned a non-zero code: 137", 137, true, kGiB);
  EXPECT_EQ(memory.reason, "out_of_memory");
  EXPECT_NE(memory.message.find("1 GiB"), std::string::npos);
  const auto killed = explain_build_failure("The command 'x' returned a non-zero code: 137", 137, false, kGiB);
  EXPECT_EQ(killed.reason, "build_failed");
  EXPECT_NE(killed.message.find("probably"), std::string::npos);
  EXPECT_NE(explain_build_failure("write /x: no space left on device", 1, false, kGiB).message.find("disk"),
            std::string::npos);
  EXPECT_EQ(explain_build_failure("dockerfile parse error line 2: unknown instruction: X", 0, false, kGiB).reason,
            "invalid_dockerfile");
}

TEST(ExposedPort, CountsOnlyASingleTcpPort) {
  EXPECT_EQ(single_port({"8080/tcp"}), 8080);
  EXPECT_EQ(single_port({"53/udp", "80/tcp"}), 80);
  EXPECT_EQ(single_port({"80/tcp", "443/tcp"}), 0);
  EXPECT_EQ(single_port({}), 0);
}

TEST(Utf8, ReplacesWhatIsNoText) {
  EXPECT_EQ(valid_utf8("gr\xc3\xbc\xc3\x9f \xf0\x9f\x99\x82"), "gr\xc3\xbc\xc3\x9f \xf0\x9f\x99\x82");
  EXPECT_EQ(valid_utf8("a\xff"
                       "b\xc3"),
            "a\xef\xbf\xbd"
            "b\xef\xbf\xbd");
  EXPECT_EQ(valid_utf8("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");  // a surrogate
}

}  // namespace
}  // namespace paastech::pomegranate
