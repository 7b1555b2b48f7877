#pragma once
// Writes the audit log: who did what, on what, from where, when, and how it ended; never a value out of a body. A
// change is answered only once its row is on disk. Refusals are written beside, so that they cost their asker no time,
// and bounded, so that nobody fills the disk with them: 30 a minute of one Client, 60 of all who have not logged in,
// 256 waiting. Thread: the control-plane loop.
#include <memory>

#include "api/context.h"
#include "store/audit.h"

namespace paastech::api {

struct Call;
struct Route;

class Audit {
 public:
  explicit Audit(Context& context);
  // Where the database cannot take the row within its patience, the Service's log has it and it follows by itself: the
  // change is made, and an error would say that it was not.
  net::Task<void> made(store::AuditRow row);
  void refused(store::AuditRow row);

 private:
  struct State;
  std::shared_ptr<State> state_;  // what waits is written also where the Audit is gone
};

// A refused request, of a route that changes something.
void note_refusal(Call& call, const Error& error);

// Takes away what is older than `keep_days`, now and every day; ends with the TaskGroup.
net::Task<void> sweep_audit(Context& context, int keep_days);

}  // namespace paastech::api
