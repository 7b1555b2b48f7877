#pragma once
// Where the same text can be written in several ways. Thread: any.
#include <string>
#include <string_view>

namespace paastech {

// Unicode's composed form (NFC; RFC 8265 section 4.2.1), for keyboards of one system send "é" as one character and
// those of another as two. What is no UTF-8 stays as it is. No other copy of the text is left in memory.
std::string composed(std::string_view text);

}  // namespace paastech
