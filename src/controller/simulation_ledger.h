#pragma once
// What the Clients of a simulated run asked for and were told, and what must therefore be so once it is quiet.
#include <map>
#include <set>
#include <string>
#include <vector>

#include "controller/simulated_world.h"
#include "store/test_database.h"

namespace paastech::controller {

struct Ledger {
  using Name = std::pair<std::string, std::int64_t>;  // of a Deployment: its Project's id and its number
  struct Stop {
    std::int64_t heard_ms = 0;  // when it was answered, or whoever would have was killed; 0: it is on its way
    bool done = false;
  };
  struct Project {
    std::string name;
    bool entered = false;  // its row was there
    bool deletion_asked = false;
    bool deletion_promised = false;  // it was answered that it is done, or goes on by itself
    std::vector<Stop> stops;
  };
  std::map<std::string, Project> projects;  // by id, all that ever were
  std::set<Name> acknowledged;              // Deployments
  std::map<Name, std::string> references;   // of those, the images of a registry that were asked for
  std::set<Name> cancellations;             // that were asked for
  std::set<Name> cancelled;                 // that were acknowledged
  std::set<Name> must_live;                 // asked for in quiet: nothing keeps them from it
  std::set<Name> survived;                  // were on their way when the controller was killed
  int kills = 0;
};

// After quiet: no orphan, no half state, what was acknowledged is there. What is not so goes to state.violation.
void check_after_quiet(store::TestDatabase& database, SimulatedState& state, const Ledger& ledger);

// What it came to, for state.counts: whether the seeds test what they should.
void count_outcomes(store::TestDatabase& database, SimulatedState& state, const Ledger& ledger);

// What the neighbours have of a Project that is gone; empty: nothing.
std::string left_of(const SimulatedState& state, const std::string& project);

}  // namespace paastech::controller
