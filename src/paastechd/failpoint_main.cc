// What acts on failpoints (base/failpoint.h): linked into paastechd_faults, the program of the fault tests, alone.
//   PAASTECH_FAILPOINT=NAME or NAME:N   the process kills itself, as by kill -9, the N-th time it comes to NAME
//   PAASTECH_FAILPOINT_TRACE=FILE       every name it comes to is appended to the file, a line each
// And the contract that it is held to (api/contract):
//   PAASTECH_CONTRACT=FILE              instead of api/openapi.yaml
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>

#include "api/contract/embedded.h"
#include "base/files.h"

namespace {

void trace(const char* name) {
  static const char* const file = std::getenv("PAASTECH_FAILPOINT_TRACE");
  if (file == nullptr) return;
  const int descriptor = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return;
  const std::string line = std::string(name) + "\n";
  [[maybe_unused]] const ssize_t written = write(descriptor, line.data(), line.size());
  close(descriptor);
}

struct Chosen {
  std::string name;
  int times = 1;
};

Chosen chosen() {
  const char* text = std::getenv("PAASTECH_FAILPOINT");
  if (text == nullptr) return {};
  const char* colon = std::strchr(text, ':');
  if (colon == nullptr) return {text, 1};
  return {std::string(text, colon), std::atoi(colon + 1)};
}

}  // namespace

extern "C" void paastech_failpoint(const char* name) {
  static const Chosen one = chosen();
  static std::atomic<int> count = 0;
  trace(name);
  if (one.name == name && ++count == one.times) kill(getpid(), SIGKILL);
}

std::string_view paastech::embedded::other_openapi() {
  static const std::string text = [] {
    const char* file = std::getenv("PAASTECH_CONTRACT");
    return file == nullptr ? std::string() : paastech::read_file(file).value_or("unreadable");
  }();
  return text;
}
