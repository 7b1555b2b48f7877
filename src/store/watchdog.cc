#include "store/watchdog.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace paastech::store {

Watchdog::Watch::Watch(Watchdog& dog, int socket, Time end)
    : dog_(dog), fd_(::fcntl(socket, F_DUPFD_CLOEXEC, 0)), end_(end) {
  const std::lock_guard lock(dog_.mutex_);
  place_ = dog_.watched_.insert(dog_.watched_.end(), this);
  if (end_ < dog_.wakes_at_) dog_.changed_.notify_one();
}

Watchdog::Watch::~Watch() {
  {
    const std::lock_guard lock(dog_.mutex_);
    dog_.watched_.erase(place_);
  }
  if (fd_ >= 0) ::close(fd_);
}

Watchdog::Watchdog() : thread_([this] { run(); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Watchdog::run() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    const Time now = std::chrono::steady_clock::now();
    wakes_at_ = Time::max();
    for (const Watch* each : watched_) {
      if (each->end_ > now)
        wakes_at_ = std::min(wakes_at_, each->end_);
      else if (each->fd_ >= 0)
        ::shutdown(each->fd_, SHUT_RDWR);
    }
    if (wakes_at_ == Time::max())
      changed_.wait(lock);
    else
      changed_.wait_until(lock, wakes_at_);
  }
}

}  // namespace paastech::store
