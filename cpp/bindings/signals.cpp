#include "bindings/signals.hpp"

#include <Python.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "bindings/gil.hpp"
#include "bindings/py_error.hpp"
#include "bindings/quiet_thread.hpp"
#include "bindings/standard_error.hpp"
#include "engine/base/error.hpp"

namespace cppwax::bindings {

namespace {

constexpr Duration kEndProcessAfter = std::chrono::seconds(1);  // counted from the stop timeout
constexpr std::string_view kStuckMessage =
    "cppwax: a worker did not come back from user code; the process ends without it.\n";
// Whoever reads standard error gets this long for each piece of the last words.
constexpr auto kReaderPatience = std::chrono::seconds(1);
// A system call that begins just after it was to be ended would go on: it is ended again.
constexpr auto kWakeEvery = std::chrono::milliseconds(100);
// User code may catch an interruption; whoever cleans up after one gets this long to do it.
constexpr int kWakesAnInterruption = 10;

// As the run would have ended, had it come to an end. A failure that came first is told.
[[noreturn]] void end_process(const WatchedRun& run, int signal) {
  const StopOutcome& outcome = run.outcome;
  const bool failed = outcome.abandoned ? outcome.failed_first : run.runtime.abandon();
  const auto words = failed ? run.last_words.words() : LastWords::Words{};
  std::string text = words.text;
  if (failed ? !words.text.empty() : signal == 0) text += kStuckMessage;
  write_error_text(text, kReaderPatience);
  _exit(signal == SIGINT || (signal != 0 && !failed) ? 128 + signal : words.exit_code);
}

// REQUIRES: the interpreter is held; the thread is in user code and stays there meanwhile.
void interrupt_thread(unsigned long ident) {
  // The handler's way also ends sleeps and other system calls; the other way does not.
  if (signal_handlers::is_main_thread(ident) && signal_handlers::interrupt_main_thread()) return;
  PyThreadState_SetAsyncExc(ident, PyExc_KeyboardInterrupt);
}

// Thread-safe. Locks, each taken before the next: `life_` (who starts and ends the threads), the
// interpreter's, `runs_mutex_`, those of the runs. Invariants: the watcher lives while there are
// runs; a run is told nothing after `remove`.
class Watcher {
 public:
  void add(WatchedRun& run, const signal_handlers::Choice& choice);
  // Returns whether Python's SIGINT handler had taken the place of ours.
  bool remove(WatchedRun& run, const signal_handlers::Choice& choice);

 private:
  void watch();
  void take_signal(int number);
  void wake_main_thread(const signal_handlers::News& news);
  void look_for_early_ends();
  void take_told_stop(WatchedRun& run, SteadyTime now);
  void keep_deadlines();
  void keep_deadline(WatchedRun& run, SteadyTime now);
  std::optional<SteadyTime> next_deadline();
  void abandon(WatchedRun& run);
  void abandon_inner_runs(const WatchedRun& outer);

  void interrupt();
  void interrupt_once();
  void end_system_call();

  std::mutex life_;
  std::thread watcher_;
  int main_runs_ = 0;

  std::mutex runs_mutex_;
  std::vector<WatchedRun*> runs_;

  // The watcher's own: made when the first run is abandoned.
  std::thread interrupter_;
  std::mutex interrupter_mutex_;
  std::condition_variable interrupter_wakes_;
  bool interrupter_ends_ = false;
};

// A forked child leaves its parent's behind: threads and locks of it do not exist there.
std::atomic<Watcher*> process_watcher{nullptr};

Watcher& watcher() {
  Watcher* present = process_watcher;
  if (present == nullptr) {
    auto* made = new Watcher;
    if (process_watcher.compare_exchange_strong(present, made)) return *made;
    delete made;
  }
  return *present;
}

// Who sends a signal to all processes of a cluster may reach this one last, when another has told
// it already, and it is over.
int awaited_signal(const WatchedRun& run) {
  if (!run.stop.end_process || run.signalled) return 0;
  return run.runtime.stop_told().value_or(0);
}

void Watcher::add(WatchedRun& run, const signal_handlers::Choice& choice) {
  std::lock_guard life(life_);
  if (!watcher_.joinable()) {
    signal_handlers::reading_end();
    signal_handlers::take_news();
    watcher_ = quiet_thread([this] { watch(); });
  }
  {
    std::lock_guard lock(runs_mutex_);
    runs_.push_back(&run);
  }
  if (choice.on_main_thread && main_runs_++ == 0) signal_handlers::install(choice);
}

bool Watcher::remove(WatchedRun& run, const signal_handlers::Choice& choice) {
  std::lock_guard life(life_);
  bool replaced = false;
  bool last;
  {
    std::lock_guard lock(runs_mutex_);
    // The run may end before the watcher came to look.
    take_told_stop(run, system_clock().steady());
    // Not while the interrupter counts on our handlers.
    if (choice.on_main_thread && --main_runs_ == 0) {
      replaced = signal_handlers::restore(awaited_signal(run));
    }
    std::erase(runs_, &run);
    last = runs_.empty();
  }
  if (last) {
    signal_handlers::tell_quit();
    watcher_.join();
  }
  return replaced;
}

void Watcher::watch() {
  for (;;) {
    int wait_ms = -1;
    if (const auto deadline = next_deadline()) {
      const auto wait = *deadline - system_clock().steady();
      wait_ms = static_cast<int>(
          std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(wait).count()));
    }
    pollfd pipe{signal_handlers::reading_end(), POLLIN, 0};
    poll(&pipe, 1, wait_ms);

    bool quits = false;
    for (const auto& news : signal_handlers::take_news()) {
      using Kind = signal_handlers::News::Kind;
      if (news.kind == Kind::kQuit) quits = true;
      if (news.kind == Kind::kStop) take_signal(news.number);
      if (news.kind == Kind::kPython) wake_main_thread(news);
    }
    if (quits) break;
    look_for_early_ends();
    keep_deadlines();
  }
  if (!interrupter_.joinable()) return;
  {
    std::lock_guard lock(interrupter_mutex_);
    interrupter_ends_ = true;
  }
  interrupter_wakes_.notify_one();
  interrupter_.join();
  interrupter_ends_ = false;
}

void Watcher::take_signal(int number) {
  const auto now = system_clock().steady();
  std::lock_guard lock(runs_mutex_);
  for (WatchedRun* run : runs_) {
    auto& signal = run->outcome.signal;
    // Whoever signals all processes means one stop, though another of them may have told it first.
    const bool is_second = std::exchange(run->signalled, true);
    const auto due = is_second ? now : now + run->stop.timeout;
    if (signal == 0) {
      run->runtime.request_stop(number);
    } else if (is_second && run->stop.end_process) {
      end_process(*run, number);
    }
    run->deadline = run->deadline ? std::min(*run->deadline, due) : due;
    // Whoever presses Ctrl-C, at whatever point, gets a KeyboardInterrupt.
    if (signal != SIGINT) signal = number;
  }
}

// The user's handler is run by Python on the main thread: not while that sleeps.
void Watcher::wake_main_thread(const signal_handlers::News& news) {
  signal_handlers::pass_on(news);
  std::lock_guard lock(runs_mutex_);
  for (WatchedRun* run : runs_) {
    if (!run->on_main_thread) continue;
    if (run->caller != nullptr) {
      run->caller->notify();
    } else {
      run->runtime.wake();
    }
  }
}

void Watcher::look_for_early_ends() {
  const auto now = system_clock().steady();
  std::lock_guard lock(runs_mutex_);
  for (WatchedRun* run : runs_) {
    take_told_stop(*run, now);
    if (run->early_end_seen || !run->runtime.ended_early()) continue;
    run->early_end_seen = true;
    if (!run->deadline) run->deadline = now + run->stop.timeout;
  }
}

// Another process was told to stop, and this one with it: as if the signal had come here.
void Watcher::take_told_stop(WatchedRun& run, SteadyTime now) {
  const auto told = run.runtime.stop_told();
  if (!told || run.stop_seen) return;
  run.stop_seen = true;
  if (!run.deadline) run.deadline = now + run.stop.timeout;
  if (run.outcome.signal == 0) run.outcome.signal = *told == 0 ? SIGTERM : *told;
}

void Watcher::keep_deadlines() {
  const auto now = system_clock().steady();
  std::lock_guard lock(runs_mutex_);
  for (WatchedRun* run : runs_) {
    if (run->deadline && now >= *run->deadline) keep_deadline(*run, now);
  }
}

void Watcher::keep_deadline(WatchedRun& run, SteadyTime now) {
  const bool by_signal = run.outcome.signal != 0;
  if (!by_signal && run.runtime.at_work().empty()) {
    // Nobody keeps the others waiting: what is left is closing.
    run.deadline.reset();
    return;
  }
  if (by_signal) run.interrupts_all = true;
  if (!run.outcome.abandoned) abandon(run);
  if (run.stop.end_process && now >= *run.deadline + kEndProcessAfter) {
    end_process(run, run.outcome.signal);
  }
}

std::optional<SteadyTime> Watcher::next_deadline() {
  std::lock_guard lock(runs_mutex_);
  std::optional<SteadyTime> next;
  for (const WatchedRun* run : runs_) {
    if (!run->deadline) continue;
    if (run->outcome.abandoned && !run->stop.end_process) continue;
    const auto due = *run->deadline + (run->outcome.abandoned ? kEndProcessAfter : Duration{});
    next = next ? std::min(*next, due) : due;
  }
  return next;
}

void Watcher::abandon(WatchedRun& run) {
  run.outcome.abandoned = true;
  run.outcome.failed_first = run.runtime.abandon();
  if (!interrupter_.joinable()) interrupter_ = std::thread([this] { interrupt(); });
  abandon_inner_runs(run);
}

// The call that a worker is in may be a run of its own, in which no user code need be.
void Watcher::abandon_inner_runs(const WatchedRun& outer) {
  const auto threads = outer.runtime.at_work();
  for (WatchedRun* run : runs_) {
    if (run == &outer || run->outcome.abandoned || !threads.contains(run->caller_thread)) continue;
    run->interrupts_all = true;
    abandon(*run);
  }
}

// The interrupter's thread: it may have to wait for the interpreter, which the watcher must not.
void Watcher::interrupt() {
  for (int wakes = 0;; ++wakes) {
    if (wakes % kWakesAnInterruption == 0 && interpreter_alive()) interrupt_once();
    end_system_call();
    std::unique_lock lock(interrupter_mutex_);
    if (interrupter_wakes_.wait_for(lock, kWakeEvery, [this] { return interrupter_ends_; })) return;
  }
}

void Watcher::interrupt_once() {
  const GilHeld held;
  std::lock_guard lock(runs_mutex_);
  std::set<unsigned long> threads;  // nested runs share theirs
  for (WatchedRun* run : runs_) {
    if (!run->outcome.abandoned) continue;
    run->outcome.interrupted = true;
    run->threads.interrupt(run->interrupts_all, [&](unsigned long ident) {
      if (threads.insert(ident).second) interrupt_thread(ident);
    });
  }
}

// That of the main thread, if it is in user code of an abandoned run.
void Watcher::end_system_call() {
  std::lock_guard lock(runs_mutex_);
  const bool is_inside = std::ranges::any_of(runs_, [](WatchedRun* run) {
    return run->outcome.abandoned &&
           run->threads.any(run->interrupts_all, signal_handlers::is_main_thread);
  });
  if (is_inside) signal_handlers::wake_main_thread();
}

}  // namespace

RunWatch::RunWatch(WatchedRun run, const signal_handlers::Choice& choice)
    : run_(run), choice_(choice) {
  watcher().add(run_, choice_);
}

RunWatch::~RunWatch() {
  if (!ended_) end();
}

StopOutcome RunWatch::end() {
  ended_ = true;
  const bool replaced = watcher().remove(run_, choice_);
  run_.outcome.python_took_over = replaced && choice_.python_raises;
  return run_.outcome;
}

void early_end_noted() {
  signal_handlers::tell_look();
}

void drop_late_interruption() {
  PyThreadState_SetAsyncExc(PyThread_get_thread_ident(), nullptr);
  if (PyErr_CheckSignals() == 0) return;
  if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) == 0) {
    throw UserCodeError("running a signal handler", take_python_error(Wrapped::kNo));
  }
  PyErr_Clear();
}

void forget_runs_in_child() {
  process_watcher = nullptr;
}

}  // namespace cppwax::bindings
