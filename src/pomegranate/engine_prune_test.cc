// What builds leave whose process was killed, and nothing else, is found and removed.
#include "pomegranate/contract_support.h"
#include "pomegranate/engine_proxy.h"

namespace paastech::pomegranate {
namespace {

using EnginePrune = Contract;

TEST_F(EnginePrune, TheLayersOfAKilledBuildGoAndNoOthers) {
  const std::string id = project();
  const std::string mark = "mark-" + options_.instance;
  ASSERT_TRUE(build(build_spec(id), "FROM debian:bookworm\nRUN echo kept-" + mark + " > /a\nRUN true\nCMD x\n").ok());
  const std::string path = ::testing::TempDir() + options_.instance + ".sock";
  EngineProxy proxy(loop_, path, options_.docker_socket);
  Options by_proxy = options_;
  by_proxy.docker_socket = path;
  by_proxy.firewall = false;
  const auto engine = *DockerEngine::make(*tasks_, by_proxy);
  const std::string sleeps = sleep_mark();
  const std::string tar = TestTar()
                              .file("Dockerfile", "FROM debian:bookworm\nRUN head -c 3000000 /dev/zero > /" + mark +
                                                      "\nRUN echo " + mark + " > /b\nRUN sleep " + sleeps + "\nCMD x\n")
                              .end();
  auto sink = std::make_shared<Collector<v1::BuildEvent>>();
  const Outcome outcome = beside(engine->build(build_spec(id, 2), std::make_shared<OneTar>(tar), sink));
  ASSERT_TRUE(until([&] { return runs_on_host(sleeps); }));
  const auto marks = [&] {
    const auto images = run(docker::list_images(client_, "paastech/build"));
    EXPECT_TRUE(images);
    return std::ranges::count_if(*images, [&](const docker::ImageSummary& image) {
      return image.reference.find(":" + options_.instance + ".") != std::string::npos;
    });
  };
  ASSERT_TRUE(until([&] { return marks() == 2; }));
  // A build under way is no leftover.
  ASSERT_TRUE(run(engine->prune_builds({})));
  EXPECT_EQ(marks(), 2);
  proxy.cut();  // to the Engine as a kill -9 of the process; and its own clean-up is cut off too
  ASSERT_TRUE(until([&] { return outcome->has_value() && !runs_on_host(sleeps); }));
  EXPECT_EQ(marks(), 2);
  v1::PruneBuildsRequest much;
  much.set_keep_bytes(1LL << 40);
  const auto kept = run(engine_->prune_builds(much));
  ASSERT_TRUE(kept);
  EXPECT_GE(kept->kept_bytes(), 3'000'000);
  EXPECT_EQ(kept->freed_bytes(), 0);
  EXPECT_EQ(marks(), 2);
  ASSERT_TRUE(until([&] {  // the Engine removes the build's container in its own time
    const auto freed = run(engine_->prune_builds({}));
    EXPECT_TRUE(freed && freed->kept_bytes() == 0);
    return marks() == 0 && nameless(mark) == 0;
  }));
  EXPECT_TRUE(run(docker::inspect_image(client_, image_reference(id, 1))));
  until([&] { return tasks_->size() == 0; }, 2s);
}

}  // namespace
}  // namespace paastech::pomegranate
