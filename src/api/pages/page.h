#pragma once
// The small pages that logins and mailed links need until the web application is there: server-made, without script,
// readable by any browser and screen reader (WCAG 2.2). Pure. Whatever is not ours goes through escaped().
#include <boost/json.hpp>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http.h"

namespace paastech::api {

std::string escaped(std::string_view text);  // for HTML text and quoted attributes; control characters are dropped

// A whole page; `body` is HTML. Strict Content-Security-Policy: no script, no foreign content, forms to ourselves only.
net::HttpResponse page(int status, std::string_view title, const std::string& body);
// A page that says what happened, why, and what to do next.
net::HttpResponse error_page(int status, const Error& error);

// Pieces of a form. `name` is also the element's id.
struct Input {
  std::string_view name;
  std::string_view label;
  std::string_view type = "text";         // of HTML's input
  std::string_view autocomplete = "off";  // HTML's autofill name: username, current-password, one-time-code …
  std::string value = {};
  std::string hint = {};  // one sentence below the label
};
std::string input(const Input& field);
std::string hidden(std::string_view name, std::string_view value);
std::string form(std::string_view action, const std::string& fields, std::string_view button);
// role=alert, above a form that was refused.
std::string refusal(const Error& error);

// Body of application/x-www-form-urlencoded as the JSON object that class Body reads (all values are strings);
// kInvalidArgument: badly escaped, no UTF-8, or a name twice.
Result<boost::json::object> parse_form(std::string_view text);

}  // namespace paastech::api
