#include "bindings/forked_child.hpp"

#include <Python.h>
#include <pthread.h>
#include <unistd.h>

#include <mutex>
#include <string_view>

#include "bindings/signal_handlers.hpp"
#include "bindings/signals.hpp"

namespace cppwax::bindings {

namespace {

// How many runs the thread is in, one inside the other.
thread_local int runs_around = 0;
// Of these, the ones that were left behind in the parent process.
thread_local int runs_lost = 0;

void after_fork_in_child() {
  runs_lost = runs_around;
  detail::forked_inside_run = runs_lost > 0;
  signal_handlers::forget_in_child();
  forget_runs_in_child();
}

constexpr std::string_view kMessage =
    "cppwax: a forked child came back from a callback of a dataflow that runs in its parent; "
    "the child ends here. End it inside the callback with os._exit().\n";

}  // namespace

InsideRun::InsideRun() {
  ++runs_around;
}
InsideRun::~InsideRun() {
  --runs_around;
}

void watch_forks() {
  // Python never unloads an extension module, so the registration cannot outlive the code.
  static std::once_flag once;
  std::call_once(once, [] { pthread_atfork(nullptr, nullptr, after_fork_in_child); });
}

bool detail::forked_inside_run = false;

void detail::end_if_run_is_lost() {
  // Runs that the child has started itself, in threads of their own or in this one, are its own.
  if (runs_lost == 0 || runs_around > runs_lost) return;
  if (PyErr_Occurred() != nullptr) {
    PyErr_PrintEx(0);  // does not return from SystemExit
    Py_Exit(1);
  }
  [[maybe_unused]] const auto written = write(STDERR_FILENO, kMessage.data(), kMessage.size());
  _exit(1);
}

}  // namespace cppwax::bindings
