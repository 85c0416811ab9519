// The process's handlers for SIGINT and SIGTERM while a run is on, and the pipe they write to. A
// handler may do almost nothing: what a signal means is decided by the watcher of signals.hpp,
// which reads the pipe. All of this is per process because signals are; nothing here runs Python
// code.
#pragma once

#include <vector>

namespace cppwax::bindings::signal_handlers {

// Which of the present handlers give way to ours: Python's own and the system's default do, a
// user's and an ignored signal never.
struct Choice {
  bool on_main_thread = false;  // of Python; no handler is taken elsewhere
  bool sigint = false;
  bool sigterm = false;
  // Python's part of SIGINT raises KeyboardInterrupt.
  bool python_raises = false;
};

// Looks at the present handlers. REQUIRES: the interpreter is held.
Choice choose();

// Takes over what was chosen. REQUIRES: on the main thread, nothing is installed.
void install(const Choice& choice);

// Puts back what was there before, except where somebody else's handler has taken our place since.
// Returns whether that was so for SIGINT. REQUIRES: on the thread that installed; no other thread
// is in `interrupt_main_thread` or `wake_main_thread`, which count on our handlers.
//
// Of `awaited` (0: none), a signal that is on its way to a process that is about to exit for that
// very reason, the first one does nothing; then it is the system's default.
bool restore(int awaited = 0);

// What the pipe says.
struct News {
  enum class Kind {
    kQuit,    // what `tell_quit` wrote
    kLook,    // what `tell_look` wrote
    kStop,    // a signal that is ours came
    kPython,  // one came for which Python has a handler of the user
  };
  Kind kind;
  int number;
};

// The reading end of the pipe. It is made at first use and kept as long as the process, so that no
// handler can write to a foreign descriptor. Any thread.
int reading_end();
void tell_quit();
void tell_look();
// All that is in the pipe. Does not wait.
std::vector<News> take_news();

// While this lives, Python too tells the pipe of signals: between its last look at them and its
// sleep, a thread would miss one. Who was told before is told still. Nests.
class PythonTells {
 public:
  // Both: REQUIRES the interpreter, held by its main thread if `choice` says so (else nothing is
  // done).
  explicit PythonTells(const Choice& choice);
  ~PythonTells();
  PythonTells(const PythonTells&) = delete;
  PythonTells& operator=(const PythonTells&) = delete;

 private:
  bool active_;
  int former_ = -1;
};
// Tells whoever Python told before.
void pass_on(const News& news);

// Whether `ident` (of PyThread_get_thread_ident) is the thread that installed.
bool is_main_thread(unsigned long ident);
// Makes Python raise KeyboardInterrupt on the main thread at its next bytecode. False: it would
// not, because of what the user does with SIGINT.
bool interrupt_main_thread();
// Lets the system call that the main thread is in return early.
void wake_main_thread();

// To be called once in a forked child: handlers as before the runs, a pipe of its own.
// Async-signal- safe.
void forget_in_child();

}  // namespace cppwax::bindings::signal_handlers
