#pragma once
// A QR code (ISO/IEC 18004) in characters, two modules above each other in one. Pure.
#include <string>

#include "base/result.h"

namespace paastech::cli {

Result<std::string> qr_code(const std::string& text);  // kInvalidArgument: too long for one

}  // namespace paastech::cli
