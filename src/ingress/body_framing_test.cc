#include "ingress/body_framing.h"

#include <gtest/gtest.h>

#include <string>

namespace paastech::ingress {
namespace {

struct Read {
  std::string payload;
  std::size_t consumed = 0;
  bool done = false;
  bool bad = false;
};

// Feeds text `step` bytes at a time.
Read read_chunked(std::string_view text, std::size_t step) {
  BodyReader reader;
  reader.start(Framing::kChunked, 0);
  Read out;
  while (out.consumed < text.size() && !reader.done()) {
    const BodyReader::Step taken = reader.next(text.substr(out.consumed, step));
    if (taken.bad) {
      out.bad = true;
      return out;
    }
    out.payload += taken.payload;
    out.consumed += taken.consumed;
  }
  out.done = reader.done();
  return out;
}

TEST(ChunkedBody, IsReadWhereverItIsCut) {
  const std::string text =
      "5\r\nhello\r\n1;a=\"b\"\r\n \r\n00a\r\n0123456789\r\n0\r\nX-Trailer: 1\r\nY: 2\r\n\r\nGET /next";
  for (std::size_t step = 1; step <= text.size(); ++step) {
    const Read read = read_chunked(text, step);
    EXPECT_TRUE(read.done) << step;
    EXPECT_EQ(read.payload, "hello 0123456789") << step;
    EXPECT_EQ(text.substr(read.consumed), "GET /next") << step;
  }
}

TEST(ChunkedBody, IsRefusedWhenItCanBeReadTwoWays) {
  for (const std::string& text : {std::string("\r\n"),
                                  std::string("g\r\n"),
                                  std::string("-1\r\n"),
                                  std::string("+1\r\n"),
                                  std::string("0x1\r\n"),
                                  std::string(" 1\r\n"),
                                  std::string("1 \r\na\r\n"),
                                  std::string("1\na\r\n"),
                                  std::string("1\r\nab\r\n"),
                                  std::string("1\r\na\n"),
                                  std::string("1\r\na0\r\n"),
                                  std::string("1\ra"),
                                  std::string("ffffffffffffffff\r\n"),
                                  std::string("0000000000000001\r\na"),
                                  std::string("1;a\nb\r\na"),
                                  std::string("1;a\rb\r\na"),
                                  std::string("1;\0\r\n", 5),
                                  std::string("0\r\nX: 1\n\r\n"),
                                  std::string("0\r\nX: 1\rY\r\n"),
                                  std::string("0\r\n\n"),
                                  "1;" + std::string(300, 'x') + "\r\na\r\n",
                                  "0\r\nX: " + std::string(9000, 'x') + "\r\n\r\n"}) {
    EXPECT_TRUE(read_chunked(text, text.size()).bad) << text.substr(0, 40);
    EXPECT_TRUE(read_chunked(text, 1).bad) << text.substr(0, 40);
  }
}

TEST(LengthBody, EndsAtItsLength) {
  BodyReader reader;
  reader.start(Framing::kLength, 5);
  EXPECT_EQ(reader.next("hel").payload, "hel");
  EXPECT_FALSE(reader.done());
  const BodyReader::Step last = reader.next("loGET");
  EXPECT_EQ(last.payload, "lo");
  EXPECT_EQ(last.consumed, 2u);
  EXPECT_TRUE(reader.done());
  reader.start(Framing::kLength, 0);
  EXPECT_TRUE(reader.done());
}

TEST(WriteBody, MakesChunksThatReadBack) {
  BufferPool pool;
  Buffer out(pool);
  std::string sent;
  for (const std::size_t n : {1u, 15u, 16u, 255u, 4096u, 70'000u}) {
    const std::string part(n, static_cast<char>('a' + n % 26));
    write_body(out, Framing::kChunked, part);
    sent += part;
  }
  write_body(out, Framing::kChunked, "");  // an empty chunk would end the body
  end_body(out, Framing::kChunked);
  const Read read = read_chunked(out.view(), 1000);
  EXPECT_TRUE(read.done);
  EXPECT_EQ(read.payload, sent);
}

TEST(BufferPool, TakesBackWhatBuffersHeld) {
  BufferPool pool;
  {
    Buffer buffer(pool);
    buffer.append(std::string(100, 'a'));
    EXPECT_EQ(pool.in_use(), 1024u);
    buffer.append(std::string(5000, 'b'));
    buffer.consume(100);
    EXPECT_EQ(buffer.view(), std::string(5000, 'b'));
    buffer.append(std::string(200'000, 'c'));
    EXPECT_EQ(buffer.view(), std::string(5000, 'b') + std::string(200'000, 'c'));
  }
  EXPECT_EQ(pool.in_use(), 0u);
}

}  // namespace
}  // namespace paastech::ingress
