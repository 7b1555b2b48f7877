#include "controller/build_places.h"

#include <tuple>

namespace paastech::controller {

BuildPlaces::Waiting::~Waiting() {
  places.waiting_.erase(ticket);
  places.changed_.notify();
}

std::uint64_t BuildPlaces::next() const {
  if (taken_ >= limit_) return 0;
  std::uint64_t best = 0;
  std::tuple<int, std::uint64_t> least;
  for (const auto& [ticket, client] : waiting_) {
    const Standing& standing = clients_.at(client);
    if (standing.builds >= per_client_) continue;
    const std::tuple<int, std::uint64_t> rank{standing.builds, standing.served};
    if (best != 0 && rank >= least) continue;
    best = ticket;
    least = rank;
  }
  return best;
}

net::Task<bool> BuildPlaces::take(std::string client, StopPtr stop, std::function<void()> on_wait) {
  const std::uint64_t ticket = ++last_ticket_;
  clients_.try_emplace(client);
  waiting_.emplace(ticket, client);
  const Waiting place{*this, ticket};
  const Ending ending(stop, [this] { changed_.notify(); });
  bool said = false;
  while (!stop->asked && next() != ticket) {
    if (!std::exchange(said, true)) on_wait();
    co_await changed_.wait(std::chrono::hours(1));
  }
  if (stop->asked) co_return false;
  Standing& standing = clients_[client];
  ++taken_;
  ++standing.builds;
  standing.served = ++given_;
  co_return true;
}

// A Client that neither builds nor waits is forgotten with the time it was last served: a place was free for it anyway.
void BuildPlaces::release(const std::string& client) {
  --taken_;
  --clients_[client].builds;
  std::erase_if(clients_, [&](const auto& entry) {
    const bool waits = std::ranges::any_of(waiting_, [&](const auto& one) { return one.second == entry.first; });
    return entry.second.builds == 0 && !waits;
  });
  changed_.notify();
}

}  // namespace paastech::controller
