// Waits on a condition variable until something holds.
#pragma once

#include <pthread.h>

#include <condition_variable>
#include <mutex>

namespace cppwax {

// As `changed.wait(lock, reached)`, which a compiler binds to the newest form that its own C++
// library has: with GCC 12 a wheel would not run on a system with GCC 11's, such as RHEL 9.
template <class Reached>
void await(std::condition_variable& changed, std::unique_lock<std::mutex>& lock,
           const Reached& reached) {
  while (!reached()) {
    pthread_cond_wait(changed.native_handle(), lock.mutex()->native_handle());
  }
}

}  // namespace cppwax
