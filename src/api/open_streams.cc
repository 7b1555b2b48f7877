#include "api/open_streams.h"

namespace paastech::api {

OpenStreams::Place::Place(OpenStreams& streams, std::string client, std::shared_ptr<EventSource> source)
    : source_(std::move(source)), all_(streams.by_client_), here_(all_.emplace(std::move(client), this)) {}

OpenStreams::Place::~Place() { all_.erase(here_); }

void OpenStreams::ask_again(const std::string& client) {
  const auto [first, last] = by_client_.equal_range(client);
  for (auto it = first; it != last; ++it) {
    it->second->asked_ = true;
    it->second->source_->wake();
  }
}

}  // namespace paastech::api
