#include "ingress/head_parser.h"

#include <cstring>

namespace paastech::ingress {
namespace {

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = table[static_cast<std::size_t>(c - 32)] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr std::array<bool, 256> kToken = make_token_table();  // RFC 9110 section 5.6.2

bool is_token(char c) { return kToken[static_cast<unsigned char>(c)]; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool all_tokens(std::string_view text) {
  for (const char c : text)
    if (!is_token(c)) return false;
  return !text.empty();
}

// True where no byte is a control character but HTAB. Eight bytes a step; any suspicion is looked at byte by byte.
bool clean_value(std::string_view text) {
  constexpr std::uint64_t kOnes = ~std::uint64_t{0} / 255;
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + i, 8);
    const std::uint64_t low = (word - kOnes * 0x20) & ~word;
    const std::uint64_t del = word ^ (kOnes * 0x7f);
    if (((low | ((del - kOnes) & ~del)) & (kOnes * 0x80)) != 0) break;
  }
  for (; i < text.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
  }
  return true;
}

std::string_view trim_blank(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Calls visit(token) for each element of a comma list (RFC 9110 section 5.6.1); false where visit says so.
template <class Visit>
bool for_each_token(std::string_view list, Visit visit) {
  while (true) {
    const std::size_t comma = list.find(',');
    const std::string_view item = trim_blank(list.substr(0, comma));
    if (!item.empty() && !visit(item)) return false;
    if (comma == std::string_view::npos) return true;
    list.remove_prefix(comma + 1);
  }
}

// The next line without its CRLF; the caller has checked with find_head that lines end so. False: a stray CR or LF.
bool take_line(std::string_view& rest, std::string_view& line) {
  const void* at = std::memchr(rest.data(), '\n', rest.size());
  if (at == nullptr) return false;
  const std::size_t end = static_cast<std::size_t>(static_cast<const char*>(at) - rest.data());
  if (end == 0 || rest[end - 1] != '\r') return false;
  line = rest.substr(0, end - 1);
  rest.remove_prefix(end + 1);
  return true;
}

Verdict take_connection(std::string_view value, Head& out) {
  const bool fine = for_each_token(value, [&out](std::string_view token) {
    if (!all_tokens(token)) return false;
    if (equals_ignoring_case(token, "close"))
      out.connection_close = true;
    else if (equals_ignoring_case(token, "keep-alive"))
      out.connection_keep_alive = true;
    else if (equals_ignoring_case(token, "upgrade"))
      out.connection_upgrade = true;
    else
      out.connection_named = true;
    return true;
  });
  return fine ? Verdict{} : Verdict{400, "the Connection header is malformed"};
}

Verdict take_length(std::string_view value, Head& out) {
  if (out.has_length) return {400, "there is more than one Content-Length"};
  if (value.empty() || value.size() > 18) return {400, "Content-Length is not a number"};
  std::uint64_t length = 0;
  for (const char c : value) {
    if (!is_digit(c)) return {400, "Content-Length is not a number"};
    length = length * 10 + static_cast<std::uint64_t>(c - '0');
  }
  out.has_length = true;
  out.length = length;
  return {};
}

Verdict take_shared_field(const Field& field, Head& out) {
  switch (field.id) {
    case Name::kConnection: return take_connection(field.value, out);
    case Name::kContentLength: return take_length(field.value, out);
    case Name::kTransferEncoding:
      if (out.chunked || !equals_ignoring_case(field.value, "chunked"))
        return {400, "Transfer-Encoding is something other than chunked"};
      out.chunked = true;
      return {};
    case Name::kUpgrade: out.upgrade = out.upgrade.empty() ? field.value : out.upgrade; return {};
    default: return {};
  }
}

Verdict parse_fields(std::string_view rest, Head& out) {
  while (true) {
    const char* start = rest.data();
    std::string_view line;
    if (!take_line(rest, line)) return {400, "a header line does not end in CR LF"};
    if (line.empty()) break;
    if (line[0] == ' ' || line[0] == '\t') return {400, "a header is folded over several lines"};
    if (out.count == kMaxFields) return {431, "there are more than 100 header lines"};
    std::size_t colon = 0;
    while (colon < line.size() && is_token(line[colon])) ++colon;
    if (colon == 0 || colon == line.size() || line[colon] != ':') return {400, "a header name is malformed"};
    Field& field = out.fields[out.count++];
    field.name = line.substr(0, colon);
    field.value = trim_blank(line.substr(colon + 1));
    field.line = {start, line.size() + 2};
    if (!clean_value(field.value)) return {400, "a header value has a control character"};
    field.id = name_of(field.name);
    if (const Verdict verdict = take_shared_field(field, out); !verdict.ok()) return verdict;
  }
  if (!rest.empty()) return {400, "the head goes on after its empty line"};
  if (out.chunked && out.has_length) return {400, "there are both Transfer-Encoding and Content-Length"};
  if (out.chunked && out.minor == 0) return {400, "Transfer-Encoding needs HTTP/1.1"};
  return {};
}

// "HTTP/1.1" → minor. 505 for another well-formed version, 400 for anything else.
Verdict parse_version(std::string_view text, int& minor) {
  if (text.size() != 8 || text.substr(0, 5) != "HTTP/" || !is_digit(text[5]) || text[6] != '.' || !is_digit(text[7]))
    return {400, "the HTTP version is malformed"};
  if (text[5] != '1' || text[7] > '1') return {505, "only HTTP/1.1 and HTTP/1.0 are spoken here"};
  minor = text[7] - '0';
  return {};
}

bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" || method == "DELETE";
}

// Makes origin-form of absolute-form; `authority` gets the latter's. Verdict: RFC 9112 section 3.2.
Verdict take_target(std::string_view target, RequestHead& out, std::string_view& authority) {
  if (target.size() > kMaxTarget) return {414, "the address is over 8 KiB"};
  for (const char c : target)
    if (c <= ' ' || c >= 0x7f || c == '#') return {400, "the address has a character that must be encoded"};
  out.target = target;
  if (target[0] == '/') return {};
  if (target == "*") return out.method == "OPTIONS" ? Verdict{} : Verdict{400, "the address * is for OPTIONS only"};
  std::size_t start = 0;
  if (target.size() > 7 && equals_ignoring_case(target.substr(0, 7), "http://")) start = 7;
  if (target.size() > 8 && equals_ignoring_case(target.substr(0, 8), "https://")) start = 8;
  if (start == 0) return {400, "the address is malformed"};
  const std::size_t end = target.find_first_of("/?", start);
  authority = target.substr(start, end == std::string_view::npos ? end : end - start);
  out.target = end == std::string_view::npos ? std::string_view("/") : target.substr(end);
  out.target_needs_slash = out.target[0] == '?';
  return authority.empty() ? Verdict{400, "the address has no host"} : Verdict{};
}

Verdict take_request_fields(RequestHead& out, std::string_view authority) {
  bool host_seen = false;
  for (const Field& field : out.all()) {
    if (field.id == Name::kHost) {
      if (host_seen) return {400, "there is more than one Host"};
      host_seen = true;
      out.host = field.value;
    } else if (field.id == Name::kExpect) {
      if (!equals_ignoring_case(field.value, "100-continue")) return {417, "the expectation is unknown"};
      out.expect_continue = out.minor == 1;
    } else if (field.id == Name::kAccept) {
      out.accept = field.value;
    }
  }
  if (!host_seen && out.minor == 1) return {400, "there is no Host"};
  std::array<char, kMaxHost> mine;
  const std::string_view host = normalize_host(out.host, mine);
  if (host_seen && host.empty()) return {400, "the Host is malformed"};
  if (authority.empty()) return {};
  std::array<char, kMaxHost> other;
  if (normalize_host(authority, other) != host || host_port(authority) != host_port(out.host))
    return {400, "Host and the address name different hosts"};
  return {};
}

template <class T>
void reset(T& out) {
  // The field array is left as it is: `count` says what of it is valid, and clearing it would cost more than parsing.
  out.minor = 1;
  out.count = 0;
  out.connection_close = out.connection_keep_alive = out.connection_upgrade = out.connection_named = false;
  out.chunked = out.has_length = false;
  out.length = 0;
  out.upgrade = {};
}

}  // namespace

bool Head::named_by_connection(const Field& field) const {
  if (!connection_named || field.id != Name::kOther) return false;
  for (const Field& other : all()) {
    if (other.id != Name::kConnection) continue;
    const bool absent = for_each_token(other.value, [&field](std::string_view token) {
      if (token.size() != field.name.size()) return true;
      for (std::size_t i = 0; i < token.size(); ++i) {
        const auto fold = [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : static_cast<int>(c); };
        if (fold(token[i]) != fold(field.name[i])) return true;
      }
      return false;
    });
    if (!absent) return true;
  }
  return false;
}

std::size_t find_head(std::string_view data, std::size_t& scanned, bool& bad) {
  while (scanned < data.size()) {
    const void* at = std::memchr(data.data() + scanned, '\n', data.size() - scanned);
    if (at == nullptr) break;
    const std::size_t end = static_cast<std::size_t>(static_cast<const char*>(at) - data.data());
    if (end == 0 || data[end - 1] != '\r') {
      bad = true;
      return 0;
    }
    scanned = end + 1;
    if (end == 1 || data[end - 2] == '\n') return scanned;
  }
  scanned = data.size();
  return 0;
}

Verdict parse_request(std::string_view head, RequestHead& out) {
  reset(out);
  out.target_needs_slash = out.expect_continue = out.idempotent = false;
  out.method = out.target = out.host = out.accept = {};
  std::string_view line;
  if (!take_line(head, line)) return {400, "the request line does not end in CR LF"};
  const std::size_t space = line.find(' ');
  if (space > 32 || !all_tokens(line.substr(0, space)))  // npos too
    return {400, "the method is malformed"};
  out.method = line.substr(0, space);
  line.remove_prefix(space + 1);
  const std::size_t second = line.find(' ');
  if (second == std::string_view::npos || second == 0) return {400, "the request line is malformed"};
  if (const Verdict verdict = parse_version(line.substr(second + 1), out.minor); !verdict.ok()) return verdict;
  if (out.method == "CONNECT" || out.method == "TRACE") return {405, "this method is not served here"};
  std::string_view authority;
  if (const Verdict verdict = take_target(line.substr(0, second), out, authority); !verdict.ok()) return verdict;
  out.idempotent = is_idempotent(out.method);
  if (const Verdict verdict = parse_fields(head, out); !verdict.ok()) return verdict;
  return take_request_fields(out, authority);
}

Verdict parse_response(std::string_view head, ResponseHead& out) {
  reset(out);
  out.status = 0;
  std::string_view line;
  if (!take_line(head, line) || line.size() < 12 || line[8] != ' ') return {502, "the status line is malformed"};
  if (!parse_version(line.substr(0, 8), out.minor).ok()) return {502, "the HTTP version is unknown"};
  out.status_text = line.substr(9);
  for (std::size_t i = 0; i < 3; ++i) {
    if (!is_digit(out.status_text[i])) return {502, "the status is malformed"};
    out.status = out.status * 10 + (out.status_text[i] - '0');
  }
  if (out.status < 100 || out.status > 599 || (out.status_text.size() > 3 && out.status_text[3] != ' ') ||
      !clean_value(out.status_text))
    return {502, "the status is malformed"};
  const Verdict verdict = parse_fields(head, out);
  return verdict.ok() ? verdict : Verdict{502, verdict.reason};
}

std::string_view normalize_host(std::string_view host, std::span<char, kMaxHost> out) {
  const bool bracketed = !host.empty() && host[0] == '[';
  const std::size_t name_end = bracketed ? host.find(']') : host.find(':');
  if (bracketed && name_end == std::string_view::npos) return {};
  std::string_view name = host.substr(0, bracketed ? name_end + 1 : name_end);
  std::string_view rest = host.substr(name.size());
  if (!rest.empty()) {
    if (rest[0] != ':' || rest.size() > 6) return {};
    for (const char c : rest.substr(1))
      if (!is_digit(c)) return {};
  }
  if (!bracketed && !name.empty() && name.back() == '.') name.remove_suffix(1);
  if (name.empty() || name.size() > kMaxHost) return {};
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i] >= 'A' && name[i] <= 'Z' ? static_cast<char>(name[i] + 32) : name[i];
    const bool plain = (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '.' || c == '_';
    const bool in_v6 = is_digit(c) || (c >= 'a' && c <= 'f') || c == ':' || c == '.' || i == 0 || i + 1 == name.size();
    if (bracketed ? !in_v6 : !plain) return {};
    out[i] = c;
  }
  return {out.data(), name.size()};
}

std::string_view host_port(std::string_view host) {
  const std::size_t bracket = host.find(']');
  const std::size_t colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  return colon == std::string_view::npos ? std::string_view{} : host.substr(colon + 1);
}

}  // namespace paastech::ingress
