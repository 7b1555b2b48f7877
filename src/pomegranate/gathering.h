#pragma once
// What the tasks of one Gather share (docker_gather.cc, docker_gather_flood.cc). Thread: the loop's.
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "docker/events.h"
#include "docker/logs.h"
#include "pomegranate/engine.h"
#include "pomegranate/log_resume.h"
#include "pomegranate/output_meter.h"
#include "pomegranate/utf8.h"

namespace paastech::pomegranate {

inline constexpr int kBatchLines = 2000;
inline constexpr std::size_t kBatchBytes = 256 << 10;
// Of all that waits; beyond it each Instance may have one piece waiting.
inline constexpr std::size_t kAllBytes = 16 << 20;
inline constexpr std::size_t kLineBytes = 64;    // of an entry beside its text
inline constexpr std::int64_t kFlood = 1 << 20;  // kept bytes in a second that are one

// Of a flood each line comes by itself, and waking up for it costs more than all else that is done with it. So whoever
// got little lets more come: fewer lines in that time than the buffer of the Engine's socket holds, so that it goes on.
inline constexpr std::size_t kLittle = 16 << 10;
inline constexpr std::chrono::microseconds kLetCome{700};

enum class GatherMode {
  kFollow,    // until the program ends
  kUpToNow,   // what there is, up to the last whole line
  kToTheEnd,  // of a program that has ended
};

// Holds a program that prints faster than the Engine gives out; see docker_gather_flood.cc.
struct GatherBrake {
  std::shared_ptr<net::HttpExchange> exchange;
  bool off = false;
  void release() {
    off = true;
    exchange->close();
  }
};

struct GatherSource final : docker::LineTaker {
  explicit GatherSource(net::Executor executor) : sent(executor), progress(executor) {}
  void take(bool error_stream, std::int64_t at_ns, std::string_view text) override {
    // What has no time is not the Instance's: the Engine says that it cannot read on.
    if (at_ns == 0)
      trouble = text;
    else
      resume.take(error_stream, at_ns, text, adder());
  }
  void finish() { resume.finish(adder()); }
  bool has_something() const { return batch.entries_size() > 0 || batch.end() || begins; }

  std::string id;
  v1::Instance instance;
  bool running = true;
  LogResume resume;
  v1::LogBatch batch;
  std::size_t bytes = 0;    // of the batch
  std::size_t counted = 0;  // of them, in Gathering::bytes
  bool waiting = false;     // to be sent
  bool started_again = false;
  bool begins = false;  // its end was told, and now it runs again: a batch says so, also an empty one
  std::string trouble = {};
  std::weak_ptr<docker::LogStream> stream;
  std::shared_ptr<GatherBrake> brake;  // of the newest flood; its own end sets it off
  net::Notifier sent;
  net::Notifier progress;
  std::int64_t given = 0;  // kept bytes of all lines so far
  std::int64_t braked_from_ns = 0;
  std::int64_t given_since_brake = 0;  // of lines that are younger
  bool flooding = false;
  int floods_begun = 0;

  // To be asked after each reading.
  bool floods(std::chrono::steady_clock::time_point now) {
    if (now - second_began_ > std::chrono::seconds(1)) {
      second_began_ = now;
      given_before_ = given;
    }
    return given - given_before_ > kFlood;
  }

 private:
  struct Adder {
    GatherSource* to;
    void operator()(bool error_stream, std::int64_t at_ns, std::string_view text) const {
      v1::LogEntry& entry = *to->batch.add_entries();
      entry.set_at_ns(at_ns);
      entry.set_error_stream(error_stream);
      append_valid_utf8(*entry.mutable_text(), text);
      to->bytes += text.size() + kLineBytes;
      const std::int64_t kept = kept_bytes(text);
      to->given += kept;
      if (at_ns >= to->braked_from_ns) to->given_since_brake += kept;
    }
  };
  Adder adder() { return {this}; }
  std::chrono::steady_clock::time_point second_began_ = {};
  std::int64_t given_before_ = 0;
};

struct Gathering {
  explicit Gathering(net::Executor executor) : changed(executor), opened(executor), over(executor) {}
  SinkPtr<v1::LogBatch> sink;
  std::map<std::string, LogResume> positions;  // of those that are not read at the moment
  std::map<std::string, std::shared_ptr<GatherSource>> sources;
  std::deque<std::shared_ptr<GatherSource>> ready;
  std::size_t bytes = 0;
  int opening = 0;
  std::shared_ptr<docker::EventStream> events;
  std::optional<Error> lost;
  bool stopped = false;
  net::Notifier changed;
  net::Notifier opened;
  net::Notifier over;

  void stop() {
    stopped = true;
    if (events) events->close();
    for (const auto& [id, source] : sources) {
      if (const auto stream = source->stream.lock()) stream->close();
      if (source->brake) source->brake->release();
      source->sent.notify();
      source->progress.notify();
    }
    changed.notify();
    opened.notify();
    over.notify();
  }
  void lose(const Error& why) {
    if (!stopped && !lost) lost = why;
    stop();
  }
  bool full(const GatherSource& source) const {
    return source.batch.entries_size() >= kBatchLines || source.bytes >= kBatchBytes || source.batch.end() ||
           (bytes >= kAllBytes && source.has_something());
  }
  void offer(const std::shared_ptr<GatherSource>& source) {
    bytes += source->bytes - std::exchange(source->counted, source->bytes);
    if (source->waiting || !source->has_something()) return;
    source->waiting = true;
    ready.push_back(source);
    changed.notify();
  }
  v1::LogBatch take_first() {
    const std::shared_ptr<GatherSource> source = std::move(ready.front());
    ready.pop_front();
    v1::LogBatch batch;
    batch.Swap(&source->batch);
    source->begins = false;
    bytes -= std::exchange(source->counted, 0);
    source->bytes = 0;
    source->waiting = false;
    source->sent.notify();
    *batch.mutable_instance() = source->instance;
    return batch;
  }
};

}  // namespace paastech::pomegranate
