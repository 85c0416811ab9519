// Why no notify is lost. Sleeper and notifier meet in one atomic, `state_`, and change it by
// read-modify-write only, so one of two things is true:
//   - the exchange of `notify` comes before the sleeper's step from awake to asleep: that step
//     fails, since the state is "notified", and `sleep` returns without a system call;
//   - it comes after: the exchange finds "asleep" and writes to the descriptor, which ends the
//   poll.
// Both sides are acquire and release, and a chain of read-modify-writes is one release sequence:
// the exchange that ends a sleep sees what every notifier wrote before notifying, also one that
// found the state "notified" already. (With a plain load for that case its writes could be missed.)
//
// A sleep that ends by timeout while a notifier is between its exchange and its write leaves the
// descriptor readable. That costs one early return of a later sleep and is never a loss.
#include "engine/base/wakeup.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <system_error>

#include "engine/base/error.hpp"

#ifdef __linux__
#include <sys/eventfd.h>
#endif

namespace cppwax {

namespace {

constexpr int kAwake = 0;
constexpr int kAsleep = 1;
constexpr int kNotified = 2;

[[noreturn]] void fail_to_open() {
  throw Error("cannot open a descriptor to wake a worker: " +
              std::generic_category().message(errno));
}

// An eventfd is one descriptor for both ends and cannot fill up.
#ifdef __linux__
void open_ends(int& read_fd, int& write_fd) {
  read_fd = write_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (read_fd < 0) fail_to_open();
}
#else
void open_ends(int& read_fd, int& write_fd) {
  int ends[2];
  if (::pipe(ends) != 0) fail_to_open();
  for (const int end : ends) {
    ::fcntl(end, F_SETFD, FD_CLOEXEC);
    ::fcntl(end, F_SETFL, O_NONBLOCK);
  }
  read_fd = ends[0];
  write_fd = ends[1];
}
#endif

// Returns what poll returns.
int poll_for(pollfd& polled, std::optional<Duration> timeout) {
#ifdef __linux__
  if (!timeout) return ::ppoll(&polled, 1, nullptr, nullptr);
  const Duration wait = std::max(*timeout, Duration::zero());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(wait);
  timespec limit{};
  limit.tv_sec = static_cast<std::time_t>(seconds.count());
  limit.tv_nsec = static_cast<long>(std::chrono::nanoseconds(wait - seconds).count());
  return ::ppoll(&polled, 1, &limit, nullptr);
#else
  if (!timeout) return ::poll(&polled, 1, -1);
  // Rounded up, or the last part of a millisecond would be spent in a busy loop.
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(*timeout);
  return ::poll(&polled, 1, static_cast<int>(std::clamp<std::int64_t>(wait.count(), 0, INT_MAX)));
#endif
}

}  // namespace

// `notify` is called from signal handlers, so the state must be without a lock.
static_assert(std::atomic<int>::is_always_lock_free);

Wakeup::Wakeup() {
  open_ends(read_fd_, write_fd_);
}

Wakeup::~Wakeup() {
  ::close(read_fd_);
  if (write_fd_ != read_fd_) ::close(write_fd_);
}

void Wakeup::notify() {
  if (state_.exchange(kNotified, std::memory_order_acq_rel) != kAsleep) return;
  // A signal handler must leave errno as it was. A full pipe is readable: as good as written.
  const int saved_errno = errno;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(write_fd_, &one, sizeof one);
  errno = saved_errno;
}

void Wakeup::sleep(std::optional<Duration> timeout) {
  int state = kAwake;
  if (state_.compare_exchange_strong(state, kAsleep, std::memory_order_acq_rel)) {
    pollfd polled{read_fd_, POLLIN, 0};
    const int ready = poll_for(polled, timeout);
    ENGINE_ASSERT(ready >= 0 || errno == EINTR, errno);
    if (ready > 0) {
      // Whatever lies there belongs to a notify that `state_` tells of, now or at the exchange.
      std::uint64_t drained[16];
      while (::read(read_fd_, drained, sizeof drained) == sizeof drained) {
      }
    }
  }
  state_.exchange(kAwake, std::memory_order_acq_rel);
}

}  // namespace cppwax
