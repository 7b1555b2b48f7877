#include "base/unicode.h"

#include <sodium.h>
#include <utf8proc.h>

#include <cstdlib>

namespace paastech {

std::string composed(std::string_view text) {
  utf8proc_uint8_t* out = nullptr;
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                   &out, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  if (size < 0) return std::string(text);
  std::string made(reinterpret_cast<const char*>(out), static_cast<std::size_t>(size));
  sodium_memzero(out, static_cast<std::size_t>(size));
  std::free(out);
  return made;
}

}  // namespace paastech
