// The gatherer between a pomegranate that plays its part over real gRPC, and a real store.
#include "controller/log_gatherer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/ids.h"
#include "logs/log_reader.h"
#include "rpc/host.h"

namespace paastech::controller {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

// Gives the lines that its Instances have printed, from the cursors on; break_off() ends the streams.
class PrintingEngine final : public engine::Pomegranate::Service {
 public:
  struct Printed {
    engine::Instance instance;
    std::vector<std::string> lines = {};
    bool stopped = false;
  };
  void create(const std::string& project, const std::string& id) {
    const std::scoped_lock lock(mutex_);
    engine::Instance& instance = printed_[id].instance;
    instance.set_id(id);
    instance.set_project(project);
    instance.set_process("web");
    instance.set_name("web.1");
    instance.set_deployment(1);
  }
  void print(const std::string& id, std::string line) {
    const std::scoped_lock lock(mutex_);
    printed_.at(id).lines.push_back(std::move(line));
  }
  void stop(const std::string& id) {
    const std::scoped_lock lock(mutex_);
    printed_.at(id).stopped = true;
  }
  void break_off() { ++session_; }
  int asked() const { return asked_; }

  grpc::Status List(grpc::ServerContext*, const engine::ListRequest*, engine::ListReply* reply) override {
    if (away) return {grpc::StatusCode::UNAVAILABLE, "the Docker Engine does not answer"};
    const std::scoped_lock lock(mutex_);
    for (const auto& [id, printed] : printed_) *reply->add_instances() = printed.instance;
    return grpc::Status::OK;
  }
  grpc::Status Gather(grpc::ServerContext* call, const engine::GatherRequest* request,
                      grpc::ServerWriter<engine::LogBatch>* writer) override {
    const int session = session_;
    std::map<std::string, std::size_t> sent;  // lines; the time of line n is n / 2, so that two share one
    for (const engine::LogCursor& cursor : request->cursors())
      sent[cursor.instance_id()] = static_cast<std::size_t>(cursor.at_ns() * 2 + cursor.lines_at() - 2);
    std::set<std::string> ended;
    ++asked_;
    while (!call->IsCancelled() && session == session_) {
      for (const engine::LogBatch& batch : news(sent, ended)) writer->Write(batch);
      std::this_thread::sleep_for(1ms);
    }
    return {grpc::StatusCode::UNAVAILABLE, "the Docker Engine does not answer"};
  }
  std::atomic<bool> away = false;
  std::atomic<bool> holds_back = false;  // the ends

 private:
  std::vector<engine::LogBatch> news(std::map<std::string, std::size_t>& sent, std::set<std::string>& ended) {
    const std::scoped_lock lock(mutex_);
    std::vector<engine::LogBatch> out;
    for (const auto& [id, printed] : printed_) {
      engine::LogBatch batch;
      *batch.mutable_instance() = printed.instance;
      for (std::size_t& at = sent[id]; at < printed.lines.size(); ++at) {
        engine::LogEntry& entry = *batch.add_entries();
        entry.set_at_ns(1 + static_cast<std::int64_t>(at) / 2);
        entry.set_text(printed.lines[at]);
      }
      if (printed.stopped && !holds_back && ended.insert(id).second) batch.set_end(true);
      if (batch.entries_size() > 0 || batch.end()) out.push_back(std::move(batch));
    }
    return out;
  }
  std::mutex mutex_;
  std::map<std::string, Printed> printed_;
  std::atomic<int> session_ = 0;
  std::atomic<int> asked_ = 0;
};

struct LogGathererTest : testing::Test {
  LogGathererTest() {
    Result<std::unique_ptr<rpc::Host>> started = rpc::Host::start({&engine}, "");
    if (!started) throw std::runtime_error(started.error().message);
    host = std::move(*started);
    stub = engine::Pomegranate::NewStub(host->channel());
    engine.create(project, "one");
  }
  ~LogGathererTest() override {
    stop_process();
    host->stop();
    std::filesystem::remove_all(home);
  }
  struct Process {
    Process(net::Executor executor, const std::filesystem::path& home, engine::Pomegranate::Stub& stub,
            const Clock& clock)
        : tasks(executor), store(home), book(tasks, store, clock), gatherer(tasks, stub, book) {}
    net::TaskGroup tasks;
    logs::LogStore store;
    LogBook book;
    LogGatherer gatherer;
  };
  void start_process() {
    process = std::make_unique<Process>(io.get_executor(), home, *stub, clock);
    process->gatherer.start();
  }
  void stop_process() {
    if (!process) return;
    process->tasks.cancel();
    run(process->tasks.join());
    process.reset();
  }
  bool run(net::Task<void> task) {
    bool done = false;
    net::asio::co_spawn(io, std::move(task), [&](const std::exception_ptr&) { done = true; });
    return eventually([&] { return done; });
  }
  template <class Condition>
  bool eventually(Condition condition) {
    const auto limit = std::chrono::steady_clock::now() + 20s;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      io.run_for(1ms);
    }
    return true;
  }
  std::vector<std::string> lines() {
    std::vector<std::string> out;
    const std::shared_ptr<logs::ProjectLog> log = process->store.project(project);
    if (!log) return out;
    const auto see = [&](const logs::LogLine& line, std::string&) {
      out.push_back(line.source->process + " " + std::string(line.text));
    };
    logs::LogFollower follower({}, see, {});
    while (follower.step(*log).more) {
    }
    return out;
  }
  bool has(std::size_t count) {
    return eventually([&] { return lines().size() >= count; });
  }

  std::filesystem::path home = std::filesystem::temp_directory_path() / ("paastech-gather-" + new_uuid());
  std::string project = new_uuid();
  SystemClock clock;
  net::asio::io_context io;
  net::asio::executor_work_guard<net::asio::io_context::executor_type> guard = net::asio::make_work_guard(io);
  PrintingEngine engine;
  std::unique_ptr<rpc::Host> host;
  std::unique_ptr<engine::Pomegranate::Stub> stub;
  std::unique_ptr<Process> process;
};

TEST_F(LogGathererTest, KeepsEveryLineOnceOverBreaksOfTheStreamAndNewProcesses) {
  std::vector<std::string> expected;
  const auto print = [&](int lines) {
    for (int i = 0; i < lines; ++i) {
      expected.push_back("web " + std::to_string(expected.size()));
      engine.print("one", std::to_string(expected.size() - 1));
    }
  };
  print(3);
  start_process();
  ASSERT_TRUE(has(3));
  print(4);
  engine.break_off();
  print(5);
  ASSERT_TRUE(has(12));
  stop_process();
  print(2);
  start_process();
  ASSERT_TRUE(has(14));
  print(1);
  ASSERT_TRUE(has(15));
  EXPECT_EQ(lines(), expected);
  EXPECT_EQ(engine.asked(), 3);
}

TEST_F(LogGathererTest, WaitsForAnEngineThatIsAway) {
  engine.away = true;
  engine.print("one", "hello");
  start_process();
  io.run_for(10ms);
  EXPECT_EQ(engine.asked(), 0);
  engine.away = false;
  EXPECT_TRUE(has(1));
}

TEST_F(LogGathererTest, TellsWhenTheLastWordsAreKept) {
  start_process();
  ASSERT_TRUE(eventually([&] { return engine.asked() == 1; }));
  engine.holds_back = true;
  engine.stop("one");
  engine.print("one", "goodbye");
  bool told = false;
  net::asio::co_spawn(io, process->gatherer.kept({"one"}), [&](const std::exception_ptr&) { told = true; });
  ASSERT_TRUE(has(1));
  io.run_for(5ms);
  EXPECT_FALSE(told) << "more may come";
  engine.holds_back = false;
  EXPECT_TRUE(eventually([&] { return told; }));
  EXPECT_TRUE(run(process->gatherer.kept({}))) << "nobody to wait for";
}

// On simulated time, for the patience is 10 s.
struct BacklogTest : LogGathererTest {
  ~BacklogTest() override { stop_process(); }
  void pass(std::chrono::seconds seconds) {
    const net::LoopClock::time_point limit = net::LoopClock::now() + seconds;
    bool more = true;
    while (more) {
      io.run_for(1ms);
      more = time.advance(limit);
      net::LoopTimer due = net::loop_timer(io.get_executor(), -1ns);  // earlier than all: the loop looks at its timers
      due.async_wait([](const boost::system::error_code&) {});
      io.run_one();
    }
    io.run_for(1ms);
  }
  // It has stopped, and what it printed comes little by little.
  void stop_with_a_backlog() {
    start_process();
    ASSERT_TRUE(eventually([&] { return engine.asked() == 1; }));
    engine.holds_back = true;
    engine.stop("one");
    net::asio::co_spawn(io, process->gatherer.kept({"one"}), [&](const std::exception_ptr&) { told = true; });
  }
  void print_next() {
    expected.push_back("web " + std::to_string(expected.size()));
    engine.print("one", std::to_string(expected.size() - 1));
    ASSERT_TRUE(has(expected.size()));
  }
  net::SimulatedTime time;
  std::vector<std::string> expected;
  bool told = false;
};

TEST_F(BacklogTest, IsWaitedForAsLongAsItComes) {
  stop_with_a_backlog();
  for (int i = 0; i < 5; ++i) {  // 45 s in all
    print_next();
    pass(9s);
    ASSERT_FALSE(told) << "after " << expected.size() << " lines";
  }
  print_next();
  engine.holds_back = false;
  EXPECT_TRUE(eventually([&] { return told; }));
  EXPECT_EQ(lines(), expected);
}

TEST_F(BacklogTest, IsGivenUpOnceNothingOfItHasComeForTenSeconds) {
  engine.create(project, "other");
  stop_with_a_backlog();
  print_next();
  pass(9s);
  engine.print("other", "of somebody else");
  ASSERT_TRUE(has(2));
  ASSERT_FALSE(told);
  pass(1s);
  EXPECT_TRUE(eventually([&] { return told; }));
}

TEST_F(BacklogTest, IsGivenUpAfterFiveMinutesThoughMoreComes) {
  stop_with_a_backlog();
  for (int seconds = 0; seconds < 297; seconds += 9) {
    print_next();
    pass(9s);
    ASSERT_FALSE(told) << "after " << seconds + 9 << " s";
  }
  print_next();
  pass(3s);
  EXPECT_TRUE(eventually([&] { return told; }));
}

TEST_F(LogGathererTest, KeepsNothingOfARemovedProject) {
  engine.print("one", "a");
  start_process();
  ASSERT_TRUE(has(1));
  run(process->gatherer.forget(project));
  engine.print("one", "b");
  engine.create(new_uuid(), "two");
  engine.stop("two");
  EXPECT_TRUE(run(process->gatherer.kept({"two"}))) << "by then the other's line has passed";
  EXPECT_TRUE(lines().empty());
  EXPECT_FALSE(std::filesystem::exists(home / "logs" / project / "lines"));
}

TEST_F(LogGathererTest, KeepsLinesOfDeploymentsInTheirOrderAndTellsFollowers) {
  start_process();
  const std::shared_ptr<LogNews> news = process->book.news(project);
  const std::uint64_t before = news->version;
  process->gatherer.deployment_lines(project, 4, "platform", "==> Building");
  process->gatherer.deployment_lines(project, 4, "build", "Step 1\nStep 2");
  process->gatherer.deployment_lines(project, 4, "platform", "==> Live");
  ASSERT_TRUE(has(4));
  EXPECT_THAT(lines(), ElementsAre("platform ==> Building", "build Step 1", "build Step 2", "platform ==> Live"));
  EXPECT_TRUE(eventually([&] { return news->version > before; }));
}

}  // namespace
}  // namespace paastech::controller
