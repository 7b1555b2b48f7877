#include "docker/logs.h"

#include "docker/containers.h"
#include "docker/deadline.h"

namespace paastech::docker {

namespace {

constexpr std::size_t kMaxLine = 64 << 10;   // longer ones are cut; the Engine itself cuts messages at 16 KiB
constexpr std::size_t kMaxFrame = 16 << 20;  // far beyond any message; more means that the stream is not framed

}  // namespace

Status LogParser::add(std::string_view piece) {
  buffer_.append(piece);
  std::size_t at = 0;
  while (buffer_.size() - at >= 8) {
    const auto byte = [this, at](std::size_t i) { return static_cast<unsigned char>(buffer_[at + i]); };
    const std::size_t length = std::size_t{byte(4)} << 24 | byte(5) << 16 | byte(6) << 8 | byte(7);
    if (byte(0) > 3 || length > kMaxFrame)
      return fail(Code::kInternal, "the Engine's log stream is not framed as expected");
    if (buffer_.size() - at - 8 < length) break;
    take_frame(byte(0) == 2, std::string_view(buffer_).substr(at + 8, length));
    at += 8 + length;
  }
  buffer_.erase(0, at);
  return {};
}

void LogParser::take_frame(bool error_stream, std::string_view frame) {
  LogEntry& partial = partial_[error_stream ? 1 : 0];
  std::int64_t at_ns = 0;
  if (const std::size_t space = frame.find(' '); space != std::string_view::npos && space <= 35) {
    at_ns = parse_time_ns(frame.substr(0, space));
    if (at_ns != 0) frame.remove_prefix(space + 1);
  }
  if (partial.at_ns == 0) partial.at_ns = at_ns;
  partial.error_stream = error_stream;
  while (true) {
    const std::size_t end = frame.find('\n');
    partial.text.append(frame.substr(0, end));
    if (end == std::string_view::npos && partial.text.size() < kMaxLine) return;
    if (partial.text.ends_with('\r')) partial.text.pop_back();
    ready_.push_back(std::exchange(partial, LogEntry{error_stream, 0, {}}));
    if (end == std::string_view::npos) return;
    frame.remove_prefix(end + 1);
    if (frame.empty()) return;
    partial.at_ns = at_ns;
  }
}

std::optional<LogEntry> LogParser::next() {
  if (ready_.empty()) return std::nullopt;
  LogEntry entry = std::move(ready_.front());
  ready_.pop_front();
  return entry;
}

void LogParser::finish() {
  for (LogEntry& partial : partial_)
    if (!partial.text.empty()) ready_.push_back(std::exchange(partial, LogEntry{}));
}

net::Task<Result<std::unique_ptr<LogStream>>> LogStream::open(ClientPtr client, std::string id, LogQuery wanted) {
  Query query{{"stdout", "1"}, {"stderr", "1"}, {"timestamps", "1"}};
  if (wanted.follow) query.emplace_back("follow", "1");
  if (wanted.tail != 0) query.emplace_back("tail", std::to_string(std::max(wanted.tail, 0)));
  if (wanted.since_ns > 0)
    query.emplace_back("since",
                       fmt::format("{}.{:09}", wanted.since_ns / 1'000'000'000, wanted.since_ns % 1'000'000'000));
  CO_TRY_ASSIGN(auto exchange, co_await client->open("GET", "/containers/" + id + "/logs" + query_string(query)));
  CO_TRY(co_await client->check_head(exchange.get(), kAnswerTime));
  co_return std::unique_ptr<LogStream>(new LogStream(client, std::move(exchange)));
}

net::Task<Result<std::optional<LogEntry>>> LogStream::next() {
  while (true) {
    std::optional<LogEntry> entry = parser_.next();
    if (entry || ended_) co_return entry;
    Result<std::string> piece = co_await exchange_->read();
    if (!piece) co_return std::unexpected(client_->lost(piece.error()));
    if (piece->empty()) {
      ended_ = true;
      parser_.finish();
    } else {
      CO_TRY(parser_.add(*piece));
    }
  }
}

}  // namespace paastech::docker
