// What an Engine must do with what writes more beside its image than it may. Each limit has its control: what stays
// below it goes on.
#include "pomegranate/contract_support.h"

namespace paastech::pomegranate {
namespace {

class EngineDisk : public Contract {
 protected:
  void SetUp() override {
    Contract::SetUp();
    if (!engine_) return;
    options_.instance_disk_bytes = 100LL << 20;
    options_.build_disk_bytes = 200LL << 20;
    make_engine(true);
    tasks_->spawn("watch disk", engine_->watch_disk());
  }
  static std::string write(int mebibytes, const std::string& file = "/filled") {
    return fmt::format("dd if=/dev/zero of={} bs=1M count={} status=none", file, mebibytes);
  }
};

TEST_F(EngineDisk, AnInstanceThatWritesTooMuchIsEndedAndItsNeighbourGoesOn) {
  const std::string id = project();
  built(id);
  auto events = std::make_shared<Collector<v1::InstanceEvent>>();
  beside(engine_->watch(events));
  ASSERT_TRUE(ensure(worker(group(id, {"sh", "-c", write(60) + "; exec sleep 600"}), "modest")).has_ready());
  ASSERT_TRUE(ensure(worker(group(id, {"sh", "-c", write(180) + "; exec sleep 600"}), "greedy")).has_ready());
  const auto end = [&]() -> const v1::Instance* {
    for (const v1::InstanceEvent& event : events->got)
      if (event.kind() == "die") return &event.instance();
    return nullptr;
  };
  ASSERT_TRUE(until([&] { return end() != nullptr; }, 90s)) << "nothing was ended";
  EXPECT_EQ(end()->process(), "greedy");
  EXPECT_GT(end()->overfull_bytes(), 100LL << 20);
  EXPECT_EQ(end()->disk_limit_bytes(), 100LL << 20);
  for (const v1::Instance& instance : list(id)) {
    const bool greedy = instance.process() == "greedy";
    EXPECT_EQ(instance.state(), greedy ? "exited" : "running") << instance.name();
    EXPECT_EQ(instance.overfull_bytes() > 0, greedy) << instance.name();
  }
}

TEST_F(EngineDisk, OneThatWritesTooMuchBeforeItIsReadyFailsForThatReason) {
  const std::string id = project();
  built(id);
  const v1::GroupEvent outcome = ensure(group(id, {"sh", "-c", write(180) + "; exec sleep 600"}));
  ASSERT_TRUE(outcome.has_failed());
  EXPECT_EQ(outcome.failed().reason(), "out_of_disk") << outcome.failed().message();
  EXPECT_NE(outcome.failed().message().find("limit 100 MiB"), std::string::npos) << outcome.failed().message();
}

// The Engine makes a volume for each VOLUME, which is no part of the container's own layer.
TEST_F(EngineDisk, WhatIsWrittenToAVolumeOfTheImageCounts) {
  const std::string id = project();
  const std::string image = "FROM debian:bookworm\nVOLUME /data\nCMD [\"sleep\", \"600\"]\n";
  ASSERT_TRUE(build(build_spec(id), image).ok());
  ASSERT_TRUE(ensure(worker(group(id, {"sh", "-c", write(60, "/data/x") + "; exec sleep 600"}), "modest")).has_ready());
  const v1::GroupEvent outcome = ensure(group(id, {"sh", "-c", write(180, "/data/x") + "; exec sleep 600"}));
  ASSERT_TRUE(outcome.has_failed());
  EXPECT_EQ(outcome.failed().reason(), "out_of_disk") << outcome.failed().message();
  const v1::BuildResult greedy =
      build(build_spec(id, 2), "FROM debian:bookworm\nVOLUME /data\nRUN " + write(240, "/data/x") + " && sleep 50\n");
  EXPECT_FALSE(greedy.ok());
  EXPECT_EQ(greedy.reason(), "out_of_disk") << greedy.message();
  const auto all = list(id);
  const auto modest = std::ranges::find(all, "modest", [](const v1::Instance& one) { return one.process(); });
  ASSERT_NE(modest, all.end());
  EXPECT_EQ(modest->state(), "running") << "the control was ended too";
}

TEST_F(EngineDisk, ACommandThatWritesTooMuchIsStoppedAndSaysSo) {
  const std::string id = project();
  built(id);
  const Ran fine = run_once(id, {"sh", "-c", write(60)});
  EXPECT_TRUE(fine.status && fine.exit_code == 0) << fine.output;
  const Ran greedy = run_once(id, {"sh", "-c", write(180) + "; exec sleep 50"});
  ASSERT_FALSE(greedy.status);
  EXPECT_EQ(greedy.status.error().code, Code::kResourceExhausted);
  EXPECT_NE(greedy.status.error().message.find("to its disk (limit 100 MiB)"), std::string::npos)
      << greedy.status.error().message;
}

TEST_F(EngineDisk, ABuildThatWritesTooMuchIsStoppedAndLeavesNothing) {
  const std::string id = project();
  const std::string mark = hex(random_token(8));
  const v1::BuildResult fine = build(build_spec(id), "FROM debian:bookworm\nRUN " + write(100) + "\nCMD [\"true\"]\n");
  EXPECT_TRUE(fine.ok()) << fine.message();
  // No look at its container need see the first step: what it left counts.
  const v1::BuildResult greedy =
      build(build_spec(id, 2), "FROM debian:bookworm\nRUN " + write(120) + " && echo " + mark + "\nRUN " +
                                   write(120, "/more") + " && sleep 50\nCMD [\"true\"]\n");
  EXPECT_FALSE(greedy.ok());
  EXPECT_EQ(greedy.reason(), "out_of_disk") << greedy.message();
  EXPECT_NE(greedy.message().find("limit of 200 MiB"), std::string::npos) << greedy.message();
  EXPECT_TRUE(until([&] { return nameless(mark) == 0; })) << "the layers of its first step are still there";
}

// COPY has no container that one could look at.
TEST_F(EngineDisk, ABuildWhoseCopiesAreTooMuchLeavesNothing) {
  const std::string id = project();
  const std::string mark = hex(random_token(8));
  const auto copies = [](int count, const std::string& name) {
    std::string text = "FROM debian:bookworm\nRUN " + write(60) + "\nFROM debian:bookworm\nENV MARK=" + name + "\n";
    for (int i = 0; i < count; ++i) text += fmt::format("COPY --from=0 /filled /copy{}\n", i);
    return text + "CMD [\"true\"]\n";
  };
  const v1::BuildResult fine = build(build_spec(id), copies(1, "fine"));
  EXPECT_TRUE(fine.ok()) << fine.message();
  const v1::BuildResult greedy = build(build_spec(id, 2), copies(4, mark));
  EXPECT_FALSE(greedy.ok());
  EXPECT_EQ(greedy.reason(), "out_of_disk") << greedy.message();
  EXPECT_FALSE(run(docker::inspect_image(client_, image_reference(id, 2)))) << "its image is still there";
  EXPECT_TRUE(until([&] { return nameless(mark) == 0; })) << "its layers are still there";
}

}  // namespace
}  // namespace paastech::pomegranate
