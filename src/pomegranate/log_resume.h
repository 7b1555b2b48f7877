#pragma once
// Where in a container's output a reader goes on: behind the lines_at-th of the lines in a row that have the time at_ns
// (proto/pomegranate.proto, LogCursor). The Engine can only be asked for what is not older than a time, and writes
// lines of the two streams now and then a moment out of the order of their times, for it stamps each in a task of the
// stream's. So it is asked from a little earlier on, and all is old up to that line, whatever its time. And where it
// begins a new file, it may give its first lines a second time (moby 20.10, daemon/logger/loggerutils/logfile.go,
// followLogs): then too all is old up to that line.
#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "docker/logs.h"

namespace paastech::pomegranate {

class LogResume {
 public:
  // Far more than the moment between a line's stamp and its writing, on a machine that is short of processors.
  static constexpr std::int64_t kSlackNs = 100'000'000;
  static constexpr std::size_t kHeldBytes = 4 << 20;

  LogResume() = default;
  LogResume(std::int64_t at_ns, std::int32_t lines_at) : at_ns_(at_ns), lines_at_(lines_at) { again(); }

  // Before each reading: from the line on that was given out last. Asks the Engine for since_ns().
  void again() {
    found_ = at_ns_ == 0 || lines_at_ == 0;
    run_ = 0;
    held_.clear();
    held_bytes_ = 0;
  }
  std::int64_t since_ns() const { return found_ || at_ns_ <= kSlackNs ? at_ns_ : at_ns_ - kSlackNs; }

  // give(error_stream, at_ns, text) is called for what is new.
  template <class Give>
  void take(bool error_stream, std::int64_t at_ns, std::string_view text, Give give) {
    std::int64_t& last = last_ns_[error_stream ? 1 : 0];
    if (found_ && at_ns < last && last <= now_ns()) {
      again();
      found_ = false;
    }
    if (found_) {
      last = at_ns;
      advance(at_ns);
      give(error_stream, at_ns, text);
      return;
    }
    run_ = at_ns == at_ns_ ? run_ + 1 : 0;
    if (run_ == lines_at_) {
      again();
      found_ = true;
    } else if (at_ns > at_ns_) {
      held_.push_back({error_stream, at_ns, std::string(text)});
      held_bytes_ += text.size() + sizeof(docker::LogEntry);
      if (at_ns > at_ns_ + kSlackNs || held_bytes_ > kHeldBytes) finish(give);
    }
  }
  // The line is not there any more: what is later than it is new.
  template <class Give>
  void finish(Give give) {
    if (found_) return;
    found_ = true;
    for (const docker::LogEntry& entry : std::exchange(held_, {})) {
      last_ns_[entry.error_stream ? 1 : 0] = entry.at_ns;
      advance(entry.at_ns);
      give(entry.error_stream, entry.at_ns, std::string_view(entry.text));
    }
  }

 private:
  void advance(std::int64_t at_ns) {
    lines_at_ = at_ns == at_ns_ ? lines_at_ + 1 : 1;
    at_ns_ = at_ns;
  }
  static std::int64_t now_ns() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
  }
  std::int64_t at_ns_ = 0;
  std::int32_t lines_at_ = 0;
  bool found_ = true;
  std::int32_t run_ = 0;
  std::vector<docker::LogEntry> held_ = {};  // later than the line, and before it if it comes
  std::size_t held_bytes_ = 0;
  // Of each stream's last line. Within a stream times rise; an older one comes a second time, unless the last is of the
  // future: then the machine's clock was put back.
  std::array<std::int64_t, 2> last_ns_ = {};
};

}  // namespace paastech::pomegranate
