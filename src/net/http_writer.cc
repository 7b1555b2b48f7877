#include "net/http_writer.h"

#include <fmt/format.h>

#include <array>
#include <ctime>

namespace paastech::net {
namespace {

// RFC 9110 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT"
std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 40> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return {text.data(), size};
}

bool has_no_body(int status) { return status / 100 == 1 || status == 204 || status == 304; }

Status already_answered() { return fail(Code::kInternal, "the handler answered the request twice"); }

}  // namespace

Result<std::string> SessionWriter::head(int status, const Headers& headers, std::string_view framing) const {
  std::string out = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\nX-Request-Id: {}\r\n", status, reason_phrase(status),
                                http_date(), request_id_);
  for (const auto& [name, value] : headers.items()) {
    if (!is_token(name) || !is_field_value(value))
      return fail(Code::kInternal, "an answer header holds a character that none may hold");
    const bool ours = same_name(name, "Content-Length") || same_name(name, "Transfer-Encoding") ||
                      same_name(name, "Connection") || same_name(name, "Date") || same_name(name, "X-Request-Id");
    if (!ours) out += fmt::format("{}: {}\r\n", name, value);
  }
  if (!session_->keep_alive_) out += "Connection: close\r\n";
  return out + std::string(framing) + "\r\n";
}

Task<Status> SessionWriter::put(std::string bytes) {
  const ErrorCode error = co_await HttpSession::send(session_, std::move(bytes));
  if (error == asio::error::operation_aborted && !session_->gone_)
    co_return fail(Code::kCancelled, "the answer was cancelled");
  if (error) co_return fail(Code::kUnavailable, "the peer closed the connection");
  co_return Status{};
}

Task<Status> SessionWriter::send(HttpResponse response) {
  if (started()) co_return already_answered();
  const bool bodiless = has_no_body(response.status);
  const std::string framing = bodiless ? std::string() : fmt::format("Content-Length: {}\r\n", response.body.size());
  CO_TRY_ASSIGN(std::string bytes, head(response.status, response.headers, framing));
  if (!bodiless && !head_only_) bytes += response.body;
  state_ = State::kStreaming;  // until all of it is out, a failure must close the connection
  CO_TRY(co_await put(std::move(bytes)));
  state_ = State::kComplete;
  co_return Status{};
}

Task<Status> SessionWriter::start(int status, Headers headers) {
  if (started()) co_return already_answered();
  bodiless_ = head_only_ || has_no_body(status);
  // HTTP/1.0 knows no chunks: the end of the connection is the end of the body.
  if (!http_1_1_) session_->keep_alive_ = false;
  const bool chunked = http_1_1_ && !has_no_body(status);
  const std::string framing = chunked ? "Transfer-Encoding: chunked\r\n" : "";
  CO_TRY_ASSIGN(std::string bytes, head(status, headers, framing));
  state_ = State::kStreaming;
  CO_TRY(co_await put(std::move(bytes)));
  co_return Status{};
}

Task<Status> SessionWriter::write(std::string data) {
  if (state_ != State::kStreaming) co_return fail(Code::kInternal, "write() was called outside a streamed answer");
  if (session_->gone_) co_return fail(Code::kUnavailable, "the peer closed the connection");
  if (data.empty() || bodiless_) co_return Status{};
  std::string bytes = http_1_1_ ? chunk(data) : std::move(data);
  CO_TRY(co_await put(std::move(bytes)));
  co_return Status{};
}

Task<Status> SessionWriter::finish() {
  if (state_ != State::kStreaming) co_return fail(Code::kInternal, "finish() was called outside a streamed answer");
  if (http_1_1_ && !bodiless_) {
    std::string last(kLastChunk);
    CO_TRY(co_await put(std::move(last)));
  }
  state_ = State::kComplete;
  co_return Status{};
}

}  // namespace paastech::net
