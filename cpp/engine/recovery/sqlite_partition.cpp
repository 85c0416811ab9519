#include "engine/recovery/sqlite_partition.hpp"

#include <signal.h>

#include <utility>

#include "engine/base/await.hpp"
#include "engine/base/error.hpp"
#include "engine/base/first_failure.hpp"

namespace cppwax::recovery {

namespace {

// Batches that are read before they are asked for.
constexpr std::size_t kReadAhead = 4;
// A write of few entries has a cost of its own.
constexpr std::size_t kAskedBytes = 256;

std::size_t bytes_in(const Entries& entries) {
  std::size_t bytes = kAskedBytes;
  for (const Entry& entry : entries) {
    bytes += sizeof(Entry) + entry.key.size() + (entry.state ? entry.state->size() : 0);
  }
  return bytes;
}

// A thread that no signal is delivered to.
template <class Work>
std::thread thread_without_signals(Work work) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  FirstFailure failure;
  std::thread thread;
  failure.attempt([&] { thread = std::thread(std::move(work)); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  failure.rethrow();
  return thread;
}

}  // namespace

SqlitePartition::SqlitePartition(PartitionSettings settings) : settings_(std::move(settings)) {
  if (settings_.has_thread) {
    thread_ = thread_without_signals([this] { run_thread(); });
  } else {
    open();
  }
}

SqlitePartition::~SqlitePartition() {
  stop_thread();
}

void SqlitePartition::open() {
  try {
    // Another way to the disk than SQLite's own has no such files.
    if (!settings_.file.vfs) claim_.emplace(settings_.file.path);
    store_.emplace(settings_.file, settings_.limits);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    shared_.failure = std::current_exception();
  }
}

void SqlitePartition::run_thread() {
  open();
  std::unique_lock lock(mutex_);
  for (;;) {
    await(work_, lock, [&] { return shared_.closing || next_job() != Job::kNone; });
    if (shared_.closing) return;
    do_one(lock);
  }
}

SqlitePartition::Job SqlitePartition::next_job() const {
  // Who waits for a call is told of the failure by it.
  if (shared_.call) return Job::kCall;
  if (shared_.failure) return Job::kNone;
  if (shared_.merge_is_due) return Job::kMerge;
  if (!shared_.queue.empty()) return Job::kAsked;
  if (shared_.wants_read && !shared_.read_to_end && shared_.read.size() < kReadAhead) {
    return Job::kRead;
  }
  return shared_.wants_merge ? Job::kMerge : Job::kNone;
}

// Does one thing without the lock, and tells of it.
void SqlitePartition::do_one(std::unique_lock<std::mutex>& lock) {
  const Job job = next_job();
  try {
    switch (job) {
      case Job::kCall: {
        const auto call = shared_.call;
        lock.unlock();
        call();
        break;
      }
      case Job::kAsked:
        do_asked(lock);
        break;
      case Job::kRead:
        do_read(lock);
        break;
      case Job::kMerge:
        shared_.merge_is_due = false;
        lock.unlock();
        store_->merge_some();
        break;
      case Job::kNone:
        return;
    }
    if (!lock.owns_lock()) lock.lock();
  } catch (...) {
    if (!lock.owns_lock()) lock.lock();
    shared_.failure = std::current_exception();
  }
  if (store_ && !shared_.failure) shared_.wants_merge = changes_file_ && store_->wants_merge();
  if (job == Job::kCall) {
    shared_.call = nullptr;
    done_.notify_all();
    return;
  }
  if (job == Job::kMerge && !shared_.failure) return;
  lock.unlock();
  tell_progress();
  lock.lock();
}

void SqlitePartition::tell_progress() {
  const std::lock_guard lock(progress_mutex_);
  if (on_progress_) on_progress_();
}

void SqlitePartition::on_progress(std::function<void()> call) {
  const std::lock_guard lock(progress_mutex_);
  on_progress_ = std::move(call);
}

void SqlitePartition::do_asked(std::unique_lock<std::mutex>& lock) {
  Asked asked = std::move(shared_.queue.front());
  shared_.queue.pop_front();
  lock.unlock();
  switch (asked.ask) {
    case Ask::kWrite:
      store_->write(asked.epoch, asked.step, asked.entries);
      break;
    case Ask::kCommit:
      store_->commit(asked.epoch);
      break;
    case Ask::kCollect:
      store_->collect(asked.epoch);
      break;
  }
  lock.lock();
  shared_.queued_bytes -= asked.bytes;
  if (asked.ask != Ask::kCommit) return;
  shared_.durable = asked.epoch;
  // However much is asked for, what it replaces must go as fast.
  shared_.merge_is_due = store_->wants_merge();
}

void SqlitePartition::do_read(std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  Read read = store_->read();
  lock.lock();
  shared_.read_to_end = read.kind == Read::Kind::kEnd;
  shared_.read.push_back(std::move(read));
}

void SqlitePartition::require_sound() const {
  if (shared_.failure) std::rethrow_exception(shared_.failure);
}

void SqlitePartition::call_and_wait(const std::function<void()>& call) {
  const auto checked = [&] {
    {
      const std::lock_guard lock(mutex_);
      if (shared_.failure) return;
    }
    call();
  };
  std::unique_lock lock(mutex_);
  require_sound();
  if (settings_.has_thread) {
    shared_.call = checked;
    work_.notify_all();
    await(done_, lock, [&] { return !shared_.call; });
  } else {
    shared_.call = checked;
    while (shared_.call) do_one(lock);
  }
  require_sound();
}

History SqlitePartition::history() {
  History history;
  call_and_wait([&] { history = store_->history(); });
  return history;
}

void SqlitePartition::begin(const Execution& execution) {
  call_and_wait([&] {
    changes_file_ = true;
    store_->begin(execution);
    const std::lock_guard lock(mutex_);
    shared_.durable = store_->history().durable;
    // At once, for several partitions are read side by side though one after the other is asked.
    shared_.wants_read = true;
  });
}

std::set<StepId> SqlitePartition::stored_steps(Epoch cut) {
  std::set<StepId> steps;
  call_and_wait([&] { steps = store_->stored_steps(cut); });
  return steps;
}

void SqlitePartition::drop(const StepId& step) {
  call_and_wait([&] {
    changes_file_ = true;
    store_->drop(step);
  });
}

Partition::Read SqlitePartition::read() {
  Read read{Read::Kind::kNotYet};
  {
    const std::lock_guard lock(mutex_);
    require_sound();
    if (shared_.read.empty()) {
      if (shared_.read_to_end) return {Read::Kind::kEnd};
      shared_.wants_read = true;
    } else {
      read = std::move(shared_.read.front());
      shared_.read.pop_front();
    }
  }
  work_.notify_all();
  return read;
}

bool SqlitePartition::room() const {
  const std::lock_guard lock(mutex_);
  require_sound();
  return shared_.queued_bytes < settings_.queue_bytes;
}

void SqlitePartition::ask(Asked asked) {
  {
    const std::lock_guard lock(mutex_);
    require_sound();
    shared_.queued_bytes += asked.bytes;
    shared_.queue.push_back(std::move(asked));
  }
  work_.notify_all();
}

void SqlitePartition::write(Epoch epoch, const StepId& step, Entries entries) {
  const std::size_t bytes = bytes_in(entries);
  ask({Ask::kWrite, epoch, step, std::move(entries), bytes});
}

void SqlitePartition::commit(Epoch epoch) {
  ask({Ask::kCommit, epoch});
}
void SqlitePartition::collect(Epoch limit) {
  ask({Ask::kCollect, limit});
}

Epoch SqlitePartition::durable() const {
  const std::lock_guard lock(mutex_);
  require_sound();
  return shared_.durable;
}

void SqlitePartition::stop_thread() {
  {
    const std::lock_guard lock(mutex_);
    shared_.closing = true;
  }
  work_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void SqlitePartition::close() {
  stop_thread();
  FirstFailure failure;
  if (store_ && changes_file_ && !shared_.failure) failure.attempt([&] { store_->close(); });
  store_.reset();
  claim_.reset();
  failure.rethrow();
}

bool SqlitePartition::has_work() const {
  const std::lock_guard lock(mutex_);
  return next_job() != Job::kNone;
}

std::size_t SqlitePartition::waiting() const {
  const std::lock_guard lock(mutex_);
  return shared_.queue.size();
}

void SqlitePartition::act() {
  std::unique_lock lock(mutex_);
  do_one(lock);
}

}  // namespace cppwax::recovery
