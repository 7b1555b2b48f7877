#include "ingress/body_framing.h"

#include <algorithm>
#include <charconv>

namespace paastech::ingress {

void BodyReader::start(Framing framing, std::uint64_t length) {
  *this = BodyReader();
  framing_ = framing;
  left_ = framing == Framing::kLength ? length : 0;
  done_ = framing == Framing::kNone || (framing == Framing::kLength && length == 0);
}

BodyReader::Step BodyReader::next(std::string_view data) {
  if (done_ || data.empty()) return {};
  if (framing_ == Framing::kUntilClose) {
    total_ += data.size();
    return {data.size(), data};
  }
  if (framing_ == Framing::kLength || state_ == State::kData) return take_data(data);
  std::size_t i = 0;
  while (i < data.size() && !done_ && state_ != State::kData)
    if (!take_control(data[i++])) return {i, {}, true};
  return {i, {}};
}

BodyReader::Step BodyReader::take_data(std::string_view data) {
  const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, data.size()));
  left_ -= n;
  total_ += n;
  if (left_ == 0) {
    if (framing_ == Framing::kLength)
      done_ = true;
    else
      state_ = State::kDataCr;
  }
  return {n, data.substr(0, n)};
}

bool BodyReader::take_size(char c) {
  int digit = -1;
  if (c >= '0' && c <= '9') digit = c - '0';
  if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
  if (c >= 'A' && c <= 'F') digit = c - 'A' + 10;
  if (digit >= 0) {
    left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
    return ++digits_ <= 15;  // 15 hex digits cannot overflow 64 bits
  }
  if (digits_ == 0) return false;
  extra_ = 0;
  if (c == '\r')
    state_ = State::kSizeLf;
  else if (c == ';')
    state_ = State::kExtension;
  else
    return false;
  return true;
}

bool BodyReader::take_trailer(char c) {
  if (++extra_ > kMaxTrailers) return false;
  if (c == '\r') {
    state_ = line_empty_ ? State::kEndLf : State::kTrailerLf;
    return true;
  }
  line_empty_ = false;
  return static_cast<unsigned char>(c) >= 0x20 || c == '\t';
}

bool BodyReader::take_control(char c) {
  switch (state_) {
    case State::kSize: return take_size(c);
    case State::kExtension:
      if (c == '\r') state_ = State::kSizeLf;
      return c == '\r' || ((static_cast<unsigned char>(c) >= 0x20 || c == '\t') && ++extra_ <= kMaxExtension);
    case State::kSizeLf:
      extra_ = 0;
      line_empty_ = true;
      state_ = left_ == 0 ? State::kTrailer : State::kData;
      return c == '\n';
    case State::kDataCr: state_ = State::kDataLf; return c == '\r';
    case State::kDataLf:
      digits_ = 0;
      left_ = 0;
      state_ = State::kSize;
      return c == '\n';
    case State::kTrailer: return take_trailer(c);
    case State::kTrailerLf:
      line_empty_ = true;
      state_ = State::kTrailer;
      return c == '\n';
    case State::kEndLf: done_ = true; return c == '\n';
    case State::kData: break;
  }
  return false;
}

void write_body(Buffer& out, Framing framing, std::string_view payload) {
  if (payload.empty()) return;
  if (framing != Framing::kChunked) {
    out.append(payload);
    return;
  }
  char* p = out.prepare(payload.size() + 24);
  char* const start = p;
  p = std::to_chars(p, p + 16, payload.size(), 16).ptr;
  *p++ = '\r';
  *p++ = '\n';
  std::memcpy(p, payload.data(), payload.size());
  p += payload.size();
  *p++ = '\r';
  *p++ = '\n';
  out.commit(static_cast<std::size_t>(p - start));
}

void end_body(Buffer& out, Framing framing) {
  if (framing == Framing::kChunked) out.append("0\r\n\r\n");
}

}  // namespace paastech::ingress
