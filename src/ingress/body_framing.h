#pragma once
// Where a message body ends, read strictly, and how it is framed again (RFC 9112 sections 6 and 7). Chunk extensions
// and trailers are checked and dropped. Pure, no allocation. Thread: any; an object belongs to one message.
#include <cstdint>
#include <string_view>

#include "ingress/buffer.h"

namespace paastech::ingress {

enum class Framing : std::uint8_t { kNone, kLength, kChunked, kUntilClose };

class BodyReader {
 public:
  void start(Framing framing, std::uint64_t length);
  // Takes bytes from the front of data: `consumed` of them, of which `payload` (maybe empty) belongs to the body.
  struct Step {
    std::size_t consumed = 0;
    std::string_view payload = {};
    bool bad = false;
  };
  Step next(std::string_view data);
  bool done() const { return done_; }
  Framing framing() const { return framing_; }
  std::uint64_t total() const { return total_; }  // payload bytes so far

 private:
  static constexpr std::uint32_t kMaxExtension = 256;      // bytes a chunk; nobody uses them
  static constexpr std::uint32_t kMaxTrailers = 8 * 1024;  // bytes in all
  enum class State : std::uint8_t { kSize, kExtension, kSizeLf, kData, kDataCr, kDataLf, kTrailer, kTrailerLf, kEndLf };
  Step take_data(std::string_view data);
  bool take_control(char c);  // one byte of chunked framing; false: malformed
  bool take_size(char c);
  bool take_trailer(char c);

  Framing framing_ = Framing::kNone;
  State state_ = State::kSize;
  bool done_ = true;
  bool line_empty_ = true;
  std::uint32_t digits_ = 0;
  std::uint32_t extra_ = 0;  // extension bytes of this chunk, or trailer bytes
  std::uint64_t left_ = 0;
  std::uint64_t total_ = 0;
};

// Appends payload as the framing wants it: bare, or as one chunk.
void write_body(Buffer& out, Framing framing, std::string_view payload);
void end_body(Buffer& out, Framing framing);

}  // namespace paastech::ingress
