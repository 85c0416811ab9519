// Wakes one sleeping thread from others: a file descriptor, so that a sleeper can also be
// interrupted by a signal (docs/decisions/0010-signals.md).
#pragma once

#include <atomic>
#include <optional>

#include "engine/base/clock.hpp"

namespace cppwax {

// Thread-safe: one thread sleeps, any may notify. Invariant: a notify that happens before or during
// a sleep ends it. Costs a system call only while somebody sleeps.
class Wakeup {
 public:
  Wakeup();
  ~Wakeup();
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  void notify();
  // Returns after a notify, after `timeout` (nullopt: never), or when a signal was delivered to
  // this thread. May return early.
  void sleep(std::optional<Duration> timeout);

 private:
  int read_fd_ = -1;
  int write_fd_ = -1;
  std::atomic<int> state_{0};  // 0 awake, 1 asleep, 2 notified
};

}  // namespace cppwax
