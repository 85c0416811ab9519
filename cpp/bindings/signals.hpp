// What a run does about SIGINT and SIGTERM: stop in order, be given up after a while, be
// interrupted in user code, at last end the process (docs/decisions/0010-signals.md). While runs
// are on, one watcher thread waits for signals; it needs no interpreter, so that user code in C
// cannot hold it up.
#pragma once

#include "bindings/signal_handlers.hpp"
#include "bindings/user_threads.hpp"
#include "engine/base/clock.hpp"
#include "engine/base/wakeup.hpp"
#include "engine/worker/runtime.hpp"

namespace cppwax::bindings {

struct StopSettings {
  // From the first signal until what is still in flight is given up.
  Duration timeout = std::chrono::seconds(1);
  // A second signal, or another second without an end, ends the process.
  bool end_process = false;
};

// How signals ended a run.
struct StopOutcome {
  int signal = 0;             // 0: none came
  bool abandoned = false;     // it did not stop in time
  bool failed_first = false;  // it had failed before it was abandoned
  bool interrupted = false;   // KeyboardInterrupt was sent into user code
  // Python's own handler was back in place (user code that takes SIGINT for a while, as asyncio.run
  // does, leaves it so): a KeyboardInterrupt of the user's code is then one of ours.
  bool python_took_over = false;
};

// A run as signals see it. Belongs to its watcher from `RunWatch` to `end`.
struct WatchedRun {
  worker::Runtime& runtime;
  UserThreads& threads;
  StopSettings stop;
  // Ends the sleep of the thread that called `run`; null: worker 0 is on it.
  Wakeup* caller = nullptr;
  bool on_main_thread = false;
  StopOutcome outcome{};
  SteadyTime deadline{};
};

// Makes a run stop at signals while this lives. Runs that are started on Python's main thread take
// the handlers, all others are stopped along with these. Constructed, ended and destroyed on the
// thread that calls `run`, which does not hold the interpreter then.
class RunWatch {
 public:
  RunWatch(WatchedRun run, const signal_handlers::Choice& choice);
  ~RunWatch();
  RunWatch(const RunWatch&) = delete;
  RunWatch& operator=(const RunWatch&) = delete;

  // The run is over: handlers are as before, no interruption is sent any more.
  StopOutcome end();

 private:
  WatchedRun run_;
  signal_handlers::Choice choice_;
  bool ended_ = false;
};

// Takes back an interruption that came too late to be raised, so that it does not hit what the
// caller of `run` does next. REQUIRES: the interpreter is held; on the thread that called `run`.
void drop_late_interruption();

// To be called once in a forked child: its parent's runs are not its own.
void forget_runs_in_child();

}  // namespace cppwax::bindings
