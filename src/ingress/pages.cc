#include "ingress/pages.h"

#include <fmt/format.h>

#include <iterator>

#include "base/html.h"

namespace paastech::ingress {
namespace {

struct Words {
  int status;
  std::string_view title;
  std::string_view detail;
  std::string_view next;
};

constexpr Words kWords[] = {
    {400, "Bad Request", "The request is malformed.", "Correct the client that sent it."},
    {404, "Not Found", "No application is served under this host name.",
     "Check the address, or run `paastech projects list` if the application is yours."},
    {405, "Method Not Allowed", "This method is not served here.", "Use another method."},
    {408, "Request Timeout", "The request did not arrive in time.", "Try again."},
    {413, "Content Too Large", "The request body is larger than this Service takes.", "Send less at once."},
    {414, "URI Too Long", "The address is over 8 KiB.", "Send the data in the body instead."},
    {417, "Expectation Failed", "The Expect header asks for something unknown.", "Leave the header out."},
    {431, "Request Header Fields Too Large", "The headers are over 32 KiB or 100 lines.",
     "Clear the cookies of this site, or send fewer headers."},
    {502, "Bad Gateway", "The application did not answer: its connection was refused, broke off or gave no valid HTTP.",
     "Try again in a moment. If the application is yours, `paastech logs` shows what it said."},
    {503, "Service Unavailable", "No instance of the application is ready at present.",
     "Try again in a few seconds. If the application is yours, `paastech ps` shows its instances."},
    {504, "Gateway Timeout", "The application took too long to answer.",
     "Try again. If the application is yours, `paastech logs` shows what it was doing."},
    {505, "HTTP Version Not Supported", "Only HTTP/1.1 and HTTP/1.0 are spoken here.", "Use one of these."},
};

const Words& words_of(int status) {
  for (const Words& words : kWords)
    if (words.status == status) return words;
  return kWords[0];
}

std::string escape_json(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out += '\\', out += c;
    else if (static_cast<unsigned char>(c) < 0x20)
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      out += c;
  }
  return out;
}

std::string html(const Words& words, const std::string& detail, std::string_view request_id) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>{0} {1}</title><style>body{{font:16px/1.5 system-ui,sans-serif;max-width:"
      "36rem;margin:15vh auto;padding:0 1rem;color:#223}}h1{{font-size:1.5rem}}small{{color:#667}}@media(prefers-color-"
      "scheme:dark){{body{{background:#15171c;color:#dde}}small{{color:#99a}}}}</style></head>\n<body><h1>{0} "
      "{1}</h1><p>{2}</p><p>{3}</p>{4}</body></html>\n",
      words.status, words.title, escape_html(detail), escape_html(words.next),
      request_id.empty() ? "" : fmt::format("<p><small>Request {}</small></p>", escape_html(request_id)));
}

std::string json(const Words& words, const std::string& detail, std::string_view request_id) {
  return fmt::format(
      "{{\"type\":\"about:blank\",\"title\":\"{}\",\"status\":{},\"detail\":\"{}\",\"hint\":\"{}\",\"request_id\":\"{}"
      "\"}}"
      "\n",
      words.title, words.status, escape_json(detail), escape_json(words.next), escape_json(request_id));
}

}  // namespace

PageKind page_kind(std::string_view accept) {
  if (accept.find("text/html") != std::string_view::npos) return PageKind::kHtml;
  if (accept.find("/json") != std::string_view::npos || accept.find("+json") != std::string_view::npos)
    return PageKind::kJson;
  return PageKind::kText;
}

void write_page(Buffer& out, const Page& page) {
  const Words& words = words_of(page.status);
  std::string detail(page.detail.empty() ? words.detail : page.detail);
  if (page.status == 404 && !page.host.empty()) detail = fmt::format("No application is served under {}.", page.host);
  if (detail.back() != '.') detail = fmt::format("The request was refused: {}.", detail);
  std::string body;
  std::string_view type = "text/plain; charset=utf-8";
  if (page.kind == PageKind::kHtml) {
    body = html(words, detail, page.request_id);
    type = "text/html; charset=utf-8";
  } else if (page.kind == PageKind::kJson) {
    body = json(words, detail, page.request_id);
    type = "application/problem+json";
  } else {
    body = fmt::format("{} {}\n{}\n{}\n", words.status, words.title, detail, words.next);
  }
  std::string head;
  auto to = std::back_inserter(head);
  fmt::format_to(to, "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n",
                 words.status, words.title, type, body.size());
  fmt::format_to(to, "X-Content-Type-Options: nosniff\r\n");
  if (!page.request_id.empty()) fmt::format_to(to, "X-Request-Id: {}\r\n", page.request_id);
  if (page.status == 503) fmt::format_to(to, "Retry-After: 5\r\n");
  if (page.status == 405) fmt::format_to(to, "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n");
  if (page.close) fmt::format_to(to, "Connection: close\r\n");
  if (page.keep_alive_10 && !page.close) fmt::format_to(to, "Connection: keep-alive\r\n");
  out.append(head);
  out.append("\r\n");
  if (!page.head_only) out.append(body);
}

}  // namespace paastech::ingress
