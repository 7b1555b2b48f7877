#include "api/pages/page.h"

#include <fmt/format.h>

#include "api/query.h"
#include "api/text_out.h"
#include "base/html.h"
#include "base/ids.h"
#include "base/text.h"
#include "domain/names.h"

namespace paastech::api {
namespace {

// Colours: at least 4.5:1 for text and 3:1 for borders in both schemes (WCAG 2.2, 1.4.3 and 1.4.11); targets are at
// least 24 px high (2.5.8).
constexpr std::string_view kStyle =
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:30rem;margin:3rem auto;padding:0 1rem;color:#1b1b1f;"
    "background:#fff}"
    "label{display:block;font-weight:600;margin-top:1rem}"
    "input,button{font:inherit;padding:.5rem;border:1px solid #6b6b76;border-radius:.25rem;box-sizing:border-box}"
    "input{width:100%;color:inherit;background:transparent}"
    "button{margin-top:1.5rem;padding:.5rem 1.25rem;background:#1f4fbf;color:#fff;border-color:#1f4fbf}"
    "small{display:block;color:#55555f}"
    "[role=alert]{border-left:.25rem solid #b3261e;padding:.5rem 1rem;background:#fbeceb}"
    "a{color:#1f4fbf}"
    "@media(prefers-color-scheme:dark){body{color:#e6e6ea;background:#16161a}small{color:#b4b4be}a{color:#9db9ff}"
    "[role=alert]{background:#3a1b19}input{border-color:#9a9aa6}}";

// The one thing that a page of ours may load is the style sheet in it, named by its hash (CSP level 3, section 6.7.3).
const std::string& content_security_policy() {
  static const std::string policy = fmt::format(
      "default-src 'none'; style-src 'sha256-{}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
      base64(sha256(kStyle)));
  return policy;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string kept;
  for (const char c : valid_utf8(text))
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) kept += c;
  return escape_html(kept);
}

net::HttpResponse page(int status, std::string_view title, const std::string& body) {
  net::HttpResponse response;
  response.status = status;
  response.headers.add("Content-Type", "text/html; charset=utf-8");
  response.headers.add("Content-Security-Policy", content_security_policy());
  // The address of some of them holds a secret, so other sites must not see it. With no-referrer a browser would send
  // our own forms with `Origin: null` (Fetch standard, "append a request Origin header").
  response.headers.add("Referrer-Policy", "same-origin");
  response.body = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{0} – PaaSTech</title>"
      "<style>{1}</style></head>\n<body><main><h1>{0}</h1>\n{2}</main></body></html>\n",
      escaped(title), kStyle, body);
  return response;
}

net::HttpResponse error_page(int status, const Error& error) {
  return page(status, "That did not work", refusal(error));
}

std::string input(const Input& field) {
  const std::string hint_id = std::string(field.name) + "-hint";
  std::string out = fmt::format("<label for=\"{0}\">{1}</label>\n", escaped(field.name), escaped(field.label));
  out += fmt::format("<input id=\"{0}\" name=\"{0}\" type=\"{1}\" autocomplete=\"{2}\" value=\"{3}\" required",
                     escaped(field.name), escaped(field.type), escaped(field.autocomplete), escaped(field.value));
  if (!field.hint.empty()) out += fmt::format(" aria-describedby=\"{}\"", escaped(hint_id));
  out += ">\n";
  if (!field.hint.empty()) out += fmt::format("<small id=\"{}\">{}</small>\n", escaped(hint_id), escaped(field.hint));
  return out;
}

std::string hidden(std::string_view name, std::string_view value) {
  return fmt::format("<input type=\"hidden\" name=\"{}\" value=\"{}\">\n", escaped(name), escaped(value));
}

std::string form(std::string_view action, const std::string& fields, std::string_view button) {
  return fmt::format("<form method=\"post\" action=\"{}\">\n{}<button type=\"submit\">{}</button>\n</form>\n",
                     escaped(action), fields, escaped(button));
}

std::string refusal(const Error& error) {
  std::string out = fmt::format("<div role=\"alert\"><p>{}</p>", escaped(error.message));
  if (!error.hint.empty()) out += fmt::format("<p>{}</p>", escaped(error.hint));
  return out + "</div>\n";
}

Result<boost::json::object> parse_form(std::string_view text) {
  boost::json::object out;
  for (const std::string& pair : split(text, '&')) {
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    TRY_ASSIGN(const std::string name, decode_form(std::string_view(pair).substr(0, equals)));
    TRY_ASSIGN(const std::string value,
               decode_form(equals == std::string::npos ? "" : std::string_view(pair).substr(equals + 1)));
    if (!is_utf8(name) || !is_utf8(value)) return fail(Code::kInvalidArgument, "the form is not UTF-8");
    if (!out.emplace(name, value).second)
      return fail(Code::kInvalidArgument, "the form has the field `" + safe_line(name) + "` twice");
  }
  return out;
}

}  // namespace paastech::api
