// Threads of the bindings' own, which no signal of the program is delivered to.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <thread>
#include <utility>

namespace cppwax::bindings {

template <class Work>
std::thread quiet_thread(Work work) {
  sigset_t all;
  sigset_t former;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &former);
  try {
    std::thread thread(std::move(work));
    pthread_sigmask(SIG_SETMASK, &former, nullptr);
    return thread;
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &former, nullptr);
    throw;
  }
}

}  // namespace cppwax::bindings
