// The output of everything in one stream: no line lost, none twice, whatever is cut off or ends.
#include <unistd.h>

#include "pomegranate/contract_support.h"
#include "pomegranate/engine_proxy.h"

namespace paastech::pomegranate {
namespace {

// What a store of logs keeps: the lines by Instance and stream, and a cursor each.
struct Store {
  struct Cursor {
    std::int64_t at_ns = 0;
    std::int32_t lines_at = 0;
  };
  void take(const v1::LogBatch& batch) {
    Cursor& cursor = cursors[batch.instance().id()];
    for (const v1::LogEntry& entry : batch.entries()) {
      cursor.lines_at = entry.at_ns() == cursor.at_ns ? cursor.lines_at + 1 : 1;
      cursor.at_ns = entry.at_ns();
      lines[batch.instance().name() + (entry.error_stream() ? " err" : " out")].push_back(entry.text());
    }
    ends[batch.instance().name()] += batch.end() ? 1 : 0;
  }
  v1::GatherRequest request() const {
    v1::GatherRequest request;
    for (const auto& [id, cursor] : cursors) {
      v1::LogCursor& out = *request.add_cursors();
      out.set_instance_id(id);
      out.set_at_ns(cursor.at_ns);
      out.set_lines_at(cursor.lines_at);
    }
    return request;
  }
  std::map<std::string, Cursor> cursors;
  std::map<std::string, std::vector<std::string>> lines;
  std::map<std::string, int> ends;
};

// Puts batches into the store. After `limit` of them it goes away; while `blocked` it takes none.
class StoreSink final : public Sink<v1::LogBatch> {
 public:
  StoreSink(net::Executor executor, Store& store, int limit) : changed(executor), store_(store), limit_(limit) {}
  net::Task<bool> put(v1::LogBatch batch) override {
    while (blocked && !gone_) co_await changed.wait(1s);
    if (gone_) co_return false;
    largest = std::max(largest, batch.ByteSizeLong());
    order.push_back(batch.instance().name());
    store_.take(batch);
    if (--limit_ == 0) leave();
    co_return true;
  }
  bool gone() const override { return gone_; }
  void on_gone(std::function<void()> action) override { action_ = std::move(action); }
  void leave() {
    gone_ = true;
    changed.notify();
    if (action_) std::exchange(action_, nullptr)();
  }
  bool blocked = false;
  std::size_t largest = 0;
  std::vector<std::string> order;
  net::Notifier changed;

 private:
  Store& store_;
  int limit_;
  bool gone_ = false;
  std::function<void()> action_;
};

class EngineGather : public Contract {
 protected:
  std::shared_ptr<StoreSink> sink(int limit = -1) {
    return std::make_shared<StoreSink>(loop_.get_executor(), store_, limit);
  }
  v1::InstanceGroup worker(const std::string& project, const std::string& program, const std::string& name = "worker") {
    return Contract::worker(group(project, {"perl", "-e", program}), name);
  }
  void expect_counted(const std::string& name, const std::string& prefix, int to) {
    const std::vector<std::string>& lines = store_.lines[name];
    ASSERT_EQ(lines.size(), static_cast<std::size_t>(to)) << name;
    for (int i = 0; i < to; ++i) ASSERT_EQ(lines[static_cast<std::size_t>(i)], prefix + std::to_string(i + 1)) << name;
  }
  // Another one, which reaches the Engine there.
  std::unique_ptr<DockerEngine> engine_at(const std::string& socket) {
    Options options = options_;
    options.docker_socket = socket;
    options.firewall = false;
    return *DockerEngine::make(*tasks_, options);
  }
  // Lines that begin with their number, each once and in order.
  static void expect_numbered(const std::vector<std::string>& lines, int to) {
    int expected = 1;
    for (const std::string& line : lines) {
      const int number = std::stoi(line);
      EXPECT_EQ(number, expected);
      expected = number + 1;
    }
    EXPECT_EQ(expected, to + 1);
  }
  Store store_;
};

TEST_F(EngineGather, NoLineIsLostOrDoubledHoweverOftenTheReaderGoesAway) {
  const std::string id = project();
  built(id);
  ASSERT_TRUE(
      ensure(
          worker(
              id,
              "$| = 1; select(undef, undef, undef, 0.2); for (1..20000) { print \"o$_\\n\"; print STDERR \"e$_\\n\" } "
              "print 'last word'; sleep 600"))
          .has_ready());
  for (int times = 0; times < 12 && store_.lines["worker.1 out"].size() < 19'000; ++times) {
    const auto some = sink(3);
    const Outcome outcome = beside(engine_->gather(store_.request(), some));
    ASSERT_TRUE(until([&] { return outcome->has_value(); }));
  }
  const auto rest = sink();
  const Outcome outcome = beside(engine_->gather(store_.request(), rest));
  ASSERT_TRUE(until([&] { return store_.lines["worker.1 out"].size() >= 20'000; }));
  ASSERT_TRUE(until([&] { return store_.lines["worker.1 err"].size() >= 20'000; }))
      << store_.lines["worker.1 err"].size();
  EXPECT_EQ(store_.ends["worker.1"], 0);
  ASSERT_TRUE(run(engine_->stop_instance(instance(id, "worker"))));
  ASSERT_TRUE(until([&] { return store_.ends["worker.1"] == 1; }));
  ASSERT_EQ(store_.lines["worker.1 out"].back(), "last word");
  store_.lines["worker.1 out"].pop_back();
  expect_counted("worker.1 out", "o", 20'000);
  expect_counted("worker.1 err", "e", 20'000);
  EXPECT_LT(rest->largest, 1u << 20);
  rest->leave();
  ASSERT_TRUE(until([&] { return outcome->has_value(); }));
  EXPECT_TRUE(**outcome);
}

TEST_F(EngineGather, WhatStartsLaterIsFollowedAndWhatStartsAgainGoesOn) {
  const std::string id = project();
  built(id);
  const auto all = sink();
  beside(engine_->gather({}, all));
  const v1::GroupEvent started = ensure(worker(id, "print \"one\\n\"; print STDERR \"two\\n\"; print 'three'"));
  ASSERT_TRUE(started.has_failed() || started.has_ready());
  (void)run(engine_->hold_instance(instance(id, "worker")));
  ASSERT_TRUE(until([&] { return store_.ends["worker.1"] >= 1 && list(id)[0].state() == "exited"; }));
  const std::size_t before = store_.lines["worker.1 out"].size();
  EXPECT_EQ(before % 2, 0u);
  EXPECT_EQ(store_.lines["worker.1 out"][0], "one");
  EXPECT_EQ(store_.lines["worker.1 out"][1], "three");
  const int ends = store_.ends["worker.1"];
  v1::StartInstanceRequest again;
  *again.mutable_instance() = instance(id, "worker");
  ASSERT_TRUE(run(engine_->start_instance(again)));
  ASSERT_TRUE(until([&] { return store_.ends["worker.1"] > ends; }));
  ASSERT_EQ(store_.lines["worker.1 out"].size(), before + 2);
  EXPECT_EQ(store_.lines["worker.1 out"].back(), "three");
  // One that has ended before anybody reads: all of it, then its end; nothing where all was read.
  Store fresh;
  const auto other = std::make_shared<StoreSink>(loop_.get_executor(), fresh, -1);
  beside(engine_->gather({}, other));
  ASSERT_TRUE(until([&] { return fresh.ends["worker.1"] == 1; }));
  EXPECT_EQ(fresh.lines["worker.1 out"], store_.lines["worker.1 out"]);
  const auto third = std::make_shared<StoreSink>(loop_.get_executor(), fresh, -1);
  beside(engine_->gather(fresh.request(), third));
  ASSERT_TRUE(until([&] { return fresh.ends["worker.1"] == 2; }));
  EXPECT_EQ(fresh.lines["worker.1 out"], store_.lines["worker.1 out"]);
  for (const auto& each : {all, other, third}) each->leave();
}

// Many times what the Engine keeps of an Instance, faster than it gives it out.
TEST_F(EngineGather, NoLineOfAFloodIsLostOrDoubled) {
  const std::string id = project();
  built(id);
  const int each = 300'000;
  const std::string filler(70, '.');
  ASSERT_TRUE(ensure(worker(id, "for (1..300000) { print STDERR \"$_ " + filler + "\\n\"; print \"$_ " + filler +
                                    "\\n\" } $| = 1; print \"last\\n\"; sleep 600"))
                  .has_ready());
  const auto began = std::chrono::steady_clock::now();
  const auto all = sink();
  const Outcome outcome = beside(engine_->gather({}, all));
  std::vector<std::string>& out = store_.lines["worker.1 out"];
  std::vector<std::string>& err = store_.lines["worker.1 err"];
  ASSERT_TRUE(until([&] { return !out.empty() && out.back() == "last"; }, 120s)) << out.size() << " " << err.size();
  out.pop_back();
  (void)until([&] { return err.size() >= each; });
  const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  std::printf("%d lines in %.1f s: %.0f a second\n", 2 * each, took, 2 * each / took);
  expect_numbered(out, each);
  expect_numbered(err, each);
  all->leave();
  EXPECT_TRUE(until([&] { return outcome->has_value(); }));
}

// A line of one byte takes thirty in the Engine's files, and the returns nothing: what is kept is soon full.
TEST_F(EngineGather, NoLineOfAFloodOfShortLinesIsLost) {
  const std::string id = project();
  built(id);
  const int count = 1'800'000;
  const std::string program =
      "my $ten = join '', map { \"$_\\r\\n\" } 0 .. 9; print $ten for 1 .. 180000; print \"last\\n\";";
  ASSERT_TRUE(ensure(worker(id, program + " STDOUT->flush; sleep 600")).has_ready());
  const auto began = std::chrono::steady_clock::now();
  const auto all = sink();
  const Outcome outcome = beside(engine_->gather({}, all));
  const std::vector<std::string>& out = store_.lines["worker.1 out"];
  ASSERT_TRUE(until([&] { return !out.empty() && out.back() == "last"; }, 180s)) << out.size();
  const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  std::printf("%d lines in %.1f s: %.0f a second\n", count, took, count / took);
  ASSERT_EQ(out.size(), count + 1);
  for (int i = 0; i < count; ++i) ASSERT_EQ(out[static_cast<std::size_t>(i)], std::to_string(i % 10)) << i;
  all->leave();
  EXPECT_TRUE(until([&] { return outcome->has_value(); }));
}

// The Engine that looks through 50 MB before it follows on is played by a proxy, which holds the request back.
TEST_F(EngineGather, NoLineIsLostWhereAFloodBeginsAnewWhileTheEngineIsBusy) {
  const std::string id = project();
  built(id);
  const std::string filler(90, '.');
  ASSERT_TRUE(ensure(worker(id,
                            "my $n = 0; my $more = 60000; $SIG{USR1} = sub { $more = 700000 }; while (1) {"
                            " for (; $more > 0; --$more) { ++$n; print \"$n " +
                                filler + "\n\" } $| = 1; print ''; $| = 0; sleep 600 }"))
                  .has_ready());
  const std::string path = ::testing::TempDir() + options_.instance + ".sock";
  EngineProxy proxy(loop_, path, options_.docker_socket);
  const auto engine = engine_at(path);
  const auto all = sink();
  const Outcome outcome = beside(engine->gather({}, all));
  const std::vector<std::string>& out = store_.lines["worker.1 out"];
  ASSERT_TRUE(until([&] { return !out.empty(); }));
  proxy.hold("follow=1", 4s);
  ASSERT_TRUE(until([&] { return out.size() == 60'000 && proxy.held() > 0; }, 60s)) << out.size();
  const std::string go_on = "/containers/" + list(id)[0].id() + "/kill?signal=SIGUSR1";
  ASSERT_TRUE(run(client_->call("POST", go_on)));
  ASSERT_TRUE(until([&] { return !out.empty() && out.back().starts_with("760000 "); }, 120s)) << out.size();
  expect_numbered(out, 760'000);
  all->leave();
  EXPECT_TRUE(until([&] { return outcome->has_value(); }));
  EXPECT_TRUE(until([&] { return tasks_->size() == 0; }));
}

TEST_F(EngineGather, AFloodDoesNotKeepAnothersLinesBack) {
  const std::string id = project();
  built(id);
  ASSERT_TRUE(ensure(worker(id, "for (1..400000) { print \"o$_\\n\" } sleep 600")).has_ready());
  const auto slow = sink();
  slow->blocked = true;
  const Outcome outcome = beside(engine_->gather({}, slow));
  until([] { return false; }, 500ms);  // lets the flood fill what it may; too short only makes the test weaker
  ASSERT_TRUE(ensure(worker(id, "$| = 1; print \"small\\n\"; sleep 600", "small")).has_ready());
  until([] { return false; }, 500ms);
  slow->blocked = false;
  slow->changed.notify();
  ASSERT_TRUE(until([&] { return !store_.lines["small.1 out"].empty(); }));
  // Before it there were the one that was under way and the one that waited.
  EXPECT_LE(std::ranges::find(slow->order, "small.1") - slow->order.begin(), 3);
  EXPECT_LT(slow->largest, 1u << 20);
  slow->leave();
  EXPECT_TRUE(until([&] { return outcome->has_value(); }));
}

TEST_F(EngineGather, ALostEngineIsSaidAndNothingIsLost) {
  const std::string id = project();
  built(id);
  ASSERT_TRUE(
      ensure(worker(id, "$| = 1; for (1..2000) { print \"o$_\\n\"; select(undef, undef, undef, 0.001) } sleep 600"))
          .has_ready());
  const std::string path = ::testing::TempDir() + options_.instance + ".sock";
  EngineProxy proxy(loop_, path, options_.docker_socket);
  const auto engine = engine_at(path);
  const auto first = sink();
  const Outcome cut = beside(engine->gather({}, first));
  ASSERT_TRUE(until([&] { return store_.lines["worker.1 out"].size() > 10; }));
  proxy.cut();
  ASSERT_TRUE(until([&] { return cut->has_value(); }));
  ASSERT_FALSE(**cut);
  EXPECT_EQ((*cut)->error().code, Code::kUnavailable);
  EXPECT_EQ(store_.ends["worker.1"], 0);
  const Outcome refused = beside(engine->gather(store_.request(), sink()));
  ASSERT_TRUE(until([&] { return refused->has_value(); }));
  EXPECT_EQ((*refused)->error().code, Code::kUnavailable);
  proxy.mend();
  const auto second = sink();
  const Outcome outcome = beside(engine->gather(store_.request(), second));
  ASSERT_TRUE(until([&] { return store_.lines["worker.1 out"].size() >= 2000; }));
  expect_counted("worker.1 out", "o", 2000);
  // One that is removed while it is read is no loss of the Engine.
  ASSERT_TRUE(run(docker::remove_container(client_, list(id)[0].id())));
  ASSERT_TRUE(until([&] { return store_.ends["worker.1"] == 1; }));
  EXPECT_FALSE(outcome->has_value());
  second->leave();
  ASSERT_TRUE(until([&] { return outcome->has_value(); }));
  until([&] { return tasks_->size() == 0; }, 2s);
}

}  // namespace
}  // namespace paastech::pomegranate
