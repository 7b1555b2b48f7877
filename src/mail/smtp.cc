#include "mail/smtp.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <system_error>

namespace paastech::mail {
namespace {

constexpr std::size_t kReplyLimit = 300;  // bytes of the server's words that are kept
constexpr int kMaxTimeout = 600;          // seconds: what RFC 5321 section 4.5.3.2.6 gives the end of a mail

bool is_ipv6(const std::string& host) {
  in6_addr address{};
  return ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool is_loopback(const std::string& host) {
  in6_addr six{};
  if (::inet_pton(AF_INET6, host.c_str(), &six) == 1) return IN6_IS_ADDR_LOOPBACK(&six) != 0;
  in_addr four{};
  if (::inet_pton(AF_INET, host.c_str(), &four) == 1) return ntohl(four.s_addr) >> 24 == 127;
  return host == "localhost";  // which libcurl does not look up
}

bool is_host_name(const std::string& host) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  };
  return !host.empty() && host.size() <= 253 && host.front() != '-' && std::ranges::all_of(host, good);
}

bool has_control(const std::string& text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// What was said, as far as an error has to tell it. Lines of ours are never kept: some hold the password.
struct Conversation {
  std::string_view verb = {};  // of our last command
  std::string reply = {};      // the last answer, its lines joined
  bool reply_ended = true;
  bool over = false;  // we said QUIT; the answer to that explains nothing
  std::string body = {};
  std::size_t sent = 0;
  char reason[CURL_ERROR_SIZE] = {};

  int code() const {
    if (reply.size() < 3 || reply[0] < '2' || reply[0] > '5') return 0;
    return (reply[0] - '0') * 100 + (reply[1] - '0') * 10 + (reply[2] - '0');
  }
};

// RFC 5321 section 4.2: ASCII; whatever else a server says could steer a terminal or break a log line.
void append_printable(std::string& out, std::string_view text) {
  for (const char c : text)
    if (out.size() < kReplyLimit) out += c >= ' ' && c < 0x7f ? c : '?';
}

void hear(Conversation& talk, std::string_view line) {
  if (talk.over) return;
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  const bool more = line.size() > 3 && line[3] == '-';
  if (talk.reply_ended) {
    talk.reply.clear();
    append_printable(talk.reply, line.substr(0, 3));
  }
  if (line.size() > 4) append_printable(talk.reply, fmt::format(" {}", line.substr(4)));
  talk.reply_ended = !more;
}

void say(Conversation& talk, std::string_view line) {
  constexpr std::array<std::string_view, 7> kVerbs = {"EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA"};
  const std::string_view word = line.substr(0, line.find_first_of(" \r\n"));
  if (word == "QUIT") talk.over = true;
  if (const auto* verb = std::ranges::find(kVerbs, word); verb != kVerbs.end()) talk.verb = *verb;
}

int on_debug(CURL*, curl_infotype type, char* bytes, std::size_t size, void* data) {
  auto& talk = *static_cast<Conversation*>(data);
  if (type == CURLINFO_HEADER_IN) hear(talk, {bytes, size});
  if (type == CURLINFO_HEADER_OUT) say(talk, {bytes, size});
  return 0;
}

std::size_t on_read(char* buffer, std::size_t size, std::size_t count, void* data) {
  auto& talk = *static_cast<Conversation*>(data);
  const std::size_t length = std::min(size * count, talk.body.size() - talk.sent);
  std::copy_n(talk.body.data() + talk.sent, length, buffer);
  talk.sent += length;
  return length;
}

// libcurl calls it about once a second (CURLOPT_XFERINFOFUNCTION).
int on_progress(void* data, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(data)->load() ? 1 : 0;
}

std::size_t on_write(char*, std::size_t size, std::size_t count, void*) { return size * count; }

// "mail.example.org:587", "[::1]:587"
std::string server_of(const SmtpOptions& options) {
  const std::string host = is_ipv6(options.host) ? "[" + options.host + "]" : options.host;
  return fmt::format("{}:{}", host, options.port);
}

// The server's last words, the system's or libcurl's; without the password, should a server repeat it.
std::string words(CURL* easy, const Conversation& talk, CURLcode outcome, const std::string& password) {
  long error = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
  std::string text;
  if (outcome == CURLE_COULDNT_CONNECT && error != 0)
    text = std::system_category().message(static_cast<int>(error));
  else if (talk.code() >= 400)
    text = talk.reply;
  else
    append_printable(text, talk.reason[0] ? talk.reason : curl_easy_strerror(outcome));
  if (!password.empty() && text.find(password) != std::string::npos) return "its words are not shown";
  return text;
}

std::unexpected<Error> refused(const std::string& server, const Conversation& talk, const std::string& why) {
  if (talk.verb == "RCPT")
    return fail(Code::kInvalidArgument, fmt::format("the mail server {} refuses the recipient: {}", server, why),
                "check the address");
  if (talk.verb == "DATA")
    return fail(Code::kInvalidArgument, fmt::format("the mail server {} refuses the mail: {}", server, why),
                "its administrator knows why");
  if (talk.verb == "MAIL")
    return fail(Code::kFailedPrecondition, fmt::format("the mail server {} refuses the sender: {}", server, why),
                "set a sender that this server lets the Service use, and user name and password if it wants them");
  return fail(Code::kFailedPrecondition, fmt::format("the mail server {} refuses the Service: {}", server, why),
              "its administrator knows why");
}

std::unexpected<Error> explain(CURL* easy, const SmtpOptions& options, const Conversation& talk, CURLcode outcome) {
  const std::string server = server_of(options);
  const std::string why = words(easy, talk, outcome, options.password);
  switch (outcome) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
      return fail(Code::kUnavailable, fmt::format("cannot reach the mail server {}: {}", server, why),
                  "check that it runs, and its name and port");
    case CURLE_ABORTED_BY_CALLBACK: return fail(Code::kUnavailable, "the sending of the mail was stopped");
    case CURLE_OPERATION_TIMEDOUT:
      return fail(Code::kUnavailable,
                  fmt::format("the mail server {} did not answer within {} s", server, options.timeout_s),
                  "check its port, and whether it speaks TLS from the first byte or by STARTTLS");
    case CURLE_PEER_FAILED_VERIFICATION:
      return fail(Code::kFailedPrecondition,
                  fmt::format("the certificate of the mail server {} is not accepted: {}", server, why),
                  "it must be valid for that name and signed by an authority this machine trusts");
    case CURLE_SSL_CACERT_BADFILE:
      return fail(Code::kFailedPrecondition, fmt::format("cannot read {}: {}", options.ca_file, why),
                  "it must hold certificates in PEM");
    default: break;
  }
  const int code = talk.code();
  if (code >= 400 && code < 500)
    return fail(Code::kUnavailable, fmt::format("the mail server {} cannot take the mail now: {}", server, why));
  switch (outcome) {
    case CURLE_USE_SSL_FAILED:
      return fail(Code::kFailedPrecondition, fmt::format("the mail server {} offers no STARTTLS", server),
                  "use port 465 with TLS from the first byte, if it has it; nothing was sent");
    case CURLE_LOGIN_DENIED:
      return fail(Code::kFailedPrecondition,
                  fmt::format("the mail server {} refuses user name and password: {}", server, why),
                  "set those that this server expects");
    default: break;
  }
  if (code >= 500) return refused(server, talk, why);
  return fail(Code::kUnavailable, fmt::format("the connection to the mail server {} broke off: {}", server, why));
}

void set_up(CURL* easy, const SmtpOptions& options, const std::string& sender, Conversation& talk) {
  const bool tls = options.security == "tls";
  const std::string url = fmt::format("{}://{}/{}", tls ? "smtps" : "smtp", server_of(options), options.service);
  const long timeout_ms = options.timeout_s * 1000L;
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(easy, CURLOPT_PROXY, "");  // also none from the environment
  curl_easy_setopt(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms);                                  // up to and with AUTH
  curl_easy_setopt(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, static_cast<long>(options.timeout_s));  // also of QUIT
  curl_easy_setopt(easy, CURLOPT_USE_SSL,
                   static_cast<long>(options.security == "none" ? CURLUSESSL_NONE : CURLUSESSL_ALL));
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));  // and later; RFC 8996
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options.ca_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, options.ca_file.c_str());
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  }
  if (!options.username.empty()) {
    curl_easy_setopt(easy, CURLOPT_USERNAME, options.username.c_str());
    curl_easy_setopt(easy, CURLOPT_PASSWORD, options.password.c_str());
    // The connection is private already. Left to itself libcurl would try Kerberos where a server offers it.
    curl_easy_setopt(easy, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN");
  }
  curl_easy_setopt(easy, CURLOPT_MAIL_FROM, sender.c_str());
  curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(talk.body.size()));
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, &on_read);
  curl_easy_setopt(easy, CURLOPT_READDATA, &talk);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_write);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, talk.reason);
  curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);  // prints nothing: on_debug gets it
  curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, &on_debug);
  curl_easy_setopt(easy, CURLOPT_DEBUGDATA, &talk);
}

}  // namespace

Status check(const SmtpOptions& options) {
  const auto wrong = [](std::string_view what, std::string_view allowed) {
    return fail(Code::kInvalidArgument, fmt::format("mail: {} is not valid", what), std::string(allowed));
  };
  if (!is_host_name(options.host) && !is_ipv6(options.host))
    return wrong("the name of the server", "it is a host name or an address, without a scheme");
  if (options.port < 1 || options.port > 65535) return wrong("the port", "it is from 1 to 65535, mostly 587 or 465");
  if (options.security != "starttls" && options.security != "tls" && options.security != "none")
    return wrong("the security", "it is starttls, tls or none");
  if (options.security == "none" && !is_loopback(options.host))
    return wrong("the security", "none is only for a mail server on this machine (localhost); use starttls or tls");
  if (options.username.empty() != options.password.empty())
    return wrong("the login", "user name and password come together or not at all");
  if (has_control(options.username) || has_control(options.password))
    return wrong("the login", "user name and password have no control characters");
  if (!is_host_name(options.service)) return wrong("the name of the Service", "it is a host name");
  if (options.timeout_s < 1 || options.timeout_s > kMaxTimeout)
    return wrong("the timeout", fmt::format("it is from 1 to {} seconds", kMaxTimeout));
  TRY(parse_mailbox(options.from));
  return {};
}

Status send(const SmtpOptions& options, const Message& message, const std::atomic<bool>* stop) {
  if (const Status status = check(options); !status)  // what is wrong is not this mail
    return fail(Code::kFailedPrecondition, status.error().message, status.error().hint);
  TRY_ASSIGN(const Mailbox sender, parse_mailbox(options.from));
  Conversation talk;
  TRY_ASSIGN(talk.body, compose(message, options.from, options.service));
  // The handle goes first: its end says QUIT, which `talk` still hears of.
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> recipients(
      curl_slist_append(nullptr, message.to.c_str()), &curl_slist_free_all);
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy(curl_easy_init(), &curl_easy_cleanup);
  if (!easy || !recipients) return fail(Code::kUnavailable, "libcurl cannot start");
  set_up(easy.get(), options, sender.address, talk);
  curl_easy_setopt(easy.get(), CURLOPT_MAIL_RCPT, recipients.get());
  if (stop != nullptr) {
    curl_easy_setopt(easy.get(), CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy.get(), CURLOPT_XFERINFOFUNCTION, &on_progress);
    curl_easy_setopt(easy.get(), CURLOPT_XFERINFODATA, stop);
  }
  const CURLcode outcome = curl_easy_perform(easy.get());
  if (outcome != CURLE_OK) return explain(easy.get(), options, talk, outcome);
  return {};
}

}  // namespace paastech::mail
