#include "cli/http.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "base/error.h"
#include "cli/interrupt.h"
#include "cli/json_read.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

constexpr std::size_t kBodyLimit = 64 << 20;  // bytes of one answer
constexpr long kConnectTimeoutMs = 10'000;
constexpr long kReadTimeoutMs = 60'000;     // a GET
constexpr long kChangeTimeoutMs = 300'000;  // stopping waits for requests in flight and the grace period
constexpr int kPollMs = 1000;

using Headers = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

void add(Headers& headers, const std::string& line) {
  if (curl_slist* longer = curl_slist_append(headers.get(), line.c_str())) {
    [[maybe_unused]] curl_slist* old = headers.release();
    headers.reset(longer);
  }
}

// By the problem's `code` where it has one: several share a status.
Code code_of(const json::value& problem, int status) {
  const std::string name = text_of(problem, "code");
  for (int i = 0; i <= static_cast<int>(Code::kInternal); ++i)
    if (code_name(static_cast<Code>(i)) == name) return static_cast<Code>(i);
  return code_from_http(status != 0 ? status : static_cast<int>(integer_of(problem, "status", 500)));
}

std::string problem_code_of(std::string_view body) {
  json::error_code error;
  const json::value problem = json::parse(json::string_view(body.data(), body.size()), error);
  return error ? std::string() : text_of(problem, "code");
}

}  // namespace

std::optional<Error> read_problem(std::string_view body, int status) {
  json::error_code parse_error;
  const json::value problem = json::parse(json::string_view(body.data(), body.size()), parse_error);
  if (parse_error) return std::nullopt;
  std::string message = text_of(problem, "detail");
  if (message.empty()) message = text_of(problem, "title");
  if (message.empty()) return std::nullopt;
  return Error{code_of(problem, status), std::move(message), text_of(problem, "hint")};
}

struct Http::Transfer {
  Headers headers{nullptr, curl_slist_free_all};
  CURL* easy = nullptr;
  bool streaming = false;
  std::string request_body = {};
  std::string body = {};
  SseParser parser = {};
  std::vector<Event> events = {};
  char reason[CURL_ERROR_SIZE] = {};

  long status() const {
    long code = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
    return code;
  }
  std::string content_type() const {
    const char* type = nullptr;
    curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
    return type ? type : "";
  }
};

Http::Http(ServerUrl server, std::string token)
    : server_(std::move(server)), token_(std::move(token)), easy_(curl_easy_init()), multi_(curl_multi_init()) {}

Http::~Http() {
  curl_easy_cleanup(easy_);
  curl_multi_cleanup(multi_);
}

std::size_t Http::on_bytes(char* bytes, std::size_t size, std::size_t count, void* data) {
  auto* transfer = static_cast<Transfer*>(data);
  const std::size_t length = size * count;
  if (transfer->streaming && transfer->status() == 200) {
    for (Event& event : transfer->parser.feed({bytes, length})) transfer->events.push_back(std::move(event));
    return transfer->parser.failed() ? 0 : length;
  }
  if (transfer->body.size() + length > kBodyLimit) return 0;
  transfer->body.append(bytes, length);
  return length;
}

Status Http::prepare(Transfer& transfer, const std::string& method, const std::string& path, const char* accept) {
  const bool odd = std::any_of(token_.begin(), token_.end(), [](char c) { return c <= 0x20 || c >= 0x7f; });
  if (odd) return fail(Code::kUnauthenticated, "the token holds characters no token has", "run `paastech login`");
  if (!easy_ || !multi_) return fail(Code::kInternal, "libcurl cannot start");
  CURL* easy = easy_;
  curl_easy_reset(easy);
  transfer.easy = easy;
  add(transfer.headers, fmt::format("Accept: {}", accept));
  add(transfer.headers, "Expect:");
  if (!token_.empty()) add(transfer.headers, fmt::format("Authorization: Bearer {}", token_));
  add(transfer.headers, transfer.request_body.empty() ? "Content-Type:" : "Content-Type: application/json");
  curl_easy_setopt(easy, CURLOPT_URL, (server_.url + "/api/v1" + path).c_str());
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "paastech/" PAASTECH_VERSION);
  if (server_.loopback) curl_easy_setopt(easy, CURLOPT_PROXY, "");
  if (!transfer.streaming)
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, method == "GET" ? kReadTimeoutMs : kChangeTimeoutMs);
  if (patience_.count() > 0) curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(patience_.count()));
  if (method == "POST" || !transfer.request_body.empty()) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(transfer.request_body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer.request_body.c_str());
  }
  if (method != "GET" && method != "POST") curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers.get());
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.reason);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Http::on_bytes);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  return {};
}

// True: the transfer ended by itself; false: pump answered false or wake_fd became readable.
Result<bool> Http::perform(Transfer& transfer, int wake_fd, const std::function<bool()>& pump) {
  curl_multi_add_handle(multi_, easy_);
  bool stopped = false;
  CURLcode outcome = CURLE_OK;
  for (int running = 1; !stopped;) {
    const CURLMcode code = curl_multi_perform(multi_, &running);
    if (code != CURLM_OK) outcome = CURLE_FAILED_INIT;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left))
      if (message->msg == CURLMSG_DONE) outcome = message->data.result;
    if (pump) stopped = !pump();
    if (running == 0 || code != CURLM_OK || stopped) break;
    curl_waitfd wake{.fd = wake_fd, .events = CURL_WAIT_POLLIN, .revents = 0};
    curl_multi_poll(multi_, &wake, wake_fd >= 0 ? 1 : 0, kPollMs, nullptr);
    stopped = wake.revents != 0;
  }
  curl_multi_remove_handle(multi_, easy_);
  if (stopped) return false;
  if (outcome != CURLE_OK) return unreachable(transfer, outcome);
  return true;
}

std::unexpected<Error> Http::unreachable(const Transfer& transfer, int curl_code) const {
  const auto code = static_cast<CURLcode>(curl_code);
  long system = 0;
  curl_easy_getinfo(transfer.easy, CURLINFO_OS_ERRNO, &system);
  std::string reason = transfer.reason[0] ? transfer.reason : curl_easy_strerror(code);
  if (code == CURLE_COULDNT_CONNECT && system != 0) reason = std::generic_category().message(static_cast<int>(system));
  if (code == CURLE_WRITE_ERROR) reason = "its answer is longer than this client takes";
  if (transfer.status() != 0)
    return fail(Code::kUnavailable, fmt::format("the connection to {} broke off: {}", server_.url, reason),
                "run the command again");
  std::string hint = "check that the server runs and that the address is right (--server URL)";
  if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR)
    hint = "its certificate must be valid for that name and signed by an authority this machine trusts";
  return fail(Code::kUnavailable, fmt::format("cannot reach {}: {}", server_.url, reason), hint);
}

std::unexpected<Error> Http::problem(const Transfer& transfer) {
  problem_code_ = problem_code_of(transfer.body);
  const long status = transfer.status();
  const char* redirect = nullptr;
  curl_easy_getinfo(transfer.easy, CURLINFO_REDIRECT_URL, &redirect);
  if (redirect)
    return fail(Code::kFailedPrecondition, fmt::format("{} sends its callers to {}", server_.url, redirect),
                "use that address with --server, if you trust it");
  Error error = read_problem(transfer.body, static_cast<int>(status)).value_or(Error{});
  if (error.message.empty()) {
    error.code = status == 404 ? Code::kUnavailable  // not the Service's own "not found"
                               : code_from_http(static_cast<int>(status));
    error.message = fmt::format("{} answered {} without an explanation", server_.url, status);
    error.hint = status >= 500 ? "try again; if it stays so, its administrator finds the reason in the server's log"
                               : "check that this is the address of a PaaSTech API (--server URL)";
  }
  if (status == 401 && error.hint.empty()) error.hint = fmt::format("run `paastech login --server {}`", server_.url);
  return std::unexpected(std::move(error));
}

Result<json::value> Http::call(std::string method, std::string path, std::optional<json::value> body) {
  Transfer transfer;
  if (body) transfer.request_body = json::serialize(*body);
  TRY(prepare(transfer, method, path, "application/json"));
  TRY(perform(transfer, -1, {}));
  const long status = transfer.status();
  if (status < 200 || status >= 300) return problem(transfer);
  if (transfer.body.empty()) return json::value(nullptr);
  json::error_code error;
  json::value value = json::parse(transfer.body, error);
  if (error)
    return fail(Code::kInternal, fmt::format("{} does not answer as a PaaSTech API does", server_.url),
                "check the address (--server URL)");
  return value;
}

Result<StreamEnd> Http::stream(std::string path, std::function<bool(const Event&)> on_event) {
  Interrupt interrupt;
  Transfer transfer;
  transfer.streaming = true;
  TRY(prepare(transfer, "GET", path, "text/event-stream"));
  // Events are handed over outside libcurl's callbacks: it ignores SIGPIPE there, and `| head` must end the client.
  bool wanted = true;
  TRY_ASSIGN(const bool ended, perform(transfer, interrupt.fd(), [&] {
               for (const Event& event : transfer.events) {
                 wanted = wanted && on_event(event);
                 if (!wanted) break;
               }
               transfer.events.clear();
               return wanted && !interrupt.raised();
             }));
  if (!ended) return wanted ? StreamEnd::kInterrupted : StreamEnd::kStopped;
  if (transfer.status() != 200) return problem(transfer);
  if (!transfer.content_type().starts_with("text/event-stream"))
    return fail(Code::kInternal, fmt::format("{} does not answer as a PaaSTech API does", server_.url),
                "check the address (--server URL)");
  return StreamEnd::kEnded;
}

}  // namespace paastech::cli
