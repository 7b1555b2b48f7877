#pragma once
// For tests: a real image registry (Debian's docker-registry) on a loopback port of its own, with or without a
// password.
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace paastech::pomegranate {

class Registry {
 public:
  // A line of htpasswd for "someone" and "right-password", by bcrypt with the least cost.
  static constexpr const char* kUser = "someone";
  static constexpr const char* kPassword = "right-password";
  static constexpr const char* kLine = "someone:$2y$05$tQrFjERze/1LFgJLSpZWYORjHsbu4bxpcwRhLSqwiC2Qnp/iOV/uC\n";

  Registry(std::filesystem::path folder, bool with_password) : folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
    std::ofstream(folder_ / "passwords") << kLine;
    port_ = free_port();
    std::ofstream config(folder_ / "config.yml");
    config << "version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: " << (folder_ / "data").string()
           << "}}\nhttp: {addr: '" << address() << "'}\n";
    if (with_password) config << "auth: {htpasswd: {realm: test, path: " << (folder_ / "passwords").string() << "}}\n";
    config.close();
    const std::string file = (folder_ / "config.yml").string();
    std::vector<std::string> words{"docker-registry", "serve", file};
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    if (::posix_spawnp(&process_, argv[0], &actions, nullptr, argv.data(), environ) != 0) process_ = -1;
    ::posix_spawn_file_actions_destroy(&actions);
  }
  ~Registry() {
    stop();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;
  void stop() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = -1;
  }
  bool was_started() const { return process_ > 0; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  bool answers() const {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to = loopback(port_);
    const bool open = ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
    ::close(fd);
    return open;
  }

 private:
  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
  }
  static std::uint16_t free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                       ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    ::close(fd);
    return bound ? ntohs(address.sin_port) : 0;
  }
  std::filesystem::path folder_;
  std::uint16_t port_ = 0;
  pid_t process_ = -1;
};

}  // namespace paastech::pomegranate
