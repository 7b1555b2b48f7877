#include "cli/qr_code.h"

#include <qrencode.h>

#include <memory>

namespace paastech::cli {

// Dark modules are drawn as blanks and light ones as blocks: right on a dark terminal, and readers take it the other
// way round as well. A quiet zone of two modules is enough for them on a screen.
Result<std::string> qr_code(const std::string& text) {
  constexpr int kQuiet = 2;
  const std::unique_ptr<QRcode, decltype(&QRcode_free)> code(QRcode_encodeString8bit(text.c_str(), 0, QR_ECLEVEL_L),
                                                             &QRcode_free);
  if (!code) return fail(Code::kInvalidArgument, "the text is too long for a QR code");
  const int width = code->width;
  const auto light = [&](int x, int y) {
    if (x < 0 || y < 0 || x >= width || y >= width) return true;
    return (code->data[y * width + x] & 1) == 0;
  };
  std::string out;
  for (int y = -kQuiet; y < width + kQuiet; y += 2) {
    for (int x = -kQuiet; x < width + kQuiet; ++x) {
      const bool above = light(x, y);
      const bool below = light(x, y + 1);
      out += above && below ? "\u2588" : above ? "\u2580" : below ? "\u2584" : " ";
    }
    out += '\n';
  }
  return out;
}

}  // namespace paastech::cli
