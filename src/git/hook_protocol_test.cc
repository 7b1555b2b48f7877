#include "git/hook_protocol.h"

#include <gtest/gtest.h>

namespace paastech::git::hook {
namespace {

class HookProtocol : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0); }
  void TearDown() override {
    for (const int end : ends) ::close(end);
  }
  int ends[2];
  char type = 0;
  std::string body;
};

TEST_F(HookProtocol, CarriesFramesOfAnyBytes) {
  const std::string bytes("a\n\0b", 4);
  ASSERT_TRUE(send_frame(ends[0], kLine, bytes));
  ASSERT_TRUE(send_frame(ends[0], kAccept, ""));
  ASSERT_TRUE(receive_frame(ends[1], type, body, kMaxLine));
  EXPECT_EQ(type, kLine);
  EXPECT_EQ(body, bytes);
  ASSERT_TRUE(receive_frame(ends[1], type, body, kMaxLine));
  EXPECT_EQ(type, kAccept);
}

TEST_F(HookProtocol, RefusesAFrameOverTheBoundBeforeReadingIt) {
  ASSERT_TRUE(send_all(ends[0], "Q\xff\xff\xff\xff", 5));
  EXPECT_FALSE(receive_frame(ends[1], type, body, kMaxRequest));
}

TEST_F(HookProtocol, TellsACutOffFrame) {
  ASSERT_TRUE(send_all(ends[0], "Q\0\0\0\4ab", 7));
  ::shutdown(ends[0], SHUT_WR);
  EXPECT_FALSE(receive_frame(ends[1], type, body, kMaxRequest));
}

}  // namespace
}  // namespace paastech::git::hook
