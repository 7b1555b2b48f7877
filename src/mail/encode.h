#pragma once
// The encodings of a mail, pure. The input is UTF-8 that the caller has checked.
#include <cstdint>
#include <string>
#include <string_view>

namespace paastech::mail {

// A body as quoted-printable (RFC 2045 section 6.7) in lines of at most 76 characters that end with CRLF. Also a dot or
// "From " at the begin of a line is encoded, so that no server on the way has a reason to change it.
std::string quoted_printable(std::string_view text);
// Encoded words (RFC 2047) of at most 64 characters, each of whole characters, folded by CRLF and a space.
std::string encoded_words(std::string_view text);
std::string header_text(std::string_view text);  // as it is where it is short, plain ASCII; else encoded words
std::string date_header(std::int64_t ms);        // "Sat, 31 Jan 2026 12:00:00 +0000" (RFC 5322 section 3.3)

}  // namespace paastech::mail
