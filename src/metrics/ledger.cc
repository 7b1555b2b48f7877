#include "metrics/ledger.h"

#include <algorithm>

namespace paastech::metrics {
namespace {

// A reading is against one that is at most so old: two periods and some lateness. What was gained in a longer time
// belongs to no period, and the next one begins anew.
constexpr std::int64_t kLongestMs = 25'000;
constexpr std::int64_t kRememberedMs = 3'600'000;  // a Process that runs no more is shown with none for an hour
constexpr std::int64_t kSkewMs = 60'000;           // the Engine's clock and ours may differ by so much

std::uint32_t narrow(std::int64_t value) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(value, 0, UINT32_MAX));
}

// How long a reading at `now` against one at `before` covers; 0: they have nothing to do with each other.
std::int64_t covered(std::int64_t before, std::int64_t now) {
  const std::int64_t ms = now - before;
  return ms > 0 && ms <= kLongestMs ? ms : 0;
}

}  // namespace

std::int64_t gain(std::int64_t before, std::int64_t now) {
  return now >= before ? now - before : std::max<std::int64_t>(now, 0);
}

bool Ledger::starts_may_differ(const Instances& instances) const {
  std::size_t there = 0;
  for (const auto& [key, figures] : instances) {
    const auto known = readings_.find(key);
    const bool same = known != readings_.end() && known->second.at_ms == instances_at_ms_;
    if (!same || figures.cpu_ns < known->second.figures.cpu_ns) return true;
    ++there;
  }
  const auto ran = [&](const auto& each) { return each.second.at_ms == instances_at_ms_; };
  return std::ranges::count_if(readings_, ran) != static_cast<std::ptrdiff_t>(there);
}

std::vector<Entry> Ledger::take(Round round) {
  Samples samples;
  engine_answers_ = round.instances.has_value();
  if (round.instances) {
    note_running(*round.instances, round.at_ms);
    take_instances(round, samples);
  }
  if (round.starts) take_starts(*round.starts, samples);
  if (round.ingresses) take_visits(round, samples);
  std::vector<Entry> out;
  for (auto& [key, sample] : samples) {
    if (sample.engine_ms == 0 && sample.router_ms == 0) continue;
    sample.slot = round.slot;
    out.push_back({key, sample});
  }
  return out;
}

// While the Engine is away, what it said last stays.
void Ledger::note_running(const Instances& instances, std::int64_t at_ms) {
  for (auto& [key, totals] : totals_) totals.instances = totals.memory_bytes = totals.memory_limit_bytes = 0;
  for (const auto& [key, figures] : instances) {
    const ProcessKey process{key.project, key.process};
    last_ran_ms_[process] = at_ms;
    Totals& totals = totals_[process];
    ++totals.instances;
    totals.memory_bytes += figures.memory_bytes;
    totals.memory_limit_bytes += figures.memory_limit_bytes;
  }
  std::erase_if(last_ran_ms_, [&](const auto& each) {
    if (at_ms - each.second <= kRememberedMs) return false;
    totals_.erase(each.first);
    return true;
  });
  std::erase_if(readings_, [&](const auto& each) { return at_ms - each.second.at_ms > kRememberedMs; });
}

// What an Instance's figures are to be compared with. One that was not there before has started since, so that all it
// used belongs to this period – if the Engine says so too, for it may leave out one for a time that does not answer it.
InstanceFigures Ledger::before(const Round& round, const InstanceKey& key, const InstanceFigures& now) const {
  const auto known = readings_.find(key);
  if (known != readings_.end()) {
    const bool long_ago = covered(known->second.at_ms, round.at_ms) == 0;
    return long_ago && now.cpu_ns >= known->second.figures.cpu_ns ? now : known->second.figures;
  }
  if (!round.starts) return now;
  const auto start = round.starts->find(key);
  return start != round.starts->end() && start->second.at_ms >= instances_wall_ms_ - kSkewMs ? InstanceFigures() : now;
}

void Ledger::take_instances(const Round& round, Samples& samples) {
  const std::int64_t ms = instances_at_ms_ ? covered(*instances_at_ms_, round.at_ms) : 0;
  if (ms > 0) {
    for (const auto& [key, when] : last_ran_ms_) samples[key].engine_ms = static_cast<std::uint32_t>(ms);
    for (const auto& [key, now] : *round.instances) {
      const InstanceFigures was = before(round, key, now);
      const std::int64_t cpu_ns = gain(was.cpu_ns, now.cpu_ns);
      const std::int64_t received = gain(was.received_bytes, now.received_bytes);
      const std::int64_t sent = gain(was.sent_bytes, now.sent_bytes);
      const ProcessKey process{key.project, key.process};
      Sample& sample = samples[process];
      sample.milli_instances += 1000;
      sample.cpu_ns += cpu_ns;
      sample.received_bytes += received;
      sample.sent_bytes += sent;
      sample.memory_bytes += now.memory_bytes;
      sample.memory_limit_bytes += now.memory_limit_bytes;
      Totals& totals = totals_[process];
      totals.cpu_ns += cpu_ns;
      totals.received_bytes += received;
      totals.sent_bytes += sent;
    }
    for (auto& [key, sample] : samples) {
      sample.peak_memory_bytes = sample.memory_bytes;
      sample.peak_milli_cpus = narrow(sample.cpu_ns / (ms * 1000));  // ns / ms is millionths of a core
    }
  }
  for (const auto& [key, now] : *round.instances) readings_[key] = {now, round.at_ms};
  instances_at_ms_ = round.at_ms;
  instances_wall_ms_ = round.wall_ms;
}

void Ledger::take_starts(const Starts& starts, Samples& samples) {
  for (const auto& [key, now] : starts) {
    const auto known = starts_.find(key);
    std::int64_t times = 0;
    if (known == starts_.end())
      times = starts_known_ ? now.restarts : 0;
    else if (now.at_ms != 0 && now.at_ms != known->second.at_ms)
      times = std::max<std::int64_t>(1, now.restarts - known->second.restarts);
    const auto totals = totals_.find({key.project, key.process});
    if (times == 0 || totals == totals_.end()) continue;
    totals->second.restarts += times;
    if (const auto sample = samples.find(totals->first); sample != samples.end())
      sample->second.restarts = narrow(sample->second.restarts + times);
  }
  Starts next = starts;
  // One that stands still says nothing of when it starts again, and is compared with what it was.
  for (auto& [key, now] : next)
    if (const auto known = starts_.find(key); now.at_ms == 0 && known != starts_.end()) now = known->second;
  starts_ = std::move(next);
  starts_known_ = true;
}

void Ledger::take_visits(Round& round, Samples& samples) {
  const std::int64_t ms = ingresses_ ? covered(ingresses_at_ms_, round.at_ms) : 0;
  if (ms > 0 && ingresses_->size() == round.ingresses->size()) {
    for (const auto& [key, when] : last_ran_ms_) {
      if (key.process != kTakesRequests) continue;
      Sample& sample = samples[key];
      sample.router_ms = static_cast<std::uint32_t>(ms);
      for (std::size_t i = 0; i < round.ingresses->size(); ++i) {
        const auto visits = [&](const IngressVisits& of) {
          const auto found = of.find(key.project);
          return found == of.end() ? Visits() : found->second;
        };
        add_visits(key.project, visits((*ingresses_)[i]), visits((*round.ingresses)[i]), sample);
      }
    }
  }
  ingresses_ = std::move(round.ingresses);
  ingresses_at_ms_ = round.at_ms;
}

void Ledger::add_visits(const std::string& project, const Visits& before, const Visits& now, Sample& sample) {
  Visits& total = totals_[{project, std::string(kTakesRequests)}].visits;
  const auto grown = [](std::int64_t& sum, std::int64_t was, std::int64_t is) {
    const std::int64_t more = gain(was, is);
    sum += more;
    return more;
  };
  sample.failed = narrow(sample.failed + grown(total.failed, before.failed, now.failed));
  grown(total.received_bytes, before.received_bytes, now.received_bytes);
  grown(total.sent_bytes, before.sent_bytes, now.sent_bytes);
  grown(total.latency_us, before.latency_us, now.latency_us);
  for (std::size_t i = 0; i < now.by_class.size(); ++i)
    sample.by_class[i] = narrow(sample.by_class[i] + grown(total.by_class[i], before.by_class[i], now.by_class[i]));
  for (std::size_t i = 0; i < kLatencyBuckets; ++i)
    sample.by_latency[i] =
        narrow(sample.by_latency[i] + grown(total.by_latency[i], before.by_latency[i], now.by_latency[i]));
}

}  // namespace paastech::metrics
