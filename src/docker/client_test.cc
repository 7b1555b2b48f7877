#include "docker/client.h"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>

namespace paastech::docker {
namespace {

TEST(DockerVersion, TakesTheNewestBothKnow) {
  EXPECT_EQ(*choose_version({1, 12}, {1, 41}), (ApiVersion{1, 41}));
  EXPECT_EQ(*choose_version({1, 44}, {1, 99}), kNewestApi);
}

TEST(DockerVersion, RefusesAnEngineThatIsTooOldOrTooNew) {
  const auto old = choose_version({1, 12}, {1, 40});
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().code, Code::kFailedPrecondition);
  EXPECT_NE(old.error().message.find("1.40"), std::string::npos);
  EXPECT_FALSE(choose_version({1, 52}, {1, 60}));
}

TEST(DockerVersion, ParsesOnlyVersions) {
  EXPECT_EQ(*parse_version("1.41"), (ApiVersion{1, 41}));
  for (const char* bad : {"", "1", "1.", "x.1", "1.41x", "1.4.1"}) EXPECT_FALSE(parse_version(bad)) << bad;
}

TEST(DockerQuery, EncodesWhatCouldEndAParameter) {
  EXPECT_EQ(query_string({}), "");
  EXPECT_EQ(query_string({{"a", "x&b=c d"}, {"f", "{\"l\":1}"}}), "?a=x%26b%3Dc%20d&f=%7B%22l%22:1%7D");
}

// Takes connections into its backlog and never says a word.
class Hung {
 public:
  Hung() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_ = ::testing::TempDir() + "hung-" + std::to_string(::getpid()) + ".sock";
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    ::unlink(path_.c_str());
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd_, 8), 0);
  }
  Hung(const Hung&) = delete;
  Hung& operator=(const Hung&) = delete;
  ~Hung() {
    ::close(fd_);
    ::unlink(path_.c_str());
  }
  const std::string& path() const { return path_; }

 private:
  int fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::string path_;
};

TEST(DockerClient, AnEngineThatHangsIsGivenUpAndSaidToBeDown) {
  const Hung hung;
  Client client(hung.path());
  struct Body {
    static net::Task<void> go(Client* client, std::string path, std::optional<Status>* out) {
      const net::HttpClient http(net::Endpoint{.unix_path = path});
      net::HttpRequest request;
      request.target = "/events";
      auto exchange = co_await http.open(std::move(request), false);
      if (!exchange) co_return;
      Status head = co_await client->check_head(exchange->get(), std::chrono::milliseconds(50));
      *out = head;
    }
  };
  boost::asio::io_context loop;
  std::optional<Status> head;
  boost::asio::co_spawn(loop, Body::go(&client, hung.path(), &head), [](std::exception_ptr) {});
  loop.run_for(std::chrono::seconds(20));
  ASSERT_TRUE(head && !*head);
  EXPECT_EQ(head->error().code, Code::kUnavailable);
  EXPECT_NE(head->error().message.find("no answer in time"), std::string::npos) << head->error().message;
}

TEST(DockerClient, ALateAnswerMeansThatTheEngineIsDown) {
  Client client("/x/docker.sock");
  EXPECT_EQ(client.lost({Code::kDeadlineExceeded, "late"}).code, Code::kUnavailable);
  EXPECT_EQ(client.lost({Code::kCancelled, "c"}).code, Code::kCancelled);
}

}  // namespace
}  // namespace paastech::docker
