#include "pomegranate/output_meter.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace paastech::pomegranate {
namespace {

std::string frame(int stream, std::string_view payload) {
  std::string out(8, '\0');
  out[0] = static_cast<char>(stream);
  for (int i = 0; i < 4; ++i) out[7 - static_cast<std::size_t>(i)] = static_cast<char>(payload.size() >> (8 * i));
  return out + std::string(payload);
}

TEST(OutputMeter, WhatWasWrittenIsAsMuchAsTheLinesGivenOutHoweverItWasFramed) {
  const std::vector<std::string> lines{"one", "", "a\rb\r\rc", std::string(300, 'x'), "last"};
  std::string written;
  std::int64_t given = 0;
  for (const std::string& line : lines) {
    written += line + (line == "one" ? "\r\n" : "\n");
    given += kept_bytes(line);
  }
  std::string line_by_line;
  for (const std::string& line : lines) line_by_line += frame(1 + (line.size() % 2), line + "\n");
  for (const std::string& stream : {frame(1, written), line_by_line, frame(1, "") + frame(2, written)}) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, stream.size()}) {
      OutputMeter meter;
      for (std::size_t at = 0; at < stream.size(); at += piece) meter.add(std::string_view(stream).substr(at, piece));
      EXPECT_EQ(meter.kept(), given) << "in pieces of " << piece;
      EXPECT_GE(meter.written(), static_cast<std::int64_t>(written.size()) - 1);
    }
  }
}

}  // namespace
}  // namespace paastech::pomegranate
