#pragma once
// What runs of a tree: its Processes, how each is probed, replaced and ended, and the release command. Pure values;
// build/manifest.h and build/procfile.h parse the texts.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace paastech {

// How one attempt to find out whether an Instance is well is made.
struct Probe {
  enum class Kind { kTcp, kHttp, kCommand };
  Kind kind = Kind::kTcp;
  std::string path = {};                  // kHttp: what is asked for by GET, with the query
  std::string host = {};                  // kHttp: the Host header; empty: the Instance's address and port
  int status_low = 200;                   // kHttp: the answers that are well, both included
  int status_high = 399;                  // 2xx and 3xx where nothing is said
  std::vector<std::string> command = {};  // kCommand: run in the Instance; well where it ends with 0
  int interval_s = 0;                     // 1-300: between two; 0: liveness_interval_s, readiness as often as is useful
  int timeout_s = 5;                      // 1-60: of one attempt
  int failures = 3;                       // 1-20: liveness only: so many in a row, and the Instance is restarted
  int successes = 1;                      // 1-20: readiness only: so many in a row, and the Instance is ready
  bool operator==(const Probe&) const = default;
};

constexpr int liveness_interval_s(const Probe& probe) { return probe.interval_s > 0 ? probe.interval_s : 10; }

// How the Instances of one Deployment take the place of those of the one before.
enum class Strategy {
  kBlueGreen,  // all new ones ready, then the routes change at once
  kRolling,    // one after the other, at most one more than there should be
  kRecreate,   // the old ones end before the new ones start: for what cannot run twice
};

struct Process {
  std::vector<std::string> command = {};  // empty: the image's own
  int port = 0;                           // `web` only. 0: the single EXPOSE of the image, else 80
  std::optional<Probe> readiness = {};    // none: `web` is ready when its port accepts, others once they run
  int ready_timeout_s = 60;               // 1-600: the start-up time
  std::optional<Probe> liveness = {};     // none: an Instance that runs counts as alive
  int drain_s = 30;                       // 0-300: for requests in flight, before it is told to stop
  std::string stop_signal = {};           // "SIGTERM" …; empty: the image's own, else SIGTERM
  int stop_grace_s = 10;                  // 1-300: from the stop signal to SIGKILL

  // Of a Deployment's list, from what the Project's scale says (store/scales.h):
  int count = 1;
  std::int64_t memory_bytes = 0;  // 0: kInstanceMemoryBytes
  std::int64_t milli_cpus = 0;    // 0: kInstanceMilliCpus
  // The Deployment whose Instances these are; 0: its own. A change of scale takes over what already runs.
  std::int64_t group = 0;
  bool operator==(const Process&) const = default;
};

struct ReleaseCommand {
  std::vector<std::string> command = {};
  int timeout_s = 600;  // 1-3600
  bool operator==(const ReleaseCommand&) const = default;
};

// What a Deployment runs: part of its immutable record.
struct ProcessList {
  std::map<std::string, Process> processes = {{"web", {}}};
  Strategy strategy = Strategy::kBlueGreen;
  std::optional<ReleaseCommand> release = {};
  bool operator==(const ProcessList&) const = default;
};

struct Manifest {
  std::string dockerfile = "Dockerfile";  // relative to the repository's root, inside the context
  std::string context = ".";
  ProcessList run = {};
};

}  // namespace paastech
