#include "docker/logs.h"

#include "docker/containers.h"
#include "docker/deadline.h"

namespace paastech::docker {

namespace {

constexpr std::size_t kMaxLine = 64 << 10;   // longer ones are cut; the Engine itself cuts messages at 16 KiB
constexpr std::size_t kMaxFrame = 16 << 20;  // far beyond any message; more means that the stream is not framed
constexpr std::size_t kSecondLength = 19;    // of "2026-01-31T12:00:00"
constexpr std::size_t kTimeLength = 30;      // the Engine writes nine digits of the second and Z
constexpr std::size_t kLongestTime = 35;     // with an offset in place of Z
// Between the pieces of a line there is the reading of a pipe; between two runs of a program its start, 100 ms and
// more.
constexpr std::int64_t kNextRunNs = 20'000'000;

std::string_view without_return(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

Status LogParser::add(std::string_view piece, LineTaker& taker) {
  while (!piece.empty()) {
    // A frame that lies whole in the piece is read from there.
    const std::string_view here = buffer_.empty() ? piece : std::string_view(buffer_);
    std::size_t wanted = kFrameHead;
    if (here.size() >= kFrameHead) {
      const std::size_t length = frame_length(here);
      if (static_cast<unsigned char>(here[0]) > 3 || length > kMaxFrame)
        return fail(Code::kInternal, "the Engine's log stream is not framed as expected");
      wanted += length;
    }
    if (here.size() >= kFrameHead && here.size() >= wanted) {
      frame(here[0] == 2, here.substr(kFrameHead, wanted - kFrameHead), taker);
      if (buffer_.empty())
        piece.remove_prefix(wanted);
      else
        buffer_.clear();
      continue;
    }
    const std::size_t more = std::min(wanted - buffer_.size(), piece.size());
    buffer_.append(piece.substr(0, more));
    piece.remove_prefix(more);
    // The last of a frame may be the last of the piece.
    if (piece.empty() && buffer_.size() == wanted && wanted > kFrameHead) {
      frame(buffer_[0] == 2, std::string_view(buffer_).substr(kFrameHead), taker);
      buffer_.clear();
    }
  }
  return {};
}

std::int64_t LogParser::time_of(std::string_view text) {
  const bool usual = text.size() == kTimeLength && text[kSecondLength] == '.' && text.back() == 'Z';
  if (usual && text.starts_with(second_) && !second_.empty()) {
    std::int64_t fraction = 0;
    for (const char c : text.substr(kSecondLength + 1, 9)) {
      if (c < '0' || c > '9') return 0;
      fraction = fraction * 10 + (c - '0');
    }
    return second_ns_ + fraction;
  }
  const std::int64_t at_ns = parse_time_ns(text);
  if (usual && at_ns != 0) {
    second_ = text.substr(0, kSecondLength);
    second_ns_ = at_ns - at_ns % 1'000'000'000;
  }
  return at_ns;
}

void LogParser::rest(bool error_stream, LineTaker& taker) {
  LogEntry& partial = partial_[error_stream ? 1 : 0];
  taker.take(error_stream, partial.at_ns, without_return(partial.text));
  partial.text.clear();
}

void LogParser::frame(bool error_stream, std::string_view frame, LineTaker& taker) {
  LogEntry& partial = partial_[error_stream ? 1 : 0];
  std::int64_t at_ns = 0;
  if (const std::size_t space = frame.substr(0, kLongestTime + 1).find(' '); space != std::string_view::npos) {
    at_ns = time_of(frame.substr(0, space));
    if (at_ns != 0) frame.remove_prefix(space + 1);
  }
  if (!partial_[0].text.empty() || !partial_[1].text.empty()) {
    for (const bool other : {false, true}) {
      const LogEntry& begun = partial_[other ? 1 : 0];
      const bool ended = other == error_stream ? begun.at_ns != at_ns : at_ns > begun.at_ns + kNextRunNs;
      if (!begun.text.empty() && ended) rest(other, taker);
    }
  }
  while (true) {
    const std::size_t end = frame.find('\n');
    const bool whole = end != std::string_view::npos;
    if (partial.text.empty() && whole) {
      taker.take(error_stream, at_ns, without_return(frame.substr(0, end)));
    } else {
      partial.at_ns = at_ns;
      partial.text.append(frame.substr(0, end));
      if (!whole && partial.text.size() < kMaxLine) return;
      rest(error_stream, taker);
    }
    if (!whole) return;
    frame.remove_prefix(end + 1);
    if (frame.empty()) return;
  }
}

void LogParser::finish(LineTaker& taker) {
  for (const bool error_stream : {false, true})
    if (!partial_[error_stream ? 1 : 0].text.empty()) rest(error_stream, taker);
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
  co_return std::unique_ptr<LogStream>(new LogStream(client, std::move(exchange), wanted.whole_lines));
}

net::Task<Result<bool>> LogStream::read(LineTaker* taker) {
  if (ended_) co_return false;
  Result<std::string> piece = co_await exchange_->read();
  if (!piece) co_return std::unexpected(client_->lost(piece.error()));
  if (piece->empty()) {
    ended_ = true;
    if (!whole_lines_) parser_.finish(*taker);
    co_return false;
  }
  CO_TRY(parser_.add(*piece, *taker));
  co_return true;
}

net::Task<Result<std::optional<LogEntry>>> LogStream::next() {
  while (queue_.entries.empty() && !ended_) {
    const auto more = co_await read(&queue_);
    if (!more) co_return std::unexpected(more.error());
  }
  if (queue_.entries.empty()) co_return std::nullopt;
  LogEntry entry = std::move(queue_.entries.front());
  queue_.entries.pop_front();
  co_return entry;
}

net::Task<Result<std::unique_ptr<net::HttpExchange>>> open_attach(ClientPtr client, std::string id) {
  CO_TRY_ASSIGN(auto exchange,
                co_await client->open("POST", "/containers/" + id + "/attach?stream=1&stdout=1&stderr=1"));
  CO_TRY(co_await client->check_head(exchange.get(), kAnswerTime));
  co_return std::move(exchange);
}

}  // namespace paastech::docker
