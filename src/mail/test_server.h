#pragma once
// The SMTP server of tests/support/smtp_server.py as a child, with a folder of its own. It ends with the test, however
// that ends: its standard input is ours. Also a socket that is not a mail server.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace paastech::mail {

inline std::string read_all(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class SmtpServer {
 public:
  explicit SmtpServer(std::vector<std::string> arguments = {}) {
    std::string pattern = (std::filesystem::temp_directory_path() / "pt-mail-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    arguments.insert(arguments.begin(), {"/usr/bin/python3", PAASTECH_SMTP_SERVER, folder_.string()});
    start(arguments);
  }
  SmtpServer(const SmtpServer&) = delete;
  SmtpServer& operator=(const SmtpServer&) = delete;
  ~SmtpServer() {
    if (input_ >= 0) ::close(input_);
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  int port() const { return port_; }
  std::string certificate() const { return folder_ / "cert.pem"; }
  // What was taken so far, in its order. A mail is there before the server says that it took it.
  std::vector<boost::json::object> mails() const {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(folder_))
      if (entry.path().extension() == ".json") paths.push_back(entry.path());
    std::ranges::sort(paths);
    std::vector<boost::json::object> mails;
    for (const auto& path : paths) mails.push_back(boost::json::parse(read_all(path)).as_object());
    return mails;
  }

 private:
  void start(const std::vector<std::string>& arguments) {
    int in[2];
    int out[2];
    ASSERT_EQ(::pipe2(in, O_CLOEXEC), 0);
    ASSERT_EQ(::pipe2(out, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    std::vector<char*> words;
    for (const std::string& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    const int error = ::posix_spawn(&pid_, words[0], &actions, nullptr, words.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(in[0]);
    ::close(out[1]);
    input_ = in[1];
    std::string line;
    for (char c = 0; error == 0 && ::read(out[0], &c, 1) == 1 && c != '\n';) line += c;
    ::close(out[0]);
    ASSERT_FALSE(line.empty()) << "the SMTP server did not start; scripts/install-packages test";
    port_ = std::stoi(line);
  }

  std::filesystem::path folder_;
  pid_t pid_ = -1;
  int input_ = -1;
  int port_ = 0;
};

// Takes connections and says nothing. With listening false: a port on which nobody listens, kept from others.
class DeafServer {
 public:
  explicit DeafServer(bool listening) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), length), 0);
    if (listening) {
      EXPECT_EQ(::listen(socket_, 4), 0);
    }
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
  }
  DeafServer(const DeafServer&) = delete;
  DeafServer& operator=(const DeafServer&) = delete;
  ~DeafServer() { ::close(socket_); }
  int port() const { return port_; }

 private:
  int socket_ = -1;
  int port_ = 0;
};

}  // namespace paastech::mail
