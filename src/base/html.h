#pragma once
// Text inside HTML. Pure.
#include <string>
#include <string_view>

namespace paastech {

// Safe as content of an element and inside a quoted attribute: < > & " ' become character references (HTML 13.1.4).
std::string escape_html(std::string_view text);

}  // namespace paastech
