// An Instance that prints faster than the Engine gives out: a program writes some 400,000 lines a second, and the
// Engine sends each line by itself, some 100,000. Two things of the Engine (20.10) would lose lines then. A followed
// stream leaves out whole files, or gives them twice, where its reader is more than one file behind; so a flood is read
// by requests one after the other, each for what is there at its beginning. And of each Instance five files are kept;
// so a second connection takes the output as bytes, no faster than its lines are given out, and the Engine lets the
// program wait until they are taken. The program waits for a reader that is slow, and for one that does not move at all
// five seconds before it may be ahead by lead() once more.
#include "pomegranate/docker_engine.h"
#include "pomegranate/gathering.h"

namespace paastech::pomegranate {

using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kCalm = 256 << 10;  // kept bytes that came while the ones before were read: no flood any more
// What the Engine keeps for certain, less a tenth for what OutputMeter does not know.
constexpr std::int64_t kKept = (docker::kLogFiles - 1) * std::int64_t{docker::kLogMegabytes} * 1'000'000 * 9 / 10;
// Of what the program has written, in the Engine's pipe and the sockets to us (moby, pkg/ioutils/bytespipe.go: 1 MB).
constexpr std::int64_t kPiped = 5 << 18;
constexpr std::int64_t kUnbraked = 12 << 20;  // that it may have been ahead when the brake was put on
constexpr std::int64_t kShortestLead = 1 << 20;
constexpr std::int64_t kLongestLead = 24 << 20;

// What the bytes in the pipes will take in the Engine's files: the more, the shorter the lines are.
std::int64_t piped(const OutputMeter& taken) {
  const auto written = static_cast<double>(std::max<std::int64_t>(taken.written(), 1));
  return static_cast<std::int64_t>(kPiped * (static_cast<double>(taken.kept()) / written));
}

// How many kept bytes the program may be ahead of the lines given out. As many as may be: each request reads through
// all that the Engine keeps. Of lines without any byte the pipes alone may hold more than the Engine keeps.
// caught_up: what was printed before the brake was put on has been given out.
std::int64_t lead(const OutputMeter& taken, bool caught_up) {
  return std::clamp(kKept - piped(taken) - (caught_up ? 0 : kUnbraked), kShortestLead, kLongestLead);
}

// The Engine looks through all that it keeps before it gives the first line, which takes it over a second where others
// want the same cores.
constexpr auto kStandstill = 5s;
constexpr auto kHeldOn = 30s;

}  // namespace

net::Task<Status> DockerEngine::gather_flood(std::shared_ptr<Gathering> run, std::shared_ptr<GatherSource> source) {
  ++source->floods_begun;
  if (!source->brake || source->brake->off) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    source->braked_from_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
    source->given_since_brake = 0;
    // Before the reading, which keeps the Engine busy: until it holds, the program prints as fast as it can.
    auto opened = co_await docker::open_attach(client_, source->id);
    if (opened && !run->stopped) {  // else it has ended
      source->brake = std::make_shared<GatherBrake>();
      source->brake->exchange = std::move(*opened);
      tasks_.spawn("brake", gather_brake(run, source, source->brake));
    }
  }
  Status read;
  std::int64_t before = source->given - kCalm;
  while (read && !run->stopped && source->given - before >= kCalm) {
    before = source->given;
    read = co_await gather_output(run, source, GatherMode::kUpToNow);
  }
  tasks_.spawn("brake release", release_brake(run, source));
  co_return read;
}

// Not before the followed stream, which is opened now, has looked through what the Engine keeps: a flood that began
// anew meanwhile would find nobody who holds it.
net::Task<void> DockerEngine::release_brake(std::shared_ptr<Gathering> run, std::shared_ptr<GatherSource> source) {
  const int flood = source->floods_begun;
  if (!run->stopped) co_await run->over.wait(kHeldOn);
  if (source->floods_begun != flood || !source->brake) co_return;
  source->brake->release();
  source->progress.notify();
}

net::Task<void> DockerEngine::gather_brake(std::shared_ptr<Gathering> run, std::shared_ptr<GatherSource> source,
                                           std::shared_ptr<GatherBrake> brake) {
  using Clock = std::chrono::steady_clock;
  OutputMeter taken;
  std::int64_t missing = 0;  // what was taken and is not waited for any more; below 0: what was not taken and is there
  while (!brake->off && !run->stopped) {
    const Result<std::string> piece = co_await brake->exchange->read();
    if (!piece || piece->empty()) break;
    taken.add(*piece);
    // Lines that were printed while the attaching was under way are given out, and were not taken.
    missing = std::min(missing, taken.kept() + piped(taken) - source->given_since_brake);
    const auto too_far = [&] {
      const std::int64_t ahead = taken.kept() - missing - source->given_since_brake;
      return ahead > lead(taken, source->given_since_brake > 0);
    };
    while (!brake->off && !run->stopped && too_far()) {
      const std::int64_t before = source->given;
      const auto began = Clock::now();
      while (source->given == before && Clock::now() - began < kStandstill && !brake->off && !run->stopped)
        co_await source->progress.wait(kStandstill);
      if (source->given != before) continue;
      missing = taken.kept() - source->given_since_brake;
      spdlog::warn("the output of {} is not taken: its program goes on, and lines of it may be lost", source->id);
    }
    if (piece->size() >= kLittle) continue;
    const Status slept = co_await net::sleep_for(kLetCome);
    if (!slept) break;
  }
  brake->off = true;
}

}  // namespace paastech::pomegranate
