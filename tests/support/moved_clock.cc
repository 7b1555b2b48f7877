// Loaded into a program by LD_PRELOAD: its time of day is away from the right one by the seconds in the file
// PAASTECH_TEST_CLOCK, eight bytes that may change at any time. Steady clocks stay as they are. libfaketime will not
// do: gRPC waits by bare futexes until a time of day, which it leaves as they are.
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

const volatile std::int64_t* map_offset() {
  static const std::int64_t none = 0;
  const char* file = std::getenv("PAASTECH_TEST_CLOCK");
  const int descriptor = file == nullptr ? -1 : open(file, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return &none;
  const void* mapped = mmap(nullptr, sizeof none, PROT_READ, MAP_SHARED, descriptor, 0);
  close(descriptor);
  return mapped == MAP_FAILED ? &none : static_cast<const volatile std::int64_t*>(mapped);
}

std::int64_t offset() {
  static const volatile std::int64_t* const seconds = map_offset();
  return *seconds;
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* out) noexcept {
  static auto* const real = next<int(clockid_t, timespec*)>("clock_gettime");
  const int result = real(clock, out);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) out->tv_sec += offset();
  return result;
}

extern "C" int gettimeofday(timeval* out, void*) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  *out = {now.tv_sec, now.tv_nsec / 1000};
  return 0;
}

extern "C" time_t time(time_t* out) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}

// A wait until a time of day notices, as the kernel's does, that the clock was moved meanwhile: it is done in slices.
extern "C" long syscall(long number, ...) noexcept {
  static auto* const real = next<long(long, ...)>("syscall");
  va_list list;
  va_start(list, number);
  long values[6];
  for (long& value : values) value = va_arg(list, long);
  va_end(list);
  const bool timed = number == SYS_futex && (values[1] & FUTEX_CLOCK_REALTIME) != 0 && values[3] != 0;
  if (!timed) return real(number, values[0], values[1], values[2], values[3], values[4], values[5]);
  const timespec until = *reinterpret_cast<const timespec*>(values[3]);
  while (true) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    const bool soon = until.tv_sec <= now.tv_sec;
    timespec slice = soon ? until : timespec{now.tv_sec + 1, 0};
    slice.tv_sec = std::max<std::int64_t>(slice.tv_sec - offset(), 0);  // some are long past
    values[3] = reinterpret_cast<long>(&slice);
    const long result = real(number, values[0], values[1], values[2], values[3], values[4], values[5]);
    if (soon || result == 0 || errno != ETIMEDOUT) return result;
  }
}
