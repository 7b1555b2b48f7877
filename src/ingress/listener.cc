#include "ingress/listener.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace paastech::ingress {
namespace {

std::unexpected<Error> bind_error(int code, const std::string& address, int port) {
  const std::string what =
      fmt::format("the ingress cannot listen on {} port {}: {}", address, port, std::generic_category().message(code));
  if (code == EADDRINUSE)
    return fail(Code::kAlreadyExists, what, "stop what uses that port, or set PAASTECH_HTTP_PORT");
  if (code == EACCES)
    return fail(Code::kPermissionDenied, what, "take a port from 1024 up, or give CAP_NET_BIND_SERVICE");
  return fail(Code::kFailedPrecondition, what, "set the ingress's address to one of this machine's");
}

// share: let the other loops listen on the same port.
Result<int> open_one(const Address& where, const std::string& text, int port, bool share) {
  const int fd = ::socket(where.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return bind_error(errno, text, port);
  const int one = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (share) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
  if (::bind(fd, where.get(), where.length) != 0 || ::listen(fd, SOMAXCONN) != 0) {
    const int code = errno;
    ::close(fd);
    return bind_error(code, text, port);
  }
  return fd;
}

}  // namespace

std::uint16_t port_of(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length);
  return ntohs(storage.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port
                                             : reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
}

Result<std::vector<int>> open_listeners(const std::string& address, std::uint16_t port, int count) {
  TRY_ASSIGN(Address where, parse_address(address, port));
  if (port != 0) {
    // Two routers of one user would silently share a port they both open for sharing; one that is not says so.
    TRY_ASSIGN(const int probe, open_one(where, address, port, false));
    ::close(probe);
  }
  std::vector<int> out;
  for (int i = 0; i < count; ++i) {
    const Result<int> fd = open_one(where, address, port, true);
    if (!fd) {
      for (const int open : out) ::close(open);
      return std::unexpected(fd.error());
    }
    out.push_back(*fd);
    if (port == 0) {
      port = port_of(*fd);
      TRY_ASSIGN(where, parse_address(address, port));
    }
  }
  return out;
}

}  // namespace paastech::ingress
