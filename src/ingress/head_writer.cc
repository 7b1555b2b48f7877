#include "ingress/head_writer.h"

namespace paastech::ingress {
namespace {

// Appends the lines that go on. Neighbours are copied as one piece, for their bytes lie side by side.
class LineCopier {
 public:
  explicit LineCopier(Buffer& out) : out_(out) {}
  void add(std::string_view line) {
    if (!run_.empty() && run_.data() + run_.size() == line.data()) {
      run_ = {run_.data(), run_.size() + line.size()};
      return;
    }
    flush();
    run_ = line;
  }
  void flush() {
    out_.append(run_);
    run_ = {};
  }

 private:
  Buffer& out_;
  std::string_view run_;
};

// What a trusted proxy has said already; an untrusted peer's fields are dropped before they are looked at.
struct Said {
  bool forwarded_for = false;
  bool forwarded = false;
  bool host = false;
  bool port = false;
  bool proto = false;
};

void append_node(Buffer& out, std::string_view peer) {  // RFC 7239 section 6: IPv6 in brackets and quotes
  const bool v6 = peer.find(':') != std::string_view::npos;
  out.append(v6 ? "\"[" : "");
  out.append(peer);
  out.append(v6 ? "]\"" : "");
}

void append_field(Buffer& out, std::string_view name, std::string_view value) {
  out.append(name);
  out.append(value);
  out.append("\r\n");
}

// Writes "Name: a, b, " of a trusted proxy's own fields, or only "Name: ".
void append_chain(Buffer& out, std::string_view name, const RequestHead& head, Name id, bool said) {
  out.append(name);
  if (!said) return;
  for (const Field& field : head.all()) {
    if (field.id != id || field.value.empty()) continue;
    out.append(field.value);
    out.append(", ");
  }
}

void append_forwarding(Buffer& out, const RequestHead& head, const Forwarding& f, const Said& said) {
  append_chain(out, "X-Forwarded-For: ", head, Name::kForwardedFor, said.forwarded_for);
  append_field(out, {}, f.peer);
  if (!said.proto) out.append("X-Forwarded-Proto: http\r\n");
  if (!said.host && !head.host.empty()) append_field(out, "X-Forwarded-Host: ", head.host);
  const std::string_view port = host_port(head.host);
  if (!said.port) append_field(out, "X-Forwarded-Port: ", port.empty() ? "80" : port);
  append_chain(out, "Forwarded: ", head, Name::kForwarded, said.forwarded);
  out.append("for=");
  append_node(out, f.peer);
  if (!head.host.empty()) {  // its characters were checked; none needs escaping in a quoted string
    out.append(";host=\"");
    out.append(head.host);
    out.append("\"");
  }
  append_field(out, ";proto=", "http");
  append_field(out, "X-Request-Id: ", f.request_id);
}

bool goes_on(const RequestHead& head, const Field& field, bool trusted, Said& said) {
  switch (field.id) {
    case Name::kOther: return !head.named_by_connection(field);
    case Name::kHost:
    case Name::kAccept:
    case Name::kContentLength: return true;
    case Name::kExpect: return head.expect_continue;
    case Name::kForwardedMore: return trusted;
    case Name::kForwardedHost: return said.host = trusted;
    case Name::kForwardedPort: return said.port = trusted;
    case Name::kForwardedProto: return said.proto = trusted;
    case Name::kForwardedFor: said.forwarded_for = trusted; return false;
    case Name::kForwarded: said.forwarded = trusted; return false;
    default: return false;
  }
}

}  // namespace

void write_request_head(Buffer& out, const RequestHead& head, const Forwarding& f) {
  out.append(head.method);
  out.append(head.target_needs_slash ? " /" : " ");
  out.append(head.target);
  out.append(" HTTP/1.1\r\n");
  LineCopier lines(out);
  Said said;
  for (const Field& field : head.all())
    if (goes_on(head, field, f.peer_trusted, said)) lines.add(field.line);
  lines.flush();
  append_forwarding(out, head, f, said);
  if (f.framing == Framing::kChunked) out.append("Transfer-Encoding: chunked\r\n");
  if (f.upgrade) append_field(out, "Connection: Upgrade\r\nUpgrade: ", head.upgrade);
  out.append("\r\n");
}

void write_response_head(Buffer& out, const ResponseHead& head, const Answering& a) {
  out.append("HTTP/1.1 ");
  append_field(out, head.status_text, head.status_text.size() == 3 ? " " : "");
  LineCopier lines(out);
  for (const Field& field : head.all()) {
    bool on = false;
    if (field.id == Name::kContentLength)
      on = a.keep_length && a.framing != Framing::kChunked && a.framing != Framing::kUntilClose;
    else if (field.id == Name::kOther)
      on = !head.named_by_connection(field);
    else
      on = field.id == Name::kAccept || field.id == Name::kLookalike;  // nothing special in a response
    if (on) lines.add(field.line);
  }
  lines.flush();
  append_field(out, "X-Request-Id: ", a.request_id);
  if (a.framing == Framing::kChunked) out.append("Transfer-Encoding: chunked\r\n");
  if (a.persistence == Persistence::kKeepAlive) out.append("Connection: keep-alive\r\n");
  if (a.persistence == Persistence::kClose) out.append("Connection: close\r\n");
  if (a.persistence == Persistence::kUpgrade) append_field(out, "Connection: Upgrade\r\nUpgrade: ", head.upgrade);
  out.append("\r\n");
}

}  // namespace paastech::ingress
