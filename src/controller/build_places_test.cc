// Whose turn it is to build.
#include "controller/build_places.h"

#include <gmock/gmock.h>

#include <optional>

#include "net/test_support.h"

namespace paastech::controller {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct BuildPlacesTest : testing::Test {
  ~BuildPlacesTest() override {
    tasks.cancel();
    turn();
  }
  void turn() {
    loop.restart();
    loop.poll();
  }
  static net::Task<void> take(BuildPlaces& places, std::string client, std::string name, StopPtr stop,
                              BuildPlacesTest& test) {
    std::function<void()> on_wait = [&test, name] { test.waited.push_back(name); };
    const bool mine = co_await places.take(client, stop, std::move(on_wait));
    test.built.push_back(mine ? name : name + " gave up");
  }
  // What gets its place keeps it until end(). Names begin with the Client's.
  StopPtr ask(const std::string& name, net::TaskGroup* group = nullptr) {
    const auto stop = std::make_shared<Stop>();
    net::TaskGroup& of = group == nullptr ? tasks : *group;
    of.spawn(name, take(*places, name.substr(0, 3), name, stop, *this));
    turn();
    return stop;
  }
  void end(const std::string& client) {
    places->release(client);
    turn();
  }

  net::asio::io_context loop;
  std::optional<BuildPlaces> places;
  net::TaskGroup tasks{loop.get_executor()};
  std::vector<std::string> built;   // in the order in which they got their places
  std::vector<std::string> waited;  // those that were told to wait
};

TEST_F(BuildPlacesTest, GivesOutNoMoreThanThereAreWhoeverAsks) {
  places.emplace(loop.get_executor(), 2, 2);
  for (const char* name : {"ada 1", "bob 1", "cyd 1", "dan 1"}) ask(name);
  EXPECT_THAT(built, ElementsAre("ada 1", "bob 1"));
  EXPECT_THAT(waited, ElementsAre("cyd 1", "dan 1"));
  EXPECT_EQ(places->taken(), 2);
  end("bob");
  EXPECT_THAT(built, ElementsAre("ada 1", "bob 1", "cyd 1"));
  EXPECT_EQ(places->taken(), 2);
  EXPECT_EQ(places->waiting(), 1U);
}

TEST_F(BuildPlacesTest, OneClientHasNoMoreThanItsOwnWhileOthersAreFree) {
  places.emplace(loop.get_executor(), 3, 1);
  for (const char* name : {"ada 1", "ada 2", "bob 1"}) ask(name);
  EXPECT_THAT(built, ElementsAre("ada 1", "bob 1"));
  EXPECT_THAT(waited, ElementsAre("ada 2"));
  end("bob");
  EXPECT_THAT(built, ElementsAre("ada 1", "bob 1")) << "that one was no place of ada's";
  end("ada");
  EXPECT_THAT(built, ElementsAre("ada 1", "bob 1", "ada 2"));
}

TEST_F(BuildPlacesTest, AFreePlaceGoesToWhomTheFewestBuild) {
  places.emplace(loop.get_executor(), 2, 2);
  for (const char* name : {"ada 1", "ada 2", "ada 3", "bob 1", "bob 2"}) ask(name);
  EXPECT_THAT(built, ElementsAre("ada 1", "ada 2"));
  end("ada");
  EXPECT_EQ(built.back(), "bob 1") << "although ada 3 waits longer";
  end("ada");
  EXPECT_EQ(built.back(), "ada 3") << "ada has none now, bob has one";
  end("bob");
  EXPECT_EQ(built.back(), "bob 2");
}

TEST_F(BuildPlacesTest, OfThoseToTheOneThatWasServedLongestAgo) {
  places.emplace(loop.get_executor(), 1, 1);
  for (const char* name : {"ada 1", "ada 2", "bob 1", "ada 3", "cyd 1", "bob 2"}) ask(name);
  for (const char* client : {"ada", "bob", "cyd", "ada", "bob", "ada"}) end(client);
  EXPECT_THAT(built, ElementsAre("ada 1", "bob 1", "cyd 1", "ada 2", "bob 2", "ada 3"));
  EXPECT_EQ(places->taken(), 0);
}

TEST_F(BuildPlacesTest, AHundredOfOneClientDelayTheOneOfAnotherByOnePlace) {
  places.emplace(loop.get_executor(), 1, 1);
  for (int i = 0; i < 100; ++i) ask("ada " + std::to_string(i));
  ask("bob 1");
  end("ada");
  EXPECT_THAT(built, ElementsAre("ada 0", "bob 1"));
}

TEST_F(BuildPlacesTest, OneThatIsToldToStopLeavesTheQueueAndHoldsNothing) {
  places.emplace(loop.get_executor(), 1, 1);
  ask("ada 1");
  const StopPtr stop = ask("bob 1");
  ask("cyd 1");
  stop->ask();
  turn();
  EXPECT_THAT(built, ElementsAre("ada 1", "bob 1 gave up"));
  EXPECT_EQ(places->waiting(), 1U);
  EXPECT_EQ(places->taken(), 1);
  end("ada");
  EXPECT_EQ(built.back(), "cyd 1");
  EXPECT_THAT(waited, ElementsAre("bob 1", "cyd 1")) << "each was told once";
}

TEST_F(BuildPlacesTest, AWaiterThatIsCancelledHoldsUpNobody) {
  places.emplace(loop.get_executor(), 1, 1);
  net::TaskGroup doomed(loop.get_executor());
  ask("ada 1");
  ask("bob 1", &doomed);
  ask("cyd 1");
  doomed.cancel();
  turn();
  EXPECT_EQ(doomed.size(), 0U);
  EXPECT_EQ(places->waiting(), 1U);
  end("ada");
  EXPECT_THAT(built, ElementsAre("ada 1", "cyd 1"));
}

}  // namespace
}  // namespace paastech::controller
