#include "docker/events.h"

#include "docker/deadline.h"
#include "docker/json.h"

namespace paastech::docker {

Result<Event> parse_event(std::string_view line) {
  TRY_ASSIGN(const json::bj::value value, json::parse(line));
  Event event;
  event.action = json::text(json::at(value, "Action"));
  event.id = json::text(json::at(value, "Actor", "ID"));
  event.attributes = json::text_map(json::at(value, "Actor", "Attributes"));
  event.at_ns = json::number(json::at(value, "timeNano"));
  return event;
}

net::Task<Result<std::unique_ptr<EventStream>>> EventStream::open(ClientPtr client, std::vector<std::string> labels,
                                                                  std::vector<std::string> actions) {
  std::map<std::string, std::vector<std::string>> by{{"type", {"container"}}};
  if (!labels.empty()) by["label"] = labels;
  if (!actions.empty()) by["event"] = actions;
  const Query query{{"filters", json::filters(by)}};
  CO_TRY_ASSIGN(auto exchange, co_await client->open("GET", "/events" + query_string(query)));
  CO_TRY(co_await client->check_head(exchange.get(), kAnswerTime));
  co_return std::unique_ptr<EventStream>(new EventStream(client, std::move(exchange)));
}

net::Task<Result<Event>> EventStream::next() {
  while (true) {
    const std::optional<std::string> line = lines_.next();
    if (line && line->empty()) continue;
    if (line) co_return parse_event(*line);
    Result<std::string> piece = co_await exchange_->read();
    if (!piece) co_return std::unexpected(client_->lost(piece.error()));
    if (piece->empty()) co_return std::unexpected(client_->lost({Code::kUnavailable, "it ended the stream of events"}));
    lines_.add(*piece);
  }
}

}  // namespace paastech::docker
