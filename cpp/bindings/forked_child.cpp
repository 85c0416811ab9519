#include "bindings/forked_child.hpp"

#include <Python.h>
#include <pthread.h>
#include <unistd.h>

#include <mutex>
#include <string_view>

#include "bindings/py_error.hpp"
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

// Shows what has to be shown, and does what is done at a script's end. Python's own end would take
// the interpreter down, and a worker's thread, whose state is of our making, does not survive that.
int exit_code_of_present_error() {
  PyObject* exception = fetch_exception();
  PyObject* module = PyImport_ImportModule("cppwax._exit");
  PyObject* code =
      module != nullptr ? PyObject_CallMethod(module, "end_forked_child", "O", exception) : nullptr;
  if (code == nullptr) PyErr_WriteUnraisable(nullptr);
  // The references are the child's last.
  return code != nullptr ? static_cast<int>(PyLong_AsLong(code)) : 1;
}

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
  if (PyErr_Occurred() != nullptr) _exit(exit_code_of_present_error());
  [[maybe_unused]] const auto written = write(STDERR_FILENO, kMessage.data(), kMessage.size());
  _exit(1);
}

}  // namespace cppwax::bindings
