#pragma once
// What the pre-receive hook program and the git role say to each other over the unix socket. Frames: one byte of type,
// four bytes of length (big endian), the body. The hook sends one Request; the role answers any number of Lines and
// then exactly one of Accept and Reject. Header only and POSIX only, so that the hook stays small. Calls block; false:
// the other side is gone or broke the bounds.
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace paastech::git::hook {

inline constexpr char kRequest = 'Q';  // token \n quarantine folder, may be empty \n the lines of githooks(5)
inline constexpr char kLine = 'L';     // for the Client's terminal, without newline
inline constexpr char kAccept = 'A';
inline constexpr char kReject = 'R';
inline constexpr std::size_t kMaxRequest = 1 << 20;  // 2,000 refs of 290 bytes fit
inline constexpr std::size_t kMaxLine = 16 << 10;
inline constexpr const char* kSocketVariable = "PAASTECH_HOOK_SOCKET";
inline constexpr const char* kTokenVariable = "PAASTECH_HOOK_TOKEN";

inline bool send_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t n = ::send(fd, data, size, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    data += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

inline bool receive_all(int fd, char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t n = ::recv(fd, data, size, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    data += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

inline bool send_frame(int fd, char type, std::string_view body) {
  const std::uint32_t size = static_cast<std::uint32_t>(body.size());
  std::string frame{type, static_cast<char>(size >> 24), static_cast<char>(size >> 16), static_cast<char>(size >> 8),
                    static_cast<char>(size)};
  frame += body;
  return send_all(fd, frame.data(), frame.size());
}

inline bool receive_frame(int fd, char& type, std::string& body, std::size_t limit) {
  unsigned char head[5];
  if (!receive_all(fd, reinterpret_cast<char*>(head), sizeof head)) return false;
  const std::size_t size =
      std::size_t{head[1]} << 24 | std::size_t{head[2]} << 16 | std::size_t{head[3]} << 8 | head[4];
  if (size > limit) return false;
  type = static_cast<char>(head[0]);
  body.resize(size);
  return receive_all(fd, body.data(), size);
}

}  // namespace paastech::git::hook
