#include "controller/log_gatherer.h"

#include <algorithm>

#include "rpc/client.h"

namespace paastech::controller {

using namespace std::chrono_literals;

namespace {
constexpr auto kRetry = 1s;
constexpr auto kHousekeeping = 1h;
constexpr auto kPatience = 10s;  // for the next of the last words of Instances
constexpr auto kLongest = 5min;  // for all of them
}  // namespace

void LogGatherer::start() {
  tasks_.spawn("log gatherer", run());
  tasks_.spawn("log housekeeping", keep_house());
}

net::Task<void> LogGatherer::run() {
  std::string said;
  while (true) {
    const Status ended = co_await gather();
    if (!ended && ended.error().message != said) {
      said = ended.error().message;
      spdlog::info("gathering logs: {}; trying again every second", said);
    }
    const Status slept = co_await net::sleep_for(kRetry);
    if (!slept) co_return;  // being stopped
  }
}

net::Task<Result<LogBook::Present>> LogGatherer::present() {
  const engine::ListRequest everything;
  CO_TRY_ASSIGN(engine::ListReply listed,
                co_await rpc::call<engine::ListReply>(pomegranate_.async(), &engine::Pomegranate::Stub::async::List,
                                                      everything, 30s));
  LogBook::Present present;
  for (const engine::Instance& instance : listed.instances()) present[instance.project()].insert(instance.id());
  co_return present;
}

// Ends with what ended the stream. An Instance that appears after the list has no cursor: it is read from its first
// line.
net::Task<Status> LogGatherer::gather() {
  CO_TRY_ASSIGN(LogBook::Present there, co_await present());
  const std::map<std::string, logs::LogCursor> cursors = co_await book_.cursors(std::move(there));
  engine::GatherRequest request;
  for (const auto& [id, cursor] : cursors) {
    engine::LogCursor& out = *request.add_cursors();
    out.set_instance_id(id);
    out.set_at_ns(cursor.at_ns);
    out.set_lines_at(cursor.lines_at);
  }
  ended_.clear();  // each that has stopped is told anew
  rpc::ReadStream<engine::LogBatch> stream(pomegranate_.async(), &engine::Pomegranate::Stub::async::Gather, request);
  while (true) {
    CO_TRY_ASSIGN(std::optional<engine::LogBatch> batch, co_await stream.next());
    if (!batch) co_return fail(Code::kUnavailable, "the stream ended");
    const std::string id = batch->instance().id();
    const bool end = batch->end();
    if (!end) ended_.erase(id);
    heard_of(id);
    co_await book_.append(std::move(*batch));
    if (!end) continue;
    ended_.insert(id);
    changed_.notify();
  }
}

void LogGatherer::heard_of(const std::string& instance) {
  std::erase_if(awaited_, [](const std::weak_ptr<Awaited>& one) { return one.expired(); });
  for (const std::weak_ptr<Awaited>& one : awaited_) {
    const std::shared_ptr<Awaited> awaited = one.lock();
    if (awaited->instances.contains(instance)) awaited->heard = net::LoopClock::now();
  }
}

net::Task<void> LogGatherer::kept(std::vector<std::string> instance_ids) {
  const net::LoopClock::time_point began = net::LoopClock::now();
  const auto awaited = std::make_shared<Awaited>();
  awaited->instances.insert(instance_ids.begin(), instance_ids.end());
  awaited->heard = began;
  awaited_.push_back(awaited);
  const auto is_read = [this](const std::string& id) { return ended_.contains(id); };
  while (!std::ranges::all_of(instance_ids, is_read)) {
    const auto silent = awaited->heard + kPatience;
    const auto limit = std::min(silent, began + kLongest);
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(limit - net::LoopClock::now());
    if (left <= 0ms) {
      spdlog::info("the last words of {} may be lost: {}", instance_ids.front(),
                   limit == silent ? "the engine does not give them" : "they did not all come within 5 minutes");
      co_return;
    }
    co_await changed_.wait(left);
  }
}

void LogGatherer::deployment_lines(const std::string& project, std::int64_t number, std::string_view process,
                                   std::string_view lines) {
  book_.add(project, number, process, lines);
}

net::Task<void> LogGatherer::forget(std::string project) { co_await book_.remove(std::move(project)); }

net::Task<void> LogGatherer::keep_house() {
  while (true) {
    const Status slept = co_await net::sleep_for(kHousekeeping);
    if (!slept) co_return;
    Result<LogBook::Present> there = co_await present();
    if (!there) continue;
    std::set<std::string> known;
    for (const auto& [project, ids] : *there) known.insert(ids.begin(), ids.end());
    std::erase_if(ended_, [&](const std::string& id) { return !known.contains(id); });
    co_await book_.keep_house(std::move(*there));
  }
}

}  // namespace paastech::controller
