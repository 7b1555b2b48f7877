// An Instance that prints faster than the Engine gives out: a program writes some 150,000 lines a second, and the
// Engine sends each line by itself, some 50,000. Two things of the Engine (20.10) would lose lines then. A followed
// stream leaves out whole files, or gives them twice, where its reader is more than one file behind; so a flood is read
// by requests one after the other, each for what is there at its beginning. And of each Instance three files are kept;
// so a second connection takes the output as bytes, no faster than its lines are given out, and the Engine lets the
// program wait until they are taken. The program waits for a reader that is slow, and for one that does not move at all
// a second for each 4 MiB.
#include "pomegranate/docker_engine.h"
#include "pomegranate/gathering.h"

namespace paastech::pomegranate {

using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kCalm = 256 << 10;  // bytes that came while the ones before were read: no flood any more
constexpr std::int64_t kLead = 4 << 20;    // that the program may be ahead; the Engine keeps 20 to 30 MB
constexpr auto kStandstill = 1s;

}  // namespace

struct GatherBrake {
  bool off = false;
};

net::Task<Status> DockerEngine::gather_flood(std::shared_ptr<Gathering> run, std::shared_ptr<GatherSource> source) {
  const auto brake = std::make_shared<GatherBrake>();
  tasks_.spawn("brake", gather_brake(run, source, brake));
  Status read;
  std::int64_t before = source->given - kCalm;
  while (read && !run->stopped && source->given - before >= kCalm) {
    before = source->given;
    read = co_await gather_output(run, source, GatherMode::kUpToNow);
  }
  brake->off = true;
  if (const auto exchange = source->brake.lock()) exchange->close();
  source->progress.notify();
  co_return read;
}

net::Task<void> DockerEngine::gather_brake(std::shared_ptr<Gathering> run, std::shared_ptr<GatherSource> source,
                                           std::shared_ptr<GatherBrake> brake) {
  auto opened = co_await docker::open_attach(client_, source->id);
  if (!opened || brake->off) co_return;  // it has ended, or the flood has
  const std::shared_ptr<net::HttpExchange> exchange = std::move(*opened);
  source->brake = exchange;
  using Clock = std::chrono::steady_clock;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  source->braked_from_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
  source->given_since_brake = 0;
  std::int64_t taken = 0;
  std::int64_t missing = 0;  // what was taken and is not waited for any more
  while (!brake->off && !run->stopped) {
    const Result<std::string> piece = co_await exchange->read();
    if (!piece || piece->empty()) co_return;
    taken += static_cast<std::int64_t>(piece->size());
    while (!brake->off && !run->stopped && taken - missing - source->given_since_brake > kLead) {
      const std::int64_t before = source->given;
      const auto began = Clock::now();
      while (source->given == before && Clock::now() - began < kStandstill && !brake->off && !run->stopped)
        co_await source->progress.wait(kStandstill);
      if (source->given == before) missing = taken - source->given_since_brake;
    }
  }
}

}  // namespace paastech::pomegranate
