#include "git/gate.h"

namespace paastech::git {

void DeployGate::drop(const std::string& project_id) {
  const auto entry = entries_.find(project_id);
  if (--entry->second.users == 0) entries_.erase(entry);
}

DeployGate::Turn DeployGate::enter(const std::string& project_id, const std::function<void()>& on_wait,
                                   const std::function<bool()>& cancelled) {
  std::unique_lock lock(mutex_);
  Entry& entry = entries_[project_id];
  ++entry.users;
  const std::uint64_t ticket = ++tickets_;
  entry.waiting = ticket;  // whoever waited is overtaken, also where the gate is just free
  changed_.notify_all();
  if (entry.busy) {
    lock.unlock();
    on_wait();
    lock.lock();
  }
  Turn turn = Turn::kMine;
  changed_.wait(lock, [&] {
    if (entry.waiting != ticket)
      turn = Turn::kOvertaken;
    else if (cancelled())
      turn = Turn::kCancelled;
    else if (entry.busy)
      return false;
    return true;
  });
  if (entry.waiting == ticket) entry.waiting = 0;
  if (turn == Turn::kMine)
    entry.busy = true;
  else
    drop(project_id);
  return turn;
}

void DeployGate::leave(const std::string& project_id) {
  const std::scoped_lock lock(mutex_);
  entries_.at(project_id).busy = false;
  drop(project_id);
  changed_.notify_all();
}

void DeployGate::poke() {
  const std::scoped_lock lock(mutex_);
  changed_.notify_all();
}

}  // namespace paastech::git
