#include "engine/worker/runtime.hpp"

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/first_failure.hpp"

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
    : plan_(plan),
      logic_(logic),
      clock_(clock),
      settings_(std::move(settings)),
      conversion_(plan, logic.codec()) {
  const std::uint32_t own = settings_.worker_count;
  ENGINE_ASSERT(own > 0);
  for (std::uint32_t w = 0; w < own; ++w) {
    mailboxes_.push_back(std::make_unique<channel::Mailbox>());
  }
  if (settings_.cluster) {
    link_ = std::make_unique<ClusterLink>(
        *settings_.cluster, mailboxes_, conversion_, clock,
        LinkEvents{.on_failure = [this] { end_for_others(RunEnd::kAborted); },
                   .on_abandoned = [this] { end_for_others(RunEnd::kAbandoned); },
                   .on_stop =
                       [this](int signal) {
                         stop_told_ = signal;
                         settings_.on_stop();
                       },
                   .on_warning = settings_.on_warning});
  } else {
    peers_ = std::make_unique<ProcessPeers>(mailboxes_);
  }
}

// What is on its way may refer to memory that needs a scope to be let go of.
Runtime::~Runtime() {
  if (settings_.recovery) settings_.recovery->on_progress({});
  if (link_) link_->close();
}

RunEnd Runtime::run() {
  if (!link_) {
    open_store();
    make_workers();
    return run_workers();
  }
  try {
    const RunEnd end = run_in_cluster();
    link_->close();
    return end;
  } catch (...) {
    link_->close();
    throw;
  }
}

RunEnd Runtime::run_in_cluster() {
  const transport::FormEnd formed = link_->form();
  if (formed == transport::FormEnd::kInterrupted) return RunEnd::kStopped;
  if (formed == transport::FormEnd::kFailed) return settle_cluster(nullptr);
  try {
    if (!open_store()) {
      const bool given_up = early_end_ == RunEnd::kAbandoned && !others_ended_;
      return given_up ? RunEnd::kAbandoned : settle_cluster(nullptr);
    }
  } catch (const RecoveryError&) {
    // All find the same. They wait for each other, so that nobody's end is taken for a loss.
    link_->leave();
    throw;
  } catch (...) {
    link_->fail(failure_at_start(std::current_exception()));
    return settle_cluster(std::current_exception());
  }
  make_workers();
  return work_in_cluster();
}

RunEnd Runtime::work_in_cluster() {
  RunEnd end = RunEnd::kAborted;
  std::exception_ptr failure;
  try {
    end = leave_cluster(run_workers());
  } catch (...) {
    failure = std::current_exception();
  }
  return failure || others_ended_ ? settle_cluster(failure) : end;
}

// Returns whether it is open, if there is one.
bool Runtime::open_store() {
  RecoverySession* const store = settings_.recovery;
  if (store == nullptr) return true;
  const Place place{settings_.process(), settings_.worker_count};
  const Gather gather_all = [this](transport::Report own) { return link_->gather(std::move(own)); };
  if (!store->open(plan_, place, link_ ? gather_all : gather_alone)) return false;
  for (const std::string& warning : store->warnings()) settings_.on_warning("warning: " + warning);
  store->on_progress(
      [this](std::size_t w) { mailboxes_[w]->post(channel::Control(channel::StoreProgress{})); });
  if (link_) link_->set_durable(store->cut());
  return true;
}

void Runtime::make_workers() {
  const std::uint32_t own = settings_.worker_count;
  const std::uint32_t first = settings_.first_worker().value();
  std::uint32_t all = own;
  if (settings_.cluster) {
    all = static_cast<std::uint32_t>(settings_.cluster->addresses.size()) * own;
  }
  channel::Peers& peers = link_ ? static_cast<channel::Peers&>(*link_) : *peers_;
  for (std::uint32_t w = 0; w < own; ++w) {
    const WorkerSettings worker{
        .seat = {WorkerIndex(first + w), all},
        .epoch_interval = settings_.epoch_interval,
        .window = settings_.window,
        .store = settings_.recovery ? &settings_.recovery->access(w) : nullptr,
        .meters = settings_.meters ? &settings_.meters->worker(w) : nullptr};
    workers_.push_back(std::make_unique<Worker>(plan_, logic_, clock_, peers, worker));
  }
}

RunEnd Runtime::run_workers() {
  const std::size_t first = settings_.on_caller_thread ? 1 : 0;
  std::vector<std::thread> threads = start_threads(first);
  if (settings_.on_caller_thread) run_worker(0);
  for (std::thread& thread : threads) thread.join();
  return outcome();
}

// This process is through, or has given up.
RunEnd Runtime::leave_cluster(RunEnd end) {
  if (others_ended_ || end == RunEnd::kAbandoned) return end;
  if (end == RunEnd::kAborted) {
    others_ended_ = true;  // told by `work`
    return end;
  }
  switch (link_->leave()) {
    case transport::LeaveEnd::kDone:
      return end;
    case transport::LeaveEnd::kFailed:
    case transport::LeaveEnd::kLost:
      others_ended_ = true;
      return end;
    case transport::LeaveEnd::kAbandoned:
    case transport::LeaveEnd::kInterrupted:
      return RunEnd::kAbandoned;
  }
  return end;
}

// All processes show the same failure (P18): the own one, if that is first.
RunEnd Runtime::settle_cluster(const std::exception_ptr& own) {
  const transport::FailureOutcome told = link_->settle();
  const bool is_own = settings_.cluster->process == told.first.process;
  switch (told.first.kind) {
    case transport::FailureKind::kAborted:
      return RunEnd::kAborted;
    case transport::FailureKind::kLost:
      throw TransportError(told.first.message);
    case transport::FailureKind::kFailed:
      if (is_own && own) std::rethrow_exception(own);
      throw RemoteFailure(told);
  }
  return RunEnd::kAborted;
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
  close(index, *scope);
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
      if (link_ && settings_.recovery) link_->set_durable(worker.durable());
      if (worker.aborted()) {
        if (note_early_end(RunEnd::kAborted)) wake_all();
        if (link_) link_->fail(abort_of(worker));
        if (settings_.on_early_end) settings_.on_early_end(nullptr);
      }
      if (result != StepResult::kWorked) return result == StepResult::kIdle;
    }
  } catch (...) {
    fail(index, std::current_exception());
  }
  return false;
}

void Runtime::close(std::size_t index, operators::UserCodeScope& scope) noexcept {
  FirstFailure first;
  first.attempt([&] { scope.begin_close(); });
  first.attempt([&] { workers_[index]->close(); });
  try {
    first.rethrow();
  } catch (...) {
    fail(index, std::current_exception(), true);
  }
}

// What fails while closing may be a consequence of another failure, of this or of another worker.
void Runtime::fail(std::size_t index, std::exception_ptr error, bool at_close) {
  if (link_) set_process(error, settings_.cluster->process);
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
  if (is_news && link_) link_->fail(failure_of(index, error));
  if (is_news && settings_.on_early_end) settings_.on_early_end(error);
}

transport::Failure Runtime::abort_of(const Worker& worker) const {
  transport::Failure failure;
  failure.kind = transport::FailureKind::kAborted;
  failure.process = settings_.cluster->process;
  failure.epoch = worker.epoch();
  return failure;
}

transport::Failure Runtime::failure_at_start(const std::exception_ptr& error) const {
  transport::Failure failure = settings_.describe(error);
  failure.process = settings_.cluster->process;
  return failure;
}

transport::Failure Runtime::failure_of(std::size_t index, const std::exception_ptr& error) const {
  transport::Failure failure = failure_at_start(error);
  failure.epoch = workers_[index]->epoch();
  if (!failure.worker) failure.worker = workers_[index]->index();
  return failure;
}

// Another process ends: the workers of this one do so after the call of user code that they are in.
void Runtime::end_for_others(RunEnd how) {
  if (how == RunEnd::kAborted) others_ended_ = true;
  note_early_end(how);
  wake_all();
  if (settings_.on_early_end) settings_.on_early_end(nullptr);
}

// Returns whether it is the first one.
bool Runtime::note_early_end(RunEnd how) {
  RunEnd none = RunEnd::kEof;
  return early_end_.compare_exchange_strong(none, how);
}

void Runtime::wake_all() {
  for (auto& mailbox : mailboxes_) mailbox->wake();
}

void Runtime::request_stop(int signal) {
  if (stop_asked_.exchange(true)) return;
  if (link_) return link_->stop(signal);
  mailboxes_[0]->post(channel::Control(channel::StopRequest{signal}));
}

bool Runtime::abandon() {
  const bool failed = failures_.with([&](std::vector<Failure>& failures) {
    abandoned_ = true;
    note_early_end(RunEnd::kAbandoned);
    return others_ended_ || std::any_of(failures.begin(), failures.end(),
                                        [](const Failure& f) { return !f.after_abandon; });
  });
  wake_all();
  if (link_) link_->interrupt();
  return failed;
}

std::set<std::thread::id> Runtime::at_work() {
  return at_work_.with([](const auto& threads) { return threads; });
}

void Runtime::wake() {
  mailboxes_[0]->wake();
}

}  // namespace cppwax::worker
