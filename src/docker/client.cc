#include "docker/client.h"

#include <boost/asio/steady_timer.hpp>
#include <charconv>
#include <optional>

#include "docker/deadline.h"
#include "docker/json.h"

namespace paastech::docker {

namespace {

Code code_of(int status, const std::string& message) {
  if (message.find("no space left on device") != std::string::npos) return Code::kResourceExhausted;
  switch (status) {
    case 400: return Code::kInvalidArgument;
    case 404: return Code::kNotFound;
    case 409: return message.find("already in use") != std::string::npos ? Code::kAlreadyExists : Code::kAborted;
    case 503: return Code::kUnavailable;
    default: return Code::kInternal;
  }
}

Error engine_error(int status, std::string_view body) {
  std::string message;
  if (const auto parsed = json::parse(body)) message = json::text(json::at(*parsed, "message"));
  if (message.empty()) message = "the Docker Engine answered with status " + std::to_string(status);
  const Code code = code_of(status, message);
  if (code == Code::kResourceExhausted)
    return {code, "the disk of the Docker Engine is full: " + message, "ask the administrator to free space"};
  return {code, std::move(message)};
}

}  // namespace

std::string query_string(const Query& query) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  // RFC 3986 section 2.3: what need not be encoded.
  static constexpr std::string_view kPlain = "-._~/:,";
  std::string out;
  const auto append = [&out](std::string_view text) {
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                         kPlain.find(c) != std::string_view::npos;
      if (plain)
        out.push_back(c);
      else
        (out.push_back('%'), out.push_back(kHex[byte >> 4])), out.push_back(kHex[byte & 15]);
    }
  };
  for (const auto& [key, value] : query) {
    out.push_back(out.empty() ? '?' : '&');
    append(key);
    out.push_back('=');
    append(value);
  }
  return out;
}

Result<ApiVersion> parse_version(std::string_view text) {
  ApiVersion version;
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto major = std::from_chars(begin, end, version.major);
  if (major.ec == std::errc() && major.ptr != end && *major.ptr == '.') {
    const auto minor = std::from_chars(major.ptr + 1, end, version.minor);
    if (minor.ec == std::errc() && minor.ptr == end) return version;
  }
  return fail(Code::kFailedPrecondition, "the Engine names an API version that is none: '" + std::string(text) + "'",
              "is this the socket of a Docker Engine?");
}

Result<ApiVersion> choose_version(ApiVersion minimum, ApiVersion newest) {
  const auto name = [](ApiVersion v) { return fmt::format("{}.{}", v.major, v.minor); };
  if (newest < kOldestApi)
    return fail(Code::kFailedPrecondition,
                fmt::format("the Docker Engine is too old: its API is {}, at least {} (Docker 20.10) is needed",
                            name(newest), name(kOldestApi)),
                "upgrade Docker");
  if (minimum > kNewestApi)
    return fail(Code::kFailedPrecondition,
                fmt::format("the Docker Engine is too new: it wants API {} or later, {} is the latest known here",
                            name(minimum), name(kNewestApi)),
                "upgrade PaaSTech");
  return std::min(newest, kNewestApi);
}

Client::Client(std::string socket_path)
    : socket_path_(socket_path), http_(net::Endpoint{.unix_path = std::move(socket_path)}) {}

Error Client::lost(const Error& cause) {
  if (cause.code != Code::kUnavailable && cause.code != Code::kDeadlineExceeded) return cause;
  version_.clear();
  return {Code::kUnavailable, "Docker Engine does not answer at " + socket_path_ + " (" + cause.message + ")",
          "start Docker, or name another socket in the configuration"};
}

net::Task<Result<std::string>> Client::version() {
  if (!version_.empty()) co_return version_;
  net::HttpRequest request;
  request.target = "/version";
  net::RequestLimits limits;
  limits.timeout = std::chrono::seconds(10);
  Result<net::HttpResponse> response = co_await http_.request(std::move(request), limits);
  if (!response) co_return std::unexpected(lost(response.error()));
  if (response->status != 200) co_return std::unexpected(engine_error(response->status, response->body));
  CO_TRY_ASSIGN(const json::bj::value answer, json::parse(response->body));
  CO_TRY_ASSIGN(const ApiVersion newest, parse_version(json::text(json::at(answer, "ApiVersion"))));
  const std::string oldest = json::text(json::at(answer, "MinAPIVersion"));
  ApiVersion minimum;
  if (!oldest.empty()) {
    CO_TRY_ASSIGN(minimum, parse_version(oldest));
  }
  CO_TRY_ASSIGN(const ApiVersion chosen, choose_version(minimum, newest));
  version_ = fmt::format("{}.{}", chosen.major, chosen.minor);
  ++generation_;
  co_return version_;
}

net::Task<Result<net::HttpResponse>> Client::call(std::string method, std::string path, std::string body,
                                                  std::chrono::milliseconds timeout, net::Headers headers) {
  CO_TRY_ASSIGN(const std::string spoken, co_await version());
  net::HttpRequest request;
  request.method = std::move(method);
  request.target = "/v" + spoken + path;
  request.headers = std::move(headers);
  if (!body.empty()) request.headers.add("Content-Type", "application/json");
  request.body = std::move(body);
  net::RequestLimits limits;
  limits.timeout = timeout;
  limits.max_body = 64 << 20;  // a list of thousands of containers is some kilobytes each
  Result<net::HttpResponse> response = co_await http_.request(std::move(request), limits);
  if (!response) co_return std::unexpected(lost(response.error()));
  if (response->status >= 400) co_return std::unexpected(engine_error(response->status, response->body));
  co_return std::move(*response);
}

net::Task<Result<std::unique_ptr<net::HttpExchange>>> Client::open(std::string method, std::string path,
                                                                   bool stream_body, net::Headers headers,
                                                                   std::string body) {
  CO_TRY_ASSIGN(const std::string spoken, co_await version());
  net::HttpRequest request;
  request.method = std::move(method);
  request.target = "/v" + spoken + path;
  request.headers = std::move(headers);
  if (!body.empty()) request.headers.add("Content-Type", "application/json");
  request.body = std::move(body);
  net::RequestLimits limits;
  limits.timeout = std::chrono::seconds(10);
  Result<std::unique_ptr<net::HttpExchange>> exchange = co_await http_.open(std::move(request), stream_body, limits);
  if (!exchange) co_return std::unexpected(lost(exchange.error()));
  co_return std::move(*exchange);
}

net::Task<Status> Client::check_head(net::HttpExchange* exchange, std::chrono::milliseconds limit) {
  const net::Executor executor = co_await net::asio::this_coro::executor;
  std::optional<Deadline> deadline;
  if (limit.count() > 0) deadline.emplace(executor, limit, [exchange] { exchange->close(); });
  Status head = co_await exchange->read_head();
  if (!head && deadline && deadline->passed()) {
    const Error late{Code::kDeadlineExceeded, "it gave no answer in time"};
    co_return std::unexpected(lost(late));
  }
  if (!head) co_return std::unexpected(lost(head.error()));
  if (exchange->status() < 400) co_return Status{};
  std::string body;
  while (body.size() < 64 << 10) {
    Result<std::string> piece = co_await exchange->read();
    if (!piece || piece->empty()) break;
    body += *piece;
  }
  co_return std::unexpected(engine_error(exchange->status(), body));
}

}  // namespace paastech::docker
