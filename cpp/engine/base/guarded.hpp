// A value that can be reached only under its own lock.
#pragma once

#include <mutex>
#include <utility>

namespace cppwax {

// Thread-safe. Invariant: no reference to the value outlives the call that got it.
template <class T>
class Guarded {
 public:
  template <class... Args>
  explicit Guarded(Args&&... args) : value_(std::forward<Args>(args)...) {}

  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  // Runs `use` with the value, under the lock. REQUIRES: `use` takes no other lock and runs no
  // user code.
  template <class Use>
  decltype(auto) with(Use&& use) {
    std::lock_guard lock(mutex_);
    return std::forward<Use>(use)(value_);
  }

 private:
  std::mutex mutex_;
  T value_;
};

}  // namespace cppwax
