// What a run does about SIGINT and SIGTERM: stop in order, be given up after a while, be
// interrupted in user code, at last end the process; and what it does about workers that stay in
// user code after another one's failure or abort (docs/decisions/0010-signals.md). While runs are
// on, one watcher thread waits for either; it needs no interpreter, so that user code in C cannot
// hold it up.
#pragma once

#include <optional>
#include <thread>

#include "bindings/last_words.hpp"
#include "bindings/signal_handlers.hpp"
#include "bindings/user_threads.hpp"
#include "engine/base/clock.hpp"
#include "engine/base/wakeup.hpp"
#include "engine/worker/runtime.hpp"

namespace cppwax::bindings {

struct StopSettings {
  // From the first signal, failure or abort until what is still in flight is given up.
  Duration timeout = std::chrono::seconds(1);
  // A second signal, or another second without an end, ends the process.
  bool end_process = false;
};

// How signals, or the watcher alone, ended a run.
struct StopOutcome {
  int signal = 0;             // 0: none came
  bool abandoned = false;     // it did not end in time
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
  LastWords& last_words;
  StopSettings stop;
  // Ends the sleep of the thread that called `run`; null: worker 0 is on it.
  Wakeup* caller = nullptr;
  bool on_main_thread = false;
  StopOutcome outcome{};

  // The watcher's own. When the run is to be abandoned next, or was; empty: not foreseen.
  std::optional<SteadyTime> deadline{};
  bool early_end_seen = false;
  bool stop_seen = false;
  bool signalled = false;
  // Whether an interruption is for all threads in user code, or for those at work only: a failure
  // lets `close` take its time.
  bool interrupts_all = false;
  std::thread::id caller_thread = std::this_thread::get_id();
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

// A run has failed or been aborted: its watcher shall look after it. Any thread.
void early_end_noted();

// Takes back an interruption that came too late for what it was to end, so that it does not hit
// what the calling thread does next. REQUIRES: the interpreter is held; no more of them come.
// Errors: UserCodeError if a signal handler of the user was pending, and raises.
void drop_late_interruption();

// To be called once in a forked child: its parent's runs are not its own.
void forget_runs_in_child();

}  // namespace cppwax::bindings
