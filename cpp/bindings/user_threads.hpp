// Which threads of a run are in user code, for those who have to interrupt it.
#pragma once

#include <signal.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <vector>

#include "bindings/forked_child.hpp"
#include "engine/operators/logic.hpp"

namespace cppwax::bindings {

// Thread-safe. One for a run, made on the thread that calls it; outlives the scopes it watches.
// Invariants: what is sent to a thread comes while it is in user code, so that Python knows it; an
// interruption of its work is none of its `close`. Nobody waits for the interpreter under the lock.
class UserThreads {
 public:
  UserThreads();

  // Calls `send(ident)`, of PyThread_get_thread_ident, for each thread in user code; unless `all`,
  // only for those that are at work. They stay there meanwhile. REQUIRES: the interpreter is held,
  // and `send` does not let go of it.
  template <class Send>
  void interrupt(bool all, Send&& send) {
    std::lock_guard lock(mutex_);
    for (Thread* thread : inside_) {
      if (thread->closes && !all) continue;
      thread->work_interrupted = !all;
      send(thread->ident);
    }
  }

  // Whether `interrupt` would now send to a thread of which `is(ident)` is true.
  template <class Is>
  bool any(bool all, Is&& is) {
    std::lock_guard lock(mutex_);
    return std::ranges::any_of(inside_, [&](const Thread* thread) {
      return (all || !thread->closes) && is(thread->ident);
    });
  }

  // The same scope, with its thread known here while it is entered. To be called on that thread.
  std::unique_ptr<operators::UserCodeScope> watch(std::unique_ptr<operators::UserCodeScope> scope);

 private:
  class WatchedScope;

  // A worker's, read and written under the lock.
  struct Thread {
    unsigned long ident;
    bool closes = false;
    // The last interruption was for its work alone.
    bool work_interrupted = false;
  };

  void add(Thread& thread) {
    std::lock_guard lock(mutex_);
    inside_.push_back(&thread);
  }
  void remove(Thread& thread) {
    std::lock_guard lock(mutex_);
    std::erase(inside_, &thread);
  }
  // Returns whether an interruption may be pending that was not for closing. None comes any more.
  bool begin_close(Thread& thread) {
    std::lock_guard lock(mutex_);
    thread.closes = true;
    return thread.work_interrupted;
  }

  sigset_t mask_;  // of the thread that called `run`
  // Not `Guarded`: what sends takes a lock of Python's own, for a moment.
  std::mutex mutex_;
  std::vector<Thread*> inside_;
};

}  // namespace cppwax::bindings
