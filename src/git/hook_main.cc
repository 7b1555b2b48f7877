// The pre-receive hook of every repository: hands the push's ref lines to the git role over its unix socket, prints
// each line of the answer at once (the Client's git shows it as `remote: …`) and exits with the verdict. Without a
// verdict the push is rejected. It decides nothing itself.
#include <sys/un.h>

#include <cstdlib>
#include <cstring>

#include "git/hook_protocol.h"

namespace hook = paastech::git::hook;

namespace {

void print(std::string line) {
  line += '\n';
  const char* data = line.data();
  std::size_t left = line.size();
  while (left > 0) {
    const ssize_t n = ::write(STDERR_FILENO, data, left);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // nobody reads any more; the verdict still counts
    data += n;
    left -= static_cast<std::size_t>(n);
  }
}

int reject(const char* why, const char* hint) {
  print(std::string("error: ") + why);
  print(std::string("hint: ") + hint);
  return 1;
}

int connect_to(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (std::strlen(path) >= sizeof address.sun_path) return -1;
  std::strcpy(address.sun_path, path);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  if (fd >= 0) ::close(fd);
  return -1;
}

// False: more than a request may hold.
bool read_lines(std::string& out) {
  char buffer[4096];
  while (true) {
    const ssize_t n = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return true;
    out.append(buffer, static_cast<std::size_t>(n));
    if (out.size() > hook::kMaxRequest) return false;
  }
}

}  // namespace

int main() {
  const char* socket = std::getenv(hook::kSocketVariable);
  const char* token = std::getenv(hook::kTokenVariable);
  const char* quarantine = std::getenv("GIT_QUARANTINE_PATH");
  if (socket == nullptr || token == nullptr)
    return reject("this repository belongs to PaaSTech and takes pushes only through its git role",
                  "push to the project's ssh:// address");
  std::string request = std::string(token) + '\n' + (quarantine != nullptr ? quarantine : "") + '\n';
  if (!read_lines(request) || request.size() > hook::kMaxRequest)
    return reject("the push updates too many refs at once", "push the branches you need by name");
  const int fd = connect_to(socket);
  if (fd < 0 || !hook::send_frame(fd, hook::kRequest, request))
    return reject("PaaSTech's git role does not answer; nothing was changed", "push again in a moment");
  char type = 0;
  std::string body;
  while (hook::receive_frame(fd, type, body, hook::kMaxLine)) {
    if (type == hook::kLine) print(body);
    if (type == hook::kAccept) return 0;
    if (type == hook::kReject) return 1;
  }
  return reject("PaaSTech's git role went away before it gave a verdict; the branch was not moved",
                "see `paastech deployments list` for what became of it, then push again");
}
