// Which threads of a run are in user code, for those who have to interrupt it.
#pragma once

#include <signal.h>

#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

#include "bindings/forked_child.hpp"
#include "engine/base/guarded.hpp"
#include "engine/operators/logic.hpp"

namespace cppwax::bindings {

// Thread-safe. One for a run, made on the thread that calls it; outlives the scopes it watches.
class UserThreads {
 public:
  UserThreads();

  struct Thread {
    unsigned long ident;  // of PyThread_get_thread_ident
    std::thread::id id;
  };

  std::vector<Thread> inside() {
    return inside_.with([](const auto& threads) { return threads; });
  }

  // The same scope, with its thread known here while it is entered. To be called on that thread.
  std::unique_ptr<operators::UserCodeScope> watch(std::unique_ptr<operators::UserCodeScope> scope);

 private:
  class WatchedScope;

  // The calling thread.
  void add(unsigned long ident) {
    inside_.with([=](auto& threads) { threads.push_back({ident, std::this_thread::get_id()}); });
  }
  void remove(unsigned long ident) {
    inside_.with(
        [=](auto& threads) { threads.erase(std::ranges::find(threads, ident, &Thread::ident)); });
  }

  sigset_t mask_;  // of the thread that called `run`
  Guarded<std::vector<Thread>> inside_;
};

}  // namespace cppwax::bindings
