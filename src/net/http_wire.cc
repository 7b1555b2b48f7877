#include "net/http_wire.h"

#include <fmt/format.h>

#include <algorithm>

namespace paastech::net {
namespace {

char lower_char(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const char l = lower_char(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

bool is_token_char(char c) {
  return is_digit(c) || (lower_char(c) >= 'a' && lower_char(c) <= 'z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return fail(Code::kInvalidArgument, "the path holds a bad percent escape");
    if (high == 0 && low == 0) return fail(Code::kInvalidArgument, "the path holds %00");
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower_char(x) == lower_char(y); });
}

bool is_token(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_token_char); }

bool is_field_value(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return is_control(c) && c != '\t'; });
}

std::string chunk(std::string_view data) { return fmt::format("{:x}\r\n{}\r\n", data.size(), data); }

Result<std::string> request_head(const HttpRequest& request, Framing framing, std::string_view host) {
  const auto unsendable = [](char c) { return is_control(c) || c == ' '; };
  if (!is_token(request.method)) return fail(Code::kInvalidArgument, "the HTTP method is not a token");
  if (request.target.empty() || std::ranges::any_of(request.target, unsendable))
    return fail(Code::kInvalidArgument, "the HTTP request target is empty, or holds a space or a control character");
  std::string head = fmt::format("{} {} HTTP/1.1\r\n", request.method, request.target);
  if (!request.headers.find("Host")) head += fmt::format("Host: {}\r\n", host);
  if (!request.headers.find("Connection")) head += "Connection: close\r\n";
  for (const auto& [name, value] : request.headers.items()) {
    if (!is_token(name) || !is_field_value(value))
      return fail(Code::kInvalidArgument, "an HTTP request header holds a character that none may hold");
    if (same_name(name, "Content-Length") || same_name(name, "Transfer-Encoding")) continue;  // ours to say
    head += fmt::format("{}: {}\r\n", name, value);
  }
  if (framing == Framing::kChunked) head += "Transfer-Encoding: chunked\r\n";
  if (framing == Framing::kLength) head += fmt::format("Content-Length: {}\r\n", request.body.size());
  return head + "\r\n";
}

Result<Target> parse_target(std::string_view target) {
  if (target == "*") return Target{"*", ""};
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.size() <= scheme.size() || !same_name(target.substr(0, scheme.size()), scheme)) continue;
    const std::size_t path = target.find_first_of("/?", scheme.size());
    target = path == std::string_view::npos ? std::string_view("/") : target.substr(path);
    if (target.front() == '?') return Target{"/", std::string(target.substr(1))};
    break;
  }
  if (target.empty() || target.front() != '/')
    return fail(Code::kInvalidArgument, "the request target must begin with a slash");
  if (target.find('#') != std::string_view::npos)
    return fail(Code::kInvalidArgument, "the request target holds a fragment");
  const std::size_t mark = target.find('?');
  TRY_ASSIGN(std::string path, percent_decode(target.substr(0, mark)));
  const bool has_query = mark != std::string_view::npos;
  return Target{std::move(path), has_query ? std::string(target.substr(mark + 1)) : std::string()};
}

Status check_raw_head(std::string_view head) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    const char c = head[i];
    const bool crlf = c == '\r' && i + 1 < head.size() && head[i + 1] == '\n';
    if (crlf) {
      const bool folded = i + 2 < head.size() && (head[i + 2] == ' ' || head[i + 2] == '\t');
      if (folded) return fail(Code::kInvalidArgument, "a header line is folded");
      ++i;
    } else if (is_control(c) && c != '\t') {
      return fail(Code::kInvalidArgument, "the request head holds a control character or a bare line ending");
    }
  }
  return {};
}

Status check_framing(const Headers& headers, bool http_1_1) {
  int hosts = 0;
  int lengths = 0;
  int encodings = 0;
  for (const auto& [name, value] : headers.items()) {
    if (same_name(name, "Host")) ++hosts;
    if (same_name(name, "Content-Length")) {
      ++lengths;
      if (value.empty() || !std::ranges::all_of(value, is_digit))
        return fail(Code::kInvalidArgument, "Content-Length is not a number");
    }
    if (same_name(name, "Transfer-Encoding")) {
      ++encodings;
      if (!same_name(value, "chunked"))
        return fail(Code::kInvalidArgument, "the only Transfer-Encoding understood is chunked");
    }
  }
  if (hosts > 1 || (hosts == 0 && http_1_1))
    return fail(Code::kInvalidArgument, "the request must have exactly one Host header");
  if (lengths > 1) return fail(Code::kInvalidArgument, "the request has several Content-Length headers");
  if (encodings > 1) return fail(Code::kInvalidArgument, "the request has several Transfer-Encoding headers");
  if (encodings == 1 && lengths == 1)
    return fail(Code::kInvalidArgument, "the request has both Transfer-Encoding and Content-Length");
  if (encodings == 1 && !http_1_1) return fail(Code::kInvalidArgument, "Transfer-Encoding does not exist in HTTP/1.0");
  return {};
}

HttpResponse problem(int status, std::string_view code, std::string_view detail, std::string_view hint,
                     std::string_view request_id) {
  HttpResponse response;
  response.status = status;
  response.headers.add("Content-Type", "application/problem+json");
  response.headers.add("X-Content-Type-Options", "nosniff");
  response.headers.add("Cache-Control", "no-store");
  const std::string hint_member = hint.empty() ? std::string() : fmt::format(R"(,"hint":"{}")", hint);
  response.body =
      fmt::format(R"({{"type":"about:blank","title":"{}","status":{},"detail":"{}","code":"{}"{},"request_id":"{}"}})",
                  reason_phrase(status), status, detail, code, hint_member, request_id);
  return response;
}

}  // namespace paastech::net
