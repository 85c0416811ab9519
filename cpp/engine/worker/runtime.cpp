#include "engine/worker/runtime.hpp"

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>

#include "engine/base/error.hpp"

namespace cppwax::worker {

namespace {

// Threads made while this lives get no signals: those are for the threads of the program.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

// The exception is one object, which all its pointers share.
void set_process(const std::exception_ptr& error, ProcessIndex process) {
  try {
    std::rethrow_exception(error);
  } catch (Error& known) {
    known.context.process = process;
  } catch (...) {
    return;  // one that is not ours says nothing of places
  }
}

}  // namespace

class Runtime::ProcessPeers final : public channel::Peers {
 public:
  explicit ProcessPeers(std::vector<std::unique_ptr<channel::Mailbox>>& mailboxes)
      : mailboxes_(mailboxes) {}
  void post(WorkerIndex to, channel::Delivery delivery) override {
    mailboxes_[to.value()]->post(std::move(delivery));
  }

 private:
  std::vector<std::unique_ptr<channel::Mailbox>>& mailboxes_;
};

Runtime::Runtime(const graph::Plan& plan, const operators::LogicFactory& logic, const Clock& clock,
                 RunSettings settings)
    : logic_(logic), clock_(clock), settings_(settings) {
  ENGINE_ASSERT(settings.worker_count > 0);
  for (std::uint32_t w = 0; w < settings.worker_count; ++w) {
    mailboxes_.push_back(std::make_unique<channel::Mailbox>());
  }
  peers_ = std::make_unique<ProcessPeers>(mailboxes_);
  for (std::uint32_t w = 0; w < settings.worker_count; ++w) {
    const WorkerSettings worker{.seat = {WorkerIndex(w), settings.worker_count},
                                .epoch_interval = settings.epoch_interval,
                                .window = settings.window};
    workers_.push_back(std::make_unique<Worker>(plan, logic, clock, *peers_, worker));
  }
}

Runtime::~Runtime() = default;

RunEnd Runtime::run() {
  const std::size_t first = settings_.on_caller_thread ? 1 : 0;
  std::vector<std::thread> threads = start_threads(first);
  if (settings_.on_caller_thread) run_worker(0);
  for (std::thread& thread : threads) thread.join();
  return outcome();
}

// If one cannot be made, those that run already are ended, and joined by the caller.
std::vector<std::thread> Runtime::start_threads(std::size_t first) {
  const SignalsBlocked blocked;
  std::vector<std::thread> threads;
  for (std::size_t w = first; w < workers_.size(); ++w) {
    try {
      threads.emplace_back([this, w] { run_worker(w); });
    } catch (const std::system_error& error) {
      fail(w, std::make_exception_ptr(ConfigError("cannot start the thread of worker " +
                                                  std::to_string(w) + ": " + error.what() +
                                                  "; run with fewer workers")));
      break;
    }
  }
  return threads;
}

RunEnd Runtime::outcome() {
  return failures_.with([&](std::vector<Failure>& failures) {
    if (!failures.empty()) {
      const auto rank = [](const Failure& f) {
        return std::tie(f.after_abandon, f.at_close, f.epoch, f.worker);
      };
      const auto first =
          std::min_element(failures.begin(), failures.end(),
                           [&](const Failure& a, const Failure& b) { return rank(a) < rank(b); });
      const bool aborted_before = first->after_abandon && early_end_ == RunEnd::kAborted;
      if (!aborted_before) std::rethrow_exception(first->error);
    }
    if (over()) return early_end_.load();
    const bool stopped = std::any_of(workers_.begin(), workers_.end(), [](const auto& worker) {
      return worker->end_kind() == data::EndKind::kStopped;
    });
    return stopped ? RunEnd::kStopped : RunEnd::kEof;
  });
}

// The outermost function of a worker: nothing is thrown across threads.
void Runtime::run_worker(std::size_t index) noexcept {
  std::unique_ptr<operators::UserCodeScope> scope = logic_.scope();
  const auto thread = std::this_thread::get_id();
  at_work_.with([&](auto& threads) { threads.insert(thread); });
  enter(index, *scope);
  while (!over()) {
    if (!work(index)) break;
    const auto due = workers_[index]->next_due();
    scope->leave();
    mailboxes_[index]->wait(due, clock_);
    enter(index, *scope);
  }
  at_work_.with([&](auto& threads) { threads.erase(thread); });
  close(index);
  scope->leave();
}

// A failure to enter ends the run; closing needs the scope all the same, and what failed once (a
// pending signal handler) is not pending any more.
void Runtime::enter(std::size_t index, operators::UserCodeScope& scope) noexcept {
  for (;;) {
    try {
      return scope.enter();
    } catch (...) {
      fail(index, std::current_exception());
    }
  }
}

// Works until there is nothing to do; returns whether there may be something later.
bool Runtime::work(std::size_t index) noexcept {
  Worker& worker = *workers_[index];
  try {
    while (!over()) {
      const StepResult result = worker.step(mailboxes_[index]->take_all());
      if (worker.aborted()) {
        if (note_early_end(RunEnd::kAborted)) wake_all();
        if (settings_.on_early_end) settings_.on_early_end(nullptr);
      }
      if (result != StepResult::kWorked) return result == StepResult::kIdle;
    }
  } catch (...) {
    fail(index, std::current_exception());
  }
  return false;
}

void Runtime::close(std::size_t index) noexcept {
  try {
    workers_[index]->close();
  } catch (...) {
    fail(index, std::current_exception(), true);
  }
}

// What fails while closing may be a consequence of another failure, of this or of another worker.
void Runtime::fail(std::size_t index, std::exception_ptr error, bool at_close) {
  if (settings_.process) set_process(error, *settings_.process);
  const bool is_news = failures_.with([&](std::vector<Failure>& failures) {
    const bool known = std::any_of(failures.begin(), failures.end(),
                                   [&](const Failure& f) { return f.worker == index; });
    if (!known) {
      failures.push_back({abandoned_, at_close, workers_[index]->epoch(), index, error});
    }
    note_early_end(RunEnd::kAborted);
    return !known;
  });
  wake_all();
  if (is_news && settings_.on_early_end) settings_.on_early_end(error);
}

// Returns whether it is the first one.
bool Runtime::note_early_end(RunEnd how) {
  RunEnd none = RunEnd::kEof;
  return early_end_.compare_exchange_strong(none, how);
}

void Runtime::wake_all() {
  for (auto& mailbox : mailboxes_) mailbox->wake();
}

void Runtime::request_stop() {
  if (stop_asked_.exchange(true)) return;
  mailboxes_[0]->post(channel::Control(channel::StopRequest{}));
}

bool Runtime::abandon() {
  const bool failed = failures_.with([&](std::vector<Failure>& failures) {
    abandoned_ = true;
    note_early_end(RunEnd::kAbandoned);
    return std::any_of(failures.begin(), failures.end(),
                       [](const Failure& f) { return !f.after_abandon; });
  });
  wake_all();
  return failed;
}

std::set<std::thread::id> Runtime::at_work() {
  return at_work_.with([](const auto& threads) { return threads; });
}

void Runtime::wake() {
  mailboxes_[0]->wake();
}

}  // namespace cppwax::worker
